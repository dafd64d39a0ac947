/**
 * The control socket: what operators ask of the running server, over HTTP on a Unix socket in the data folder.
 *
 * `POST /v1/<method>` with one request frame is answered by frames (`mail/wire/control`); `/api/…` is the API over HTTP,
 * asked by an operator. Who may open the socket file (0600 in a 0700 folder) may ask everything: there is no other
 * log-in here.
 *
 * Runs in:   edge (main thread).
 * Limits:    `callsMax` calls at a time; `requestBytesMax` and `requestMsMax` per request.
 * Invariant: a stale socket file is removed only by the holder of the folder's lock.
 */

import { chmod, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import type { ControlCall, ControlHandlers } from '../../../actors/asks/control.ts';
import { askedHere } from '../../../actors/asks/principal.ts';
import { assert } from '../../../base/assert.ts';
import { emptyBytes } from '../../../base/bytes.ts';
import { failure, failureOf, MailError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { gibibyte, minuteMs, secondMs } from '../../../base/units.ts';
import {
  controlContentType,
  type Frame,
  FrameError,
  type FrameHead,
  FrameReader,
  writeFrame,
} from '../../../mail/wire/control/frames.ts';

const callsMax = 32;
const requestBytesMax = gibibyte;
/** For a request to arrive; how long its answer takes is the method's matter. */
const requestMsMax = 5 * minuteMs;
const headMsMax = 10 * secondMs;

export interface ControlServerOptions {
  readonly path: string;
  /** The right to the folder `path` stands in: a stale socket file there is ours to remove. */
  readonly lock: { readonly folder: string };
  readonly handlers: ControlHandlers;
  /** Answers `/api/…`. */
  readonly api?: (request: IncomingMessage, response: ServerResponse) => void;
  readonly log: Log;
}

export interface ControlServer {
  readonly path: string;
  /** Takes no new call, and resolves when the open ones are answered. */
  close(): Promise<void>;
  /** Cuts the open calls off: their handlers' signals abort, and `close` resolves. */
  abort(): void;
}

type AnyHandler = (params: unknown, call: ControlCall<unknown>) => unknown;

export async function serveControl(options: ControlServerOptions): Promise<ControlServer> {
  const { path, lock } = options;
  assert(dirname(path) === lock.folder, `the lock of ${lock.folder} gives no right to ${path}`);
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  const server = createServer({ requestTimeout: requestMsMax, headersTimeout: headMsMax });
  let callCount = 0;
  server.on('request', (request, response) => {
    if (callCount >= callsMax) {
      respondPlainly(response, 503, 'too many calls at a time');
      return;
    }
    if (options.api !== undefined && request.url?.startsWith('/api/')) {
      options.api(request, response);
      return;
    }
    callCount++;
    answer(request, response, options).finally(() => {
      callCount--;
    });
  });
  await listen(server, path);
  // An accept that fails later (no descriptor left) is of one connection, not of the socket.
  server.on('error', (error) => options.log.warn({ error: String(error) }, 'an accept failed'));
  await chmod(path, 0o600);
  return {
    path,
    // Closing a listening Unix socket removes its file.
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
    abort: () => server.closeAllConnections(),
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { handlers, log }: ControlServerOptions,
): Promise<void> {
  const method = /^\/v1\/([a-z.-]{1,64})$/.exec(request.url ?? '')?.[1];
  if (request.method !== 'POST' || method === undefined) {
    respondPlainly(response, 404, 'POST /v1/<method>');
    return;
  }
  let frame: Frame;
  try {
    frame = await readRequest(request);
  } catch (error) {
    if (!(error instanceof FrameError)) return void response.destroy();
    respondPlainly(response, 400, error.message);
    return;
  }
  response.writeHead(200, { 'content-type': controlContentType });
  const handler = Object.hasOwn(handlers, method)
    ? (handlers[method as keyof ControlHandlers] as AnyHandler | undefined)
    : undefined;
  const last = await outcomeOf(handler, method, frame, response, log);
  if (response.destroyed) return;
  for (const part of writeFrame(last)) response.write(part);
  response.end();
}

async function outcomeOf(
  handler: AnyHandler | undefined,
  method: string,
  { head, body }: Frame,
  response: ServerResponse,
  log: Log,
): Promise<FrameHead> {
  if (handler === undefined) {
    const { code, detail } = failure('not-possible-now', `this server does not answer ${method}`);
    return { kind: 'failure', code, detail };
  }
  const leaving = new AbortController();
  response.once('close', () => leaving.abort());
  const emit = async (item: unknown, itemBody: Uint8Array = emptyBytes) => {
    let hasRoom = true;
    for (const part of writeFrame({ kind: 'item', item }, itemBody)) {
      hasRoom = response.write(part);
    }
    if (!hasRoom) await drained(response, leaving.signal);
    leaving.signal.throwIfAborted();
  };
  try {
    const params = head.kind === 'request' ? head.params : {};
    const result = await handler(params, { body, by: askedHere, signal: leaving.signal, emit });
    return { kind: 'result', result };
  } catch (error) {
    const { code, detail } = failureOf(error);
    const isExpected = error instanceof MailError || leaving.signal.aborted;
    if (!isExpected) log.error({ method, error: String(error) }, 'a control call failed');
    return { kind: 'failure', code, detail };
  }
}

async function readRequest(request: IncomingMessage): Promise<Frame> {
  const reader = new FrameReader();
  let frame: Frame | undefined;
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Uint8Array>) {
    bytes += piece.byteLength;
    if (bytes > requestBytesMax) throw new FrameError(`a request is over ${requestBytesMax} bytes`);
    for (const each of reader.push(piece)) {
      if (frame !== undefined) throw new FrameError('a request is one frame');
      frame = each;
    }
  }
  if (frame === undefined || !reader.isAtRest) throw new FrameError('the request ends too early');
  const isRequest = frame.head.kind === 'request';
  const params = frame.head.kind === 'request' ? frame.head.params : undefined;
  if (!isRequest || typeof params !== 'object' || params === null) {
    throw new FrameError('a request frame has an object of params');
  }
  return frame;
}

function drained(response: ServerResponse, leaving: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      leaving.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    leaving.addEventListener('abort', done);
    if (leaving.aborted) done();
  });
}

function respondPlainly(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(`${text}\n`);
}
