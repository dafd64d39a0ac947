/**
 * The HTTP API: routes, who may use them, and how much a request may hold.
 *
 * Runs in:   edge (main thread), behind the listener of `../server.ts`.
 * Specs:     RFC 9110 §11.6.1 (WWW-Authenticate), §15.5.12 (411), RFC 6750 §3; RFC 6585 §4.
 * Limits:    a request's bytes are claimed of the byte budget before they come, so it has to say how many; its
 *            size by `requestBytesMax`. Without an API key its body comes within `smallBodyMsMax`.
 * Invariant: no cookie and no Origin counts: who shows no bearer key or token gets nothing, so a web page can ask
 *            nothing in an operator's name. (The cookie of a log-in by an issuer says which browser began it, and opens
 *            nothing.) Only the control socket says that somebody is an operator.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FastifyError, type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import { MailError } from '../../../../base/errors.ts';
import type { Log } from '../../../../base/log.ts';
import { secondMs } from '../../../../base/units.ts';
import type { ApiKey, ApiScope } from '../../../../ports/account-directory.ts';
import type { AccessWitness } from '../../../guard/access-witness.ts';
import { apiKeyShown } from '../../../guard/api-keys.ts';
import { Askers, type AskersParts, notePeer, peerOf } from '../admin/asked-by.ts';
import { docsPage } from '../admin/docs-page.ts';
import { document } from '../admin/document.ts';
import { issuerRoutes } from '../admin/issuer-routes.ts';
import { bodyBytesMax, pathPartLengthMax } from '../admin/limits.ts';
import { type Resets, resetRoutes } from '../admin/reset-routes.ts';
import { adminRoutes, type DoAct } from '../admin/routes.ts';
import { type TokenRouteParts, tokenRoutes } from '../admin/token-routes.ts';
import type { HttpPeer } from '../peer-address.ts';
import { batchRoutes } from './batches.ts';
import { setCaller } from './caller.ts';
import { EventTurns } from './event-turns.ts';
import { type EventFeed, eventRoutes } from './events.ts';
import { ApiFault } from './fault.ts';
import { KeyRates } from './key-rates.ts';
import { requestBytesMax } from './limits.ts';
import { lookUpRoutes, type MessageLookUp } from './look-up.ts';
import { type MessageRoutesParts, messageRoutes } from './messages.ts';
import { type SuppressionRouteParts, suppressionRoutes } from './suppressions.ts';
import { type WebhookDesk, webhookRoutes } from './webhooks.ts';

interface ApiParts extends MessageRoutesParts, SuppressionRouteParts {
  readonly lookUp: MessageLookUp;
  readonly events: EventFeed;
  readonly webhooks: WebhookDesk;
  readonly tokens: TokenRouteParts;
  readonly resets: Resets;
  readonly act: DoAct;
  readonly witness: AccessWitness;
  readonly bans: AskersParts['bans'];
  readonly log: Log;
}

/** Of every answer: none is stored, or shown as a page by what it looks like. */
const answerHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
};

const smallBodyMsMax = 10 * secondMs;
/** For everybody: it tells what the API is, and of nobody's mail. */
const openApiPath = '/api/openapi.json';

interface Api {
  handle(request: IncomingMessage, response: ServerResponse, peer: HttpPeer): void;
  /** As `handle`, of one who came by the control socket. */
  handleOperator(request: IncomingMessage, response: ServerResponse): void;
}

export async function createApi(parts: ApiParts): Promise<Api> {
  const app = fastify({
    logger: false,
    bodyLimit: requestBytesMax(parts.policy()),
    routerOptions: { maxParamLength: pathPartLengthMax },
    // Every number and text is what it is said to be, and nothing is dropped in silence.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
  });
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser('message/rfc822', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // Clients name the type of a body that is not there, with DELETE above all.
    if (body.length === 0) done(null);
    else void parseJson(request, body as string, done);
  });
  const operators = new WeakSet<IncomingMessage>();
  const askers = new Askers({ ...parts, sessions: parts.tokens.sessions });
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(answerHeaders);
    const { access = 'key', scope = 'send' } = request.routeOptions.config as RouteAccess;
    const peer = peerOf(request);
    if (access === 'stranger') askers.countStranger(peer.address);
    else if (access === 'principal') {
      await askers.note(request, peer.address, operators.has(request.raw));
    } else setCaller(request, { key: await keyOf({ ...parts, askers }, request, scope), peer });
    claimRoom(parts, request, reply.raw, access === 'key' ? undefined : bodyBytesMax);
    if (access !== 'key') endSlow(parts.clock, request.raw);
  });
  answerFaults(app, parts.log);
  app.get(openApiPath, { config: { access: 'stranger' } }, async () => document);
  docsPage(app);
  tokenRoutes(app, parts.tokens);
  issuerRoutes(app, parts.tokens.issuers);
  resetRoutes(app, parts.resets, parts.clock);
  adminRoutes(app, parts.act);
  messageRoutes(app, parts, new KeyRates());
  batchRoutes(app, parts.batches);
  lookUpRoutes(app, parts.lookUp);
  suppressionRoutes(app, parts);
  eventRoutes(app, parts.events, { turns: new EventTurns(parts.policy), clock: parts.clock });
  webhookRoutes(app, parts.webhooks);
  await app.ready();
  return {
    handle(request, response, peer) {
      notePeer(request, peer);
      app.routing(request, response);
    },
    handleOperator(request, response) {
      notePeer(request, { address: '', port: 0, isTls: false });
      operators.add(request);
      app.routing(request, response);
    },
  };
}

