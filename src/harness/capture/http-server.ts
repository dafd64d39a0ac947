/**
 * HTTP of the capture mode: the page's files, the API, live updates.
 *
 * Runs in:   sink.
 * Specs:     HTML §9.2 (server-sent events), Fetch (Sec-Fetch-Site, CORP), CSP Level 3.
 * Limits:    `headerBytesMax` of a request's header; no request has a body; `queuedBytesMax` wait for a slow watcher.
 * Invariant: a page of another origin can neither read an answer nor change anything: names that a stranger's DNS may
 *            point here are refused (rebinding), and so is what another site sends.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { kibibyte, secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostPort } from '../addresses.ts';
import { type ApiAnswer, CaptureApi, fault } from './api.ts';
import { pageFile } from './page-files.ts';
import type { CaptureStore, StoreEvent } from './store.ts';

const headerBytesMax = 16 * kibibyte;
const queuedBytesMax = 256 * kibibyte;
const beatMs = 15 * secondMs;
const prefix = '/api/v1/';

const pagePolicy = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"],
  ...["img-src 'self' data:", "frame-src 'self'", "base-uri 'none'", "form-action 'none'"],
  ...["frame-ancestors 'none'", "require-trusted-types-for 'script'"],
].join('; ');

const everyAnswer = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
};

export interface CaptureHttpOptions {
  readonly store: CaptureStore;
  readonly clock: Clock;
  readonly probesLinks: boolean;
  /** Host names besides addresses, localhost and names without a dot. */
  readonly names: readonly string[];
}

export class CaptureHttp {
  readonly #options: CaptureHttpOptions;
  readonly #api: CaptureApi;
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();

  constructor(options: CaptureHttpOptions) {
    this.#options = options;
    this.#api = new CaptureApi(options);
    this.#server = createServer({ maxHeaderSize: headerBytesMax }, (request, response) => {
      this.#answer(request, response).catch((error: Error) => {
        if (response.headersSent) response.destroy();
        else send(response, fault(500, error.message));
      });
    });
  }

  async start(address: HostPort): Promise<HostPort> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address.port, address.host, resolve);
    });
    return { host: address.host, port: (this.#server.address() as { port: number }).port };
  }

  async stop(): Promise<void> {
    for (const stream of this.#streams) stream.end();
    this.#server.closeAllConnections();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refused = this.#refusal(request);
    if (refused !== undefined) {
      send(response, refused);
      return;
    }
    const { method = 'GET', url = '/' } = request;
    const { pathname, searchParams } = new URL(url, 'http://sink');
    if (pathname === `${prefix}events` && method === 'GET') {
      this.#stream(request, response);
    } else if (pathname.startsWith(prefix)) {
      const path = pathname.slice(prefix.length).replace(/\/$/, '');
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      const answer = await this.#api.answer({
        ...{ method: method === 'HEAD' ? 'GET' : method, path, query: searchParams },
        signal: gone.signal,
      });
      send(response, answer, method === 'HEAD');
    } else {
      sendPage(response, pathname, method);
    }
  }

  /** Why a browser must not be answered, if so. */
  #refusal({ headers, method = 'GET', url }: IncomingMessage): ApiAnswer | undefined {
    const host = (headers.host ?? '').toLowerCase();
    if (!this.#isOwnName(host)) {
      return fault(421, `not for ${host.slice(0, 100)}: name it with --http-name to allow it`);
    }
    const isChange = method !== 'GET' && method !== 'HEAD';
    const { origin } = headers;
    // A link on another site may lead to the page: its reader comes here, that site sees nothing.
    const isVisit =
      method === 'GET' && url === '/' && headers['sec-fetch-mode'] === 'navigate' && !origin;
    const isForeign =
      (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) ||
      (headers['sec-fetch-site'] === 'cross-site' && !isVisit) ||
      (isChange && headers['sec-fetch-site'] === 'same-site');
    return isForeign ? fault(403, 'not for pages of other sites') : undefined;
  }

  /** A name with dots may be a stranger's, pointed here by its DNS. */
  #isOwnName(host: string): boolean {
    const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    if (name === '') return false;
    return (
      isIP(name) !== 0 ||
      !name.includes('.') ||
      name.endsWith('.localhost') ||
      this.#options.names.includes(name)
    );
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    const stop = this.#options.store.watch((event) => {
      if (response.writableLength > queuedBytesMax) response.destroy();
      else response.write(eventText(event));
    });
    if (stop === undefined) {
      send(response, fault(503, 'too many watch already'));
      return;
    }
    response.writeHead(200, { ...everyAnswer, 'content-type': 'text/event-stream' });
    response.write(': welcome\n\n');
    this.#streams.add(response);
    const beat = setInterval(() => response.write(': beat\n\n'), beatMs);
    beat.unref();
    request.on('close', () => {
      clearInterval(beat);
      stop();
      this.#streams.delete(response);
    });
  }
}

function eventText(event: StoreEvent): string {
  const value = event.kind === 'added' ? event.summary : { ids: event.ids };
  return `event: ${event.kind}\ndata: ${JSON.stringify(value)}\n\n`;
}

function send(response: ServerResponse, answer: ApiAnswer, isHead = false): void {
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  response.writeHead(answer.status, {
    // Answers with none of their own are data: as a document they may do nothing.
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    ...{ ...everyAnswer, ...answer.headers },
    'content-length': String(body.byteLength),
  });
  response.end(isHead ? undefined : body);
}

function sendPage(response: ServerResponse, path: string, method: string): void {
  const file = method === 'GET' || method === 'HEAD' ? pageFile(path) : undefined;
  if (file === undefined) {
    send(response, fault(404, 'no such page'));
    return;
  }
  const headers = { 'content-type': file.type, 'content-security-policy': pagePolicy };
  send(response, { status: 200, headers, body: file.bytes }, method === 'HEAD');
}
