/**
 * `/api/v1/log-in/oidc`: where a browser goes to log in by an issuer, and where it comes back to.
 *
 * Runs in:   edge (main thread).
 * Specs:     OpenID Connect Core 1.0 §3.1.2; RFC 6265bis §4.1.3.2 (`__Host-`), §5.6.7 (SameSite); RFC 9110 §15.4.4.
 * Limits:    `strangerRequestsPerMinuteMax` as of all strangers; what is in a query by its schema and `issuer-log-in.ts`.
 * Invariant: the one cookie of this API says which log-in a browser began. It opens nothing, no page reads it, and only
 *            the way back is looked at with it. What a browser is given stands in a fragment, which no server is sent.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { only } from '../../../../actors/asks/act.ts';
import { checkOf } from '../../../../actors/asks/check-params.ts';
import { secondMs } from '../../../../base/units.ts';
import { type IssuerLogIn, returnPathCharsMax } from '../../../guard/issuer-log-in.ts';
import { ticketMs } from '../../../guard/log-in-tickets.ts';
import { ApiFault } from '../api/fault.ts';
import { peerOf } from './asked-by.ts';

const base = '/api/v1/log-in/oidc';
const cookieName = '__Host-chaski-log-in';
const attributes = 'Path=/; Secure; HttpOnly; SameSite=Lax';

const challenge = Type.String({
  pattern: '^[A-Za-z0-9_-]{43}$',
  description: 'SHA-256, in base64url, of a random text that the page keeps to itself.',
});
const returnPath = Type.String({
  minLength: 1,
  maxLength: returnPathCharsMax,
  description: 'The path of the page: it is gone back to with `#code=…` or `#error=…`.',
});
const fresh = Type.Optional(
  Type.Literal('true', { description: 'The issuer has its user show anew who they are.' }),
);
const beginSchema = only({ challenge, return: returnPath, fresh });

export function issuerRoutes(app: FastifyInstance, issuers: IssuerLogIn): void {
  const options = { config: { access: 'stranger' }, exposeHeadRoute: false };
  const isAsked = checkOf(beginSchema);
  app.get(base, options, async () => ({ issuers: issuers.names.map((name) => ({ name })) }));
  app.get(`${base}/:name`, options, async (request, reply) => {
    const fault = isAsked(request.query);
    if (fault !== undefined)
      throw new ApiFault('argument-invalid', fault.message, { path: fault.path });
    const { challenge, return: returnPath, fresh } = request.query as Static<typeof beginSchema>;
    const asked = { challenge, returnPath, isFresh: fresh === 'true' };
    const begun = await issuers.begin(nameIn(request), asked);
    if (begun.ok) return goTo(reply, begun.location, begun.ticket);
    const { code, detail } = begun;
    if (code === 'argument-invalid') throw new ApiFault(code, detail, { path: '/return' });
    throw faultOf(code === 'not-found');
  });
  app.get(`${base}/:name/callback`, options, async (request, reply) => {
    const ticket = cookiePattern.exec(request.headers.cookie ?? '')?.[1] ?? '';
    const query = (request.raw.url ?? '').split('?', 2)[1] ?? '';
    const { address: peer } = peerOf(request);
    const answer = await issuers.callback(nameIn(request), { query, ticket, peer });
    if (answer.ok) return goTo(reply, answer.location, '');
    throw new ApiFault(answer.code, 'no log-in of this browser is under way: begin again');
  });
  app.get(`${base}/:name/log-out`, options, async (request, reply) => {
    const name = nameIn(request);
    const location = await issuers.logOutUrl(name);
    if (location === undefined) throw faultOf(!issuers.names.includes(name));
    return goTo(reply, location);
  });
}

const cookiePattern = new RegExp(`(?:^|;) *${cookieName}=([\\w.-]{1,4096})(?:;|$)`);

function nameIn({ params }: FastifyRequest): string {
  return (params as { readonly name: string }).name;
}

/** `ticket`: what the browser keeps from now on; "": nothing any more. */
function goTo(reply: FastifyReply, location: string, ticket?: string): FastifyReply {
  const maxAge = ticket === '' ? 0 : ticketMs / secondMs;
  if (ticket !== undefined)
    reply.header('set-cookie', `${cookieName}=${ticket}; Max-Age=${maxAge}; ${attributes}`);
  return reply
    .code(303)
    .header('location', location)
    .header('referrer-policy', 'no-referrer')
    .send();
}

function faultOf(isUnknown: boolean): ApiFault {
  return isUnknown
    ? new ApiFault('not-found', 'no such resource')
    : new ApiFault('deadline-passed', 'the issuer does not answer, or has no such page');
}

const fault = (description: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Fault' } } },
});
const name = { name: 'name', in: 'path', required: true, schema: { type: 'string' } };
const query = (each: string, required: boolean, schema: unknown) => ({
  ...{ name: each, in: 'query', required, schema },
});
const visit = (operationId: string, summary: string, more: object = {}) => ({
  get: {
    ...{ operationId, summary, tags: ['token'], security: [], parameters: [name], ...more },
    responses: {
      303: { description: 'The browser goes on; Location says where.' },
      401: fault('No log-in of this browser is under way.'),
      404: fault('No such issuer.'),
      429: fault('Too many requests; Retry-After says when.'),
      503: fault('The issuer does not answer.'),
    },
  },
});
const list = Type.Object({ issuers: Type.Array(Type.Object({ name: Type.String() })) });

export const issuerPaths = {
  [base]: {
    get: {
      operationId: 'listIssuers',
      summary: 'Issuers that browsers may log in by.',
      ...{ tags: ['token'], security: [] },
      responses: {
        200: { description: 'Done.', content: { 'application/json': { schema: list } } },
      },
    },
  },
  [`${base}/{name}`]: visit(
    'beginLogInByIssuer',
    'For a browser to visit: leads to the issuer, and from there back to the page.',
    {
      parameters: [
        name,
        query('challenge', true, challenge),
        query('return', true, returnPath),
        query('fresh', false, fresh),
      ],
    },
  ),
  [`${base}/{name}/callback`]: visit(
    'finishLogInByIssuer',
    'Where the issuer leads back to: the redirect URI of this server.',
  ),
  [`${base}/{name}/log-out`]: visit(
    'logOutOfIssuer',
    "For a browser to visit: leads to where the issuer's own session ends.",
  ),
} as const;