/** Routes that say nothing are for keys that may send. */
interface RouteAccess {
  readonly scope?: ApiScope;
  /** `stranger`: nobody has to say who it is. `principal`: whoever may do acts. */
  readonly access?: 'key' | 'principal' | 'stranger';
}

async function keyOf(
  {
    directory,
    witness,
    askers,
  }: Pick<ApiParts, 'directory' | 'witness'> & { readonly askers: Askers },
  request: FastifyRequest,
  scope: ApiScope,
): Promise<ApiKey> {
  const key = await apiKeyShown(directory, request.headers.authorization);
  const refusal =
    key === undefined
      ? 'credentials-invalid'
      : key.scopes.includes(scope)
        ? undefined
        : 'permission-missing';
  // The route, not what was asked for: a path that is none of ours may hold anything.
  const asked = `${request.method} ${request.routeOptions.url ?? ''}`.trim();
  const told = { asked, peer: peerOf(request).address };
  witness.key({
    ...told,
    ...(key === undefined ? {} : { key }),
    ...(refusal === undefined ? {} : { refusal }),
  });
  if (key === undefined) {
    await askers.failed(request.headers.authorization, told.peer);
    throw new ApiFault('credentials-invalid', 'a valid API key is needed');
  }
  if (refusal !== undefined) throw new ApiFault('permission-missing', 'not by this key');
  return key;
}

/** Small bodies come at once: who has shown no key holds no connection with one that does not. */
function endSlow(clock: ApiParts['clock'], raw: IncomingMessage): void {
  if (raw.complete) return;
  const timer = clock.setTimer(smallBodyMsMax, () => raw.destroy());
  const cancel = () => timer.cancel();
  raw.once('end', cancel).once('close', cancel);
}

/** The bytes a request brings are in memory until it is answered. @throws ApiFault */
function claimRoom(
  { reception }: ApiParts,
  { headers }: FastifyRequest,
  raw: ServerResponse,
  bytesMax = Number.POSITIVE_INFINITY,
): void {
  const isChunked = headers['transfer-encoding'] !== undefined;
  if (isChunked) {
    throw new ApiFault('argument-invalid', 'say how long the body is', { status: 411 });
  }
  const bytes = Number(headers['content-length'] ?? 0);
  if (bytes === 0) return;
  if (bytes > bytesMax) throw new ApiFault('message-too-large', 'the request is too large');
  const refusal = reception.reserve(bytes);
  if (refusal !== undefined) throw new ApiFault(refusal.code, 'no room now');
  raw.once('close', () => reception.release(bytes));
}

function answerFaults(app: FastifyInstance, log: Log): void {
  app.setNotFoundHandler((_request, reply) => {
    reply.code(404).send({ error: { code: 'not-found', message: 'no such resource' } });
  });
  app.setErrorHandler((error: FastifyError | ApiFault | MailError, request, reply) => {
    const fault = faultOf(error);
    if (fault.status === 500) {
      log.error({ path: request.routeOptions.url, error: String(error) }, 'an API route failed');
    }
    const { code, message, path, retryAfterSeconds, status } = fault;
    if (retryAfterSeconds > 0) reply.header('retry-after', retryAfterSeconds);
    if (status === 401) reply.header('www-authenticate', 'Bearer');
    // The body may not be read: what follows it could not be found.
    if (status === 401 || status === 411 || status === 413) reply.header('connection', 'close');
    reply.code(status).send({ error: { code, message, ...(path === '' ? {} : { path }) } });
  });
}

function faultOf(error: FastifyError | ApiFault | MailError): ApiFault {
  if (error instanceof ApiFault) return error;
  if (error instanceof MailError) return new ApiFault(error.code, error.code.replaceAll('-', ' '));
  const [invalid] = error.validation ?? [];
  if (invalid !== undefined) {
    const { missingProperty, additionalProperty } = invalid.params as Record<string, string>;
    const name = missingProperty ?? additionalProperty;
    const path = name === undefined ? invalid.instancePath : `${invalid.instancePath}/${name}`;
    return new ApiFault('argument-invalid', invalid.message ?? 'not as it should be', { path });
  }
  const status = error.statusCode ?? 500;
  if (status === 413) return new ApiFault('message-too-large', 'the request is too large');
  if (status === 415) {
    return new ApiFault('argument-invalid', 'application/json or message/rfc822', { status });
  }
  if (status >= 400 && status < 500)
    return new ApiFault('argument-invalid', error.message, { status });
  return new ApiFault('store-failed', 'internal error', { status: 500 });
}
