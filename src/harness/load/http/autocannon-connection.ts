/**
 * One connection of autocannon's, as events of its client: what became of each request goes to the recorder, timed by
 * our clock. Its own figures are not used: they charge a request to the wrong start once a connection was lost.
 *
 * Runs in:   load generator. Hot: no closure a request.
 * Specs:     RFC 9112 §6.3 (answers without a body), §9.6 (closing).
 * Limits:    a response has autocannon's `timeout`.
 * Invariant: a client plays one connection and ends with it. Autocannon would connect again at once, in a storm, and
 *            read the next answers with a parser that is in the middle of a lost one.
 */

import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Clock } from '../../../ports/clock.ts';
import { type Recorder, sessionOperation } from '../../measure/recorder.ts';
import type { OutcomeName } from '../../measure/run-report.ts';
import type { Pace } from './pace.ts';
import { isGoodStatus, type Request } from './requests.ts';

/** What of autocannon's client is used. */
export interface AutocannonClient extends EventEmitter {
  readonly conn: Socket;
  readonly rate: number;
  /** After so many requests it begins no more, and is done. */
  responseMax: number;
  readonly parser: { body_bytes: number | null; isChunked: boolean; finish(): unknown };
  setRequests(requests: readonly object[]): void;
  destroy(): void;
}

export interface ResponseHead {
  readonly versionMinor: number;
  readonly statusCode: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly shouldKeepAlive: boolean;
}

export interface ConnectionPlace {
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly isSecure: boolean;
  readonly requests: readonly Request[];
  /** A request was sent on a connection that is there. */
  onBegun(): void;
  /** It was answered; whether it was the connection's first. */
  onAnswered(isFirst: boolean): void;
  /** Comes once, last. */
  onGone(connection: AutocannonConnection, wasAnswered: boolean, detail: string): void;
}

const cutDetail = 'cut by the load: not done when it had to end';

export class AutocannonConnection {
  readonly #client: AutocannonClient;
  readonly #place: ConnectionPlace;
  /** Absent: a closed loop. */
  readonly pace: Pace | undefined;
  #at: number;
  #socket: Socket | undefined;
  #connectedMs: number | undefined;
  #request: Request | undefined;
  #intendedMs = 0;
  #sentMs = 0;
  #sentBytes = 0;
  #receivedBytes = 0;
  /** Autocannon decides right after an answer whether to send the next request. */
  #isDeciding = false;
  #isLeaving = false;
  #wasAnswered = false;
  #isGone = false;
  #detail = 'done';

