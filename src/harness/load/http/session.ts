/**
 * One client of an HTTP server: request after request on one connection that is kept, each timed.
 *
 * Runs in:   load generator. No promise a request.
 * Specs:     RFC 9110, RFC 9112, by undici.
 * Limits:    a connection has `connectMsMax`, a response `replyMsMax` until its head and between its pieces.
 * Invariant: it is free only when connected, so that a server that refuses is no request's fault. A server may close
 *            after any response (RFC 9112 §9.6): the client connects again, and that is counted.
 */

import type { Socket } from 'node:net';
import type { buildConnector, Client, Dispatcher } from 'undici';
import { assert } from '../../../base/assert.ts';
import type { Clock } from '../../../ports/clock.ts';
import { type Recorder, sessionOperation } from '../../measure/recorder.ts';
import type { OutcomeName } from '../../measure/run-report.ts';
import type { LoadSession, SessionEvents } from '../protocol.ts';
import { isGoodStatus, type Request } from './requests.ts';

/** What all sessions of a group have in common. */
export interface SessionPlace {
  readonly open: (connect: buildConnector.connector) => Client;
  readonly connect: buildConnector.connector;
  /** Where the first connection goes. */
  readonly server: buildConnector.Options;
  readonly requests: readonly Request[];
  readonly turn: Uint32Array;
  readonly recorder: Recorder;
  readonly clock: Clock;
}

export class HttpSession implements LoadSession {
  readonly #place: SessionPlace;
  readonly #events: SessionEvents;
  readonly #client: Client;
  #at: number;
  #socket: Socket | undefined;
  /** Connected, and not yet given to the client. */
  #fresh: Socket | undefined;
  #sentBytes = 0;
  #receivedBytes = 0;
  #isFree = false;
  #isClosed = false;
  #request: Request | undefined;
  #isSent = false;
  #status = 0;
  #intendedMs = 0;
  #sentMs = 0;

  /** `at`: where in the turn of requests this client begins. */
  constructor(place: SessionPlace, at: number, events: SessionEvents) {
    this.#place = place;
    this.#events = events;
    this.#at = at;
    this.#client = place.open((options, done) => this.#connect(options, done));
    this.#dial(place.server, (error, socket) => {
      if (error !== null) this.#leave(error.message);
      else if (this.#isClosed) socket.destroy();
      else {
        this.#fresh = socket.once('close', this.#onEarlyClose);
        this.#becomeFree();
      }
    });
  }

  get isIdle(): boolean {
    return this.#isFree && !this.#isClosed;
  }

  start(intendedMs: number): void {
    assert(this.isIdle, 'one request at a time');
    const { requests, turn, clock, recorder } = this.#place;
    const request = requests[turn[this.#at]!]!;
    this.#at = (this.#at + 1) % turn.length;
    this.#isFree = false;
    this.#request = request;
    this.#isSent = false;
    this.#intendedMs = intendedMs;
    this.#sentMs = clock.monotonicMs();
    if (this.#sentMs > intendedMs) {
      recorder.phase(request.operation, 'wait', this.#sentMs - intendedMs);
    }
    const { method, path, headers, body } = request;
    this.#client.dispatch({ method, path, headers, body }, this.#handler);
  }

  quit(): void {
    this.#isFree = false;
    this.#fresh?.off('close', this.#onEarlyClose).destroy();
    this.#client.close(() => this.#close('done'));
  }

  destroy(): void {
    this.#leave('cut by the load: not done when it had to end');
  }

  readonly #handler: Dispatcher.DispatchHandler = {
    onRequestStart: () => {
      this.#isSent = true;
      this.#sentMs = this.#place.clock.monotonicMs();
    },
    onResponseStart: (_, status) => {
      this.#status = status;
      const { recorder, clock } = this.#place;
      const ms = clock.monotonicMs() - this.#sentMs;
      recorder.phase(this.#request!.operation, 'head', ms);
    },
    onResponseData: () => {},
    onResponseEnd: () => {
      const isGood = isGoodStatus(this.#status);
      const { operation } = this.#request!;
      if (!isGood) this.#place.recorder.reply(operation, `HTTP ${this.#status}`);
      this.#finish(isGood ? 'ok' : 'refused');
      this.#becomeFree();
    },
    onResponseError: (_, error) => {
      if (this.#request === undefined) return;
      this.#finish(this.#isSent ? 'unknown' : 'unsent');
      this.#leave(error.message);
    },
  };

  readonly #onEarlyClose = () => this.#leave('closed by the server');

  #connect(options: buildConnector.Options, done: buildConnector.Callback): void {
    const fresh = this.#fresh;
    if (fresh === undefined) {
      this.#dial(options, done);
      return;
    }
    this.#fresh = undefined;
    fresh.off('close', this.#onEarlyClose);
    // The client takes no socket while it asks for one.
    queueMicrotask(() => done(null, fresh));
  }

  #dial(options: buildConnector.Options, done: buildConnector.Callback): void {
    const { clock, recorder, connect } = this.#place;
    const beganMs = clock.monotonicMs();
    connect(options, (...result) => {
      const [error, socket] = result;
      if (error === null) {
        // The first one was counted when the session was opened.
        if (this.#socket !== undefined) recorder.connection();
        this.#tellBytes();
        this.#socket = socket;
        this.#sentBytes = 0;
        this.#receivedBytes = 0;
        recorder.phase(sessionOperation, 'connect', clock.monotonicMs() - beganMs);
      }
      done(...result);
    });
  }

  #finish(outcome: OutcomeName): void {
    const { operation } = this.#request!;
    this.#request = undefined;
    const nowMs = this.#place.clock.monotonicMs();
    this.#place.recorder.finished(operation, outcome, this.#intendedMs, nowMs);
    this.#tellBytes();
    this.#events.onFinished(this, nowMs);
  }

  #becomeFree(): void {
    this.#isFree = true;
    this.#events.onIdle(this);
  }

  #leave(detail: string): void {
    this.#isFree = false;
    this.#fresh?.destroy();
    this.#client.destroy(new Error(detail), () => this.#close(detail));
  }

  #close(detail: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#request !== undefined) this.#finish(this.#isSent ? 'unknown' : 'unsent');
    this.#events.onClose(this, detail);
  }

  #tellBytes(): void {
    if (this.#socket === undefined) return;
    const { bytesWritten, bytesRead } = this.#socket;
    this.#place.recorder.bytes(bytesWritten - this.#sentBytes, bytesRead - this.#receivedBytes);
    this.#sentBytes = bytesWritten;
    this.#receivedBytes = bytesRead;
  }
}
