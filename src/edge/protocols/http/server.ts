/**
 * A small HTTP listener for what machines ask: measurements, probes, and how to connect to our services.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9110 §7.2 (Host), §15.5.20 (421), RFC 9112.
 * Limits:    connections by `HttpCaps`; `headBytesMax`; a request has a body only where its route says how large it may
 *            be. Its head, all of it, and a client that takes no answer have `HttpTimes`.
 * Invariant: a request whose Host names neither an address nor a name of ours runs no route: a web page in an
 *            operator's browser cannot reach this listener by a DNS name of its own (DNS rebinding). Names that only
 *            some routes know lead to those alone.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { isDialable } from '../../../base/dialable.ts';
import type { Log } from '../../../base/log.ts';
import { noNetworks, plainAddress } from '../../../base/networks.ts';
import { minuteMs, secondMs } from '../../../base/units.ts';
import { type ListenAddress, writeListenAddress } from '../../../settings/networks.ts';
import { ConnectionCounts } from '../../guard/connection-counts.ts';
import { capConnections, type HttpCaps } from './connection-caps.ts';
import {
  type HttpPeer,
  isForwardedByStranger,
  peerOfRequest,
  type TrustedProxies,
} from './peer-address.ts';

const headBytesMax = 16_384;
/** Of a listener that is told of no others. */
const usualCaps: HttpCaps = {
  connectionsMax: 256,
  connectionsPerAddressMax: 256,
  uncountedNetworks: noNetworks,
};
const noProxies: TrustedProxies = { networks: noNetworks, header: 'x-forwarded-for' };
const noBody = Buffer.alloc(0);

export interface HttpTimes {
  /** From the connection, or the request's first octet, to the end of its head. */
  readonly headMsMax: number;
  /** To the end of its body. */
  readonly requestMsMax: number;
  /** The same, where something is mounted: messages come there, and some lines are slow. */
  readonly mountedMsMax: number;
  /** Between two requests. */
  readonly idleMsMax: number;
  /** Without an octet of a finished answer taken. */
  readonly stallMsMax: number;
  /** How often it is looked whose time is over. */
  readonly lookMs: number;
}

const usualTimes: HttpTimes = {
  headMsMax: 10 * secondMs,
  requestMsMax: 10 * secondMs,
  mountedMsMax: 2 * minuteMs,
  idleMsMax: 30 * secondMs,
  stallMsMax: 30 * secondMs,
  lookMs: secondMs,
};

export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** Of a redirect. */
  readonly location?: string;
  /** Methods, where the one asked with is none of them. */
  readonly allow?: string;
  readonly retryAfterSeconds?: number;
  /** The connection ends with it. */
  readonly isLast?: true;
}

export interface HttpRequest {
  readonly method: string;
  /** Host, in lower case and without its port. */
  readonly host: string;
  readonly query: URLSearchParams;
  /** "" where there is none. */
  readonly body: string;
  readonly bytes: Uint8Array;
  /** What follows the prefix, of a route that answers all paths below one. */
  readonly rest: string;
  /** Whom it is from; behind a proxy, as far as that says. */
  readonly address: string;
}

type Answering = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;

export interface Route {
  /** By method; GET answers HEAD as well. */
  readonly methods: Readonly<Partial<Record<'GET' | 'POST', Answering>>>;
  /** Of a POST. */
  readonly bodyBytesMax: number;
  /** Names in Host that this route answers besides those of the listener. */
  isHostOurs(host: string): boolean | Promise<boolean>;
}

/** Path → what answers there; a function answers GET and HEAD. A path `/x/*` is for all that have one part more. */
export type Routes = Readonly<Record<string, Answering | Route>>;

/** Answers all paths that begin with `prefix`, by its own rules. */
export interface Mounted {
  readonly prefix: string;
  isServedAt(address: ListenAddress): boolean;
  handle(request: IncomingMessage, response: ServerResponse, peer: HttpPeer): void;
}