  /** `at`: where in the turn of requests it begins. */
  constructor(
    client: AutocannonClient,
    place: ConnectionPlace,
    at: number,
    pace: Pace | undefined,
  ) {
    this.#client = client;
    this.#place = place;
    this.#at = at;
    this.pace = pace;
    client.on('request', () => this.#onRequest());
    client.on('headers', (head: ResponseHead) => this.#onHead(head));
    client.on('response', (status: number) => this.#onResponse(status));
    client.on('connError', (error: Error) => this.#end(error.message));
    client.on('timeout', () => this.#end('no reply in time'));
    client.on('done', () => this.#onDone());
  }

  /** Connected, and nothing under way. */
  get isFree(): boolean {
    return this.#connectedMs !== undefined && this.#request === undefined;
  }

  /** Begins nothing more; what is under way comes to its end. */
  leave(): void {
    this.#isLeaving = true;
    const isAwaited = this.#request !== undefined && this.#connectedMs !== undefined;
    this.#client.responseMax = 1;
    if (!isAwaited && !this.#isDeciding) this.#end('done');
  }

  cut(): void {
    this.#end(cutDetail);
  }

  #onRequest(): void {
    if (this.#isGone) return;
    const { conn } = this.#client;
    const isFirst = this.#socket === undefined;
    if (isFirst) this.#watch(conn);
    // It connected again, after a silence: "timeout" follows, and ends it.
    else if (conn !== this.#socket) return;
    const { requests, clock } = this.#place;
    const isOpening = !isFirst && !this.#isDeciding;
    this.#request = requests[this.#at]!;
    this.#at = (this.#at + 1) % requests.length;
    this.#sentMs = clock.monotonicMs();
    this.#intendedMs = this.pace?.next(this.#sentMs, isOpening) ?? this.#sentMs;
    if (this.#connectedMs !== undefined) this.#place.onBegun();
  }

  #watch(socket: Socket): void {
    const { clock, recorder, isSecure } = this.#place;
    this.#socket = socket;
    const beganMs = clock.monotonicMs();
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      if (this.#isGone) return;
      this.#connectedMs = clock.monotonicMs();
      recorder.phase(sessionOperation, 'connect', this.#connectedMs - beganMs);
      // In a closed loop it was free only now.
      if (this.pace === undefined) this.#intendedMs = this.#connectedMs;
      this.#sentMs = this.#connectedMs;
      this.#place.onBegun();
    });
    // Before autocannon's own, which connects again.
    socket.prependListener('end', () => this.#onEnd());
  }

  #onHead(head: ResponseHead): void {
    if (this.#request === undefined) return;
    const { operation, method } = this.#request;
    const { recorder, clock } = this.#place;
    recorder.phase(operation, 'head', clock.monotonicMs() - this.#sentMs);
    const isBodiless = method === 'HEAD' || head.statusCode === 204 || head.statusCode === 304;
    if (isBodiless) {
      const { parser } = this.#client;
      parser.isChunked = false;
      parser.body_bytes = 0;
    }
    // A request that follows on such a connection would be lost.
    if (isBodiless ? isLast(head) : !head.shouldKeepAlive) this.#client.responseMax = 1;
  }

  #onResponse(status: number): void {
    if (this.#request === undefined) return;
    const { operation } = this.#request;
    const isGood = isGoodStatus(status);
    if (!isGood) this.#place.recorder.reply(operation, `HTTP ${status}`);
    this.#finish(isGood ? 'ok' : 'refused');
    const isFirst = !this.#wasAnswered;
    this.#wasAnswered = true;
    this.#isDeciding = true;
    queueMicrotask(this.#onDecided);
    this.#place.onAnswered(isFirst);
  }

  readonly #onDecided = () => {
    this.#isDeciding = false;
    if (this.#isLeaving && this.#request === undefined) this.#end('done');
  };

  #onEnd(): void {
    if (this.#isGone) return;
    // An answer without a length ends here.
    this.#client.responseMax = 1;
    this.#client.parser.finish();
    this.#end(this.#request === undefined ? 'done' : 'closed by the server');
  }

  #end(detail: string): void {
    if (this.#isGone) return;
    this.#detail = detail;
    this.#client.destroy();
  }

  #onDone(): void {
    if (this.#isGone) return;
    if (this.#request !== undefined && this.#connectedMs !== undefined) this.#finish('unknown');
    else if (this.#request !== undefined) this.pace?.undo();
    this.#tellBytes();
    this.#isGone = true;
    this.#place.onGone(this, this.#wasAnswered, this.#detail);
  }

  #finish(outcome: OutcomeName): void {
    const { operation } = this.#request!;
    const { recorder, clock } = this.#place;
    this.#request = undefined;
    if (this.#sentMs > this.#intendedMs) {
      recorder.phase(operation, 'wait', this.#sentMs - this.#intendedMs);
    }
    recorder.finished(operation, outcome, this.#intendedMs, clock.monotonicMs());
    this.#tellBytes();
  }

  #tellBytes(): void {
    if (this.#socket === undefined) return;
    const { bytesWritten, bytesRead } = this.#socket;
    this.#place.recorder.bytes(bytesWritten - this.#sentBytes, bytesRead - this.#receivedBytes);
    this.#sentBytes = bytesWritten;
    this.#receivedBytes = bytesRead;
  }
}

/** Of an answer without a body, where autocannon's parser takes the connection for the body's end. */
function isLast({ versionMinor, headers }: ResponseHead): boolean {
  let options = '';
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]!.toLowerCase() === 'connection') options += headers[i + 1]!.toLowerCase();
  }
  return versionMinor === 0 ? !options.includes('keep-alive') : options.includes('close');
}
