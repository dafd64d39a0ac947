/**
 * A small HTTP listener for what machines ask: measurements and probes.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9110 §7.2 (Host), §15.5.20 (421), RFC 9112.
 * Limits:    `connectionsMax`, `headBytesMax`, `requestMsMax`; no request may have a body.
 * Invariant: a request whose Host names neither an address nor a name of ours runs no route: a web page in an
 *            operator's browser cannot reach this listener by a DNS name of its own (DNS rebinding).
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import type { Log } from '../../../base/log.ts';
import { secondMs } from '../../../base/units.ts';
import { type ListenAddress, writeListenAddress } from '../../../settings/networks.ts';

const connectionsMax = 256;
const headBytesMax = 16_384;
const requestMsMax = 10 * secondMs;
const idleMsMax = 30 * secondMs;

export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Path → what answers GET and HEAD there. */
export type Routes = Readonly<Record<string, () => HttpAnswer | Promise<HttpAnswer>>>;

export interface HttpListenerOptions {
  readonly addresses: readonly ListenAddress[];
  /** Names this server may be called by, besides `localhost` and any address. */
  readonly hosts: readonly string[];
  readonly routes: Routes;
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
  const close = async () => {
    await Promise.all(servers.map(closeServer));
  };
  try {
    for (const address of options.addresses) {
      const server = createOne(options);
      servers.push(server);
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

function createOne(options: HttpListenerOptions): Server {
  const hosts = new Set(['localhost', ...options.hosts].map((name) => name.toLowerCase()));
  const server = createServer({
    maxHeaderSize: headBytesMax,
    headersTimeout: requestMsMax,
    requestTimeout: requestMsMax,
    keepAliveTimeout: idleMsMax,
    insecureHTTPParser: false,
  });
  server.maxConnections = connectionsMax;
  server.on('request', (request, response) => {
    request.resume();
    answerOf(request, hosts, options.routes)
      .catch((error): HttpAnswer => {
        options.log.error({ path: request.url, error: String(error) }, 'an HTTP route failed');
        return plain(500, 'internal error');
      })
      .then((answer) => respond(request, response, answer));
  });
  return server;
}

async function answerOf(
  request: IncomingMessage,
  hosts: ReadonlySet<string>,
  routes: Routes,
): Promise<HttpAnswer> {
  if (!isHostOurs(request.headers.host, hosts)) return plain(421, 'this server has another name');
  if (hasBody(request)) return plain(413, 'no request here has a body');
  const path = (request.url ?? '').split('?', 1)[0]!;
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (route === undefined) return plain(404, 'not found');
  if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'GET or HEAD');
  return await route();
}

function isHostOurs(host: string | undefined, hosts: ReadonlySet<string>): boolean {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(host ?? '');
  if (match === null) return false;
  if (match[1] !== undefined) return isIP(match[1]) === 6;
  const name = match[2]!.toLowerCase().replace(/\.$/, '');
  return isIP(name) === 4 || hosts.has(name);
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function respond(request: IncomingMessage, response: ServerResponse, answer: HttpAnswer): void {
  response.writeHead(answer.status, {
    'content-type': answer.type,
    'content-length': Buffer.byteLength(answer.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(answer.status === 405 ? { allow: 'GET, HEAD' } : {}),
    ...(answer.status === 413 ? { connection: 'close' } : {}),
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