export interface HttpListenerOptions {
  readonly addresses: readonly ListenAddress[];
  /** Names this server may be called by, besides `localhost` and any address. */
  readonly hosts: readonly string[];
  readonly routes: Routes;
  readonly mounted?: Mounted;
  /** Has connections begin with TLS; answers what ends those that have not. Absent: they are in clear. */
  readonly secure?: (server: Server) => () => void;
  /** Whose requests are answered with 429; absent: nobody's. */
  readonly isBanned?: (address: string) => boolean;
  /** Who is believed about whose requests they bring; absent: nobody. */
  readonly proxies?: TrustedProxies;
  readonly caps?: HttpCaps;
  readonly times?: HttpTimes;
  readonly log: Log;
}

export interface HttpListener {
  /** As bound, with the ports the system chose. */
  readonly addresses: readonly ListenAddress[];
  close(): Promise<void>;
}

/** Binds all addresses or none. */
export async function listenHttp(options: HttpListenerOptions): Promise<HttpListener> {
  const servers: Server[] = [];
  const endings: (() => void)[] = [];
  const counts = new ConnectionCounts();
  const close = async () => {
    const closed = servers.map(closeServer);
    for (const end of endings) end();
    await Promise.all(closed);
  };
  try {
    for (const address of options.addresses) {
      const server = createOne(options, address);
      servers.push(server);
      const end = options.secure?.(server);
      if (end !== undefined) endings.push(end);
      capConnections(server, counts, options.caps ?? usualCaps);
      await bind(server, address, options.log);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const addresses = servers.map((server) => {
    const { address, port } = server.address() as AddressInfo;
    return { host: address, port };
  });
  return { addresses, close };
}

function createOne(options: HttpListenerOptions, address: ListenAddress): Server {
  const hosts = new Set(['localhost', ...options.hosts].map((name) => name.toLowerCase()));
  const mounted = options.mounted?.isServedAt(address) === true ? options.mounted : undefined;
  const times = options.times ?? usualTimes;
  const proxies = options.proxies ?? noProxies;
  const server = createServer({
    maxHeaderSize: headBytesMax,
    headersTimeout: times.headMsMax,
    requestTimeout: mounted === undefined ? times.requestMsMax : times.mountedMsMax,
    connectionsCheckingInterval: times.lookMs,
    keepAliveTimeout: times.idleMsMax,
    insecureHTTPParser: false,
  });
  const warn = warnOnce(options.log);
  server.on('request', (request, response) => {
    response.once('prefinish', () => request.socket.setTimeout(times.stallMsMax));
    if (isForwardedByStranger(request, proxies)) warn(request);
    const peer = peerOfRequest(request, proxies);
    if (options.isBanned?.(peer.address) === true) {
      request.resume();
      respond(request, response, { ...plain(429, 'too many failed log-ins'), isLast: true });
      return;
    }
    if (hasTwoHosts(request)) {
      request.resume();
      respond(request, response, { ...plain(400, 'one Host is needed'), isLast: true });
      return;
    }
    if (mounted !== undefined && request.url?.startsWith(mounted.prefix)) {
      mounted.handle(request, response, peer);
      return;
    }
    answerOf(request, hosts, options.routes, peer)
      .catch((error): HttpAnswer => {
        // Not what was asked for: a path may end in a token that opens an account.
        const route = routeName(pathOf(request), options.routes);
        options.log.error({ route, error: String(error) }, 'an HTTP route failed');
        return plain(500, 'internal error');
      })
      .then((answer) => {
        // What was not read of a body is read and dropped, or the next request would not be found.
        request.resume();
        respond(request, response, answer);
      });
  });
  return server;
}

async function answerOf(
  request: IncomingMessage,
  hosts: ReadonlySet<string>,
  routes: Routes,
  { address }: HttpPeer,
): Promise<HttpAnswer> {
  const path = pathOf(request);
  const query = request.url?.split('?', 2)[1] ?? '';
  const name = routeName(path, routes);
  const named = name === undefined ? undefined : routes[name];
  const route = typeof named === 'function' ? routeOf(named) : named;
  const host = hostOf(request.headers.host);
  if (host === undefined || !(isOwnHost(host, hosts) || (await route?.isHostOurs(host)) === true)) {
    return plain(421, 'this server has another name');
  }
  const bytes = hasBody(request) ? await bodyOf(request, route?.bodyBytesMax ?? 0) : noBody;
  if (bytes === undefined) return plain(413, 'the body is too large');
  if (route === undefined) return plain(404, 'not found');
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
  const answer = method === 'GET' || method === 'POST' ? route.methods[method] : undefined;
  if (answer === undefined) return { ...plain(405, 'another method'), allow: allowed(route) };
  const rest = path.slice(path.lastIndexOf('/') + 1);
  const body = bytes.toString('utf8');
  return await answer({
    ...{ method, host, query: new URLSearchParams(query), body, bytes, rest, address },
  });
}

/** A proxy that does not say whose requests it brings lends all of them its own bans and waits. */
function warnOnce(log: Log): (request: IncomingMessage) => void {
  let isTold = false;
  return ({ socket }) => {
    const address = plainAddress(socket.remoteAddress ?? '');
    // A stranger from the Internet may write what it likes.
    if (isTold || isDialable(address)) return;
    isTold = true;
    const fields = { address };
    log.warn(fields, 'a proxy brings requests of others and is not in http.trustedProxies');
  };
}

/** RFC 9112 §3.2: what two servers may read as two hosts is nobody's. */
function hasTwoHosts({ headersDistinct }: IncomingMessage): boolean {
  return (headersDistinct.host?.length ?? 0) > 1;
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0]!;
}

/** Its path, or with `*` for its last part; undefined: there is none. */
function routeName(path: string, routes: Routes): string | undefined {
  const below = `${path.slice(0, path.lastIndexOf('/') + 1)}*`;
  return [path, below].find((name) => Object.hasOwn(routes, name));
}

function routeOf(answer: Answering): Route {
  return { methods: { GET: answer }, bodyBytesMax: 0, isHostOurs: () => false };
}

function allowed({ methods }: Route): string {
  return [
    ...(methods.GET === undefined ? [] : ['GET', 'HEAD']),
    ...(methods.POST === undefined ? [] : ['POST']),
  ].join(', ');
}

/** In lower case and without port and brackets; undefined where it is no host. */
function hostOf(host: string | undefined): string | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(host ?? '');
  if (match === null) return undefined;
  if (match[1] !== undefined) return isIP(match[1]) === 6 ? match[1] : undefined;
  return match[2]!.toLowerCase().replace(/\.$/, '');
}

function isOwnHost(host: string, hosts: ReadonlySet<string>): boolean {
  return isIP(host) !== 0 || hosts.has(host);
}

/** Undefined: it has more than `bytesMax`. */
async function bodyOf(request: IncomingMessage, bytesMax: number): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).byteLength;
    if (bytes > bytesMax) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** Of pages that are a question and a form: no script, no style, nothing from elsewhere, and no frame around them. */
const pagePolicy = [
  "default-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

function respond(request: IncomingMessage, response: ServerResponse, answer: HttpAnswer): void {
  response.writeHead(answer.status, {
    'content-type': answer.type,
    'content-length': Buffer.byteLength(answer.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': pagePolicy,
    'referrer-policy': 'no-referrer',
    ...(answer.allow === undefined ? {} : { allow: answer.allow }),
    ...(answer.location === undefined ? {} : { location: answer.location }),
    ...(answer.retryAfterSeconds === undefined
      ? {}
      : { 'retry-after': String(answer.retryAfterSeconds) }),
    ...(answer.status === 413 || answer.isLast ? { connection: 'close' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

export function plain(status: number, text: string): HttpAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` };
}

function bind(server: Server, address: ListenAddress, log: Log): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) => {
      const where = writeListenAddress(address);
      reject(new Error(`cannot listen on ${where}: ${cause.code ?? cause.message}`, { cause }));
    };
    server.once('error', failed);
    server.listen({ host: address.host, port: address.port, ipv6Only: true }, () => {
      server.off('error', failed);
      // An accept that fails later (no descriptor left) is of one connection, not of the listener.
      server.on('error', (error) => log.warn({ error: String(error) }, 'an accept failed'));
      resolve();
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // A server that never came to listen answers with an error: it is closed all the same.
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
