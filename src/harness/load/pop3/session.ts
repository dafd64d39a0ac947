/**
 * One session of a POP3 program: logs in, then looks what there is and fetches some of it, each step timed.
 *
 * Runs in:   load generator. Hot: no promise, and no string of an answer that was hoped for.
 * Specs:     RFC 1939 (POP3), RFC 2595 §4 (STLS).
 */

import { Buffer } from 'node:buffer';
import { assert } from '../../../base/assert.ts';
import type { Clock } from '../../../ports/clock.ts';
import { type Recorder, sessionOperation } from '../../measure/recorder.ts';
import type { OutcomeName } from '../../measure/run-report.ts';
import type { Connection, ConnectionEvents, Connections, TlsMode } from '../connection.ts';
import type { LoadSession, SessionEvents } from '../protocol.ts';
import type { Credentials } from '../smtp/authentication.ts';
import { ResponseReader, type ResponseReceiver, type Shape } from './response-reader.ts';

const visitOperation = 'visit';
const replyCharsMax = 200;
const plusSign = 0x2b;

/** What all sessions of a group have in common. */
export interface SessionPlace {
  readonly connections: Connections;
  readonly tls: TlsMode;
  /** Messages fetched in a visit, the newest first. */
  readonly retrieve: number;
  /** Whether what was fetched is deleted. */
  readonly isDeleting: boolean;
  readonly recorder: Recorder;
  readonly clock: Clock;
}

type Step =
  | ('greeting' | 'stls' | 'user' | 'pass')
  | 'free'
  | ('uidl' | 'list' | 'retr' | 'dele')
  | ('quit' | 'ending');

export class Pop3Session implements LoadSession, ConnectionEvents, ResponseReceiver {
  readonly #place: SessionPlace;
  readonly #account: Credentials;
  readonly #events: SessionEvents;
  readonly #connection: Connection;
  readonly #responses = new ResponseReader();
  #step: Step = 'greeting';
  #isBusy = false;
  #intendedMs = 0;
  #nowMs = 0;
  #phaseMs: number;
  #number = 0;
  #left = 0;

  constructor(place: SessionPlace, account: Credentials, events: SessionEvents) {
    this.#place = place;
    this.#account = account;
    this.#events = events;
    this.#phaseMs = place.clock.monotonicMs();
    this.#connection = place.connections.open(this);
  }

  get isIdle(): boolean {
    return this.#step === 'free' && !this.#connection.isClosed;
  }

  start(intendedMs: number): void {
    assert(this.isIdle, 'one visit at a time');
    this.#isBusy = true;
    this.#intendedMs = intendedMs;
    const nowMs = this.#place.clock.monotonicMs();
    this.#phaseMs = nowMs;
    if (nowMs > intendedMs) {
      this.#place.recorder.phase(visitOperation, 'wait', nowMs - intendedMs);
    }
    this.#say('uidl', 'UIDL');
  }

  quit(): void {
    if (this.#connection.isClosed) return;
    this.#connection.expectClose('done');
    this.#say('quit', 'QUIT');
  }

  destroy(): void {
    this.#connection.destroy('cut by the load: not done when it had to end');
  }

  onConnect(): void {
    this.#endPhase(sessionOperation, 'connect');
  }

  onSecure(): void {
    this.#endPhase(sessionOperation, 'tls');
    if (this.#step === 'stls') this.#say('user', `USER ${wire(this.#account.user)}`);
  }

  onBytes(bytes: Buffer, count: number): void {
    this.#nowMs = this.#place.clock.monotonicMs();
    this.#responses.push(bytes.subarray(0, count), this);
  }

  onOverlong(): void {
    this.#connection.destroy('reply too long');
  }

  onStatus(bytes: Buffer, start: number, end: number): Shape {
    if (bytes[start] === plusSign) return this.#goOn();
    const text = bytes.toString('latin1', start, Math.min(end, start + replyCharsMax)).trimEnd();
    switch (this.#step) {
      case 'uidl':
      case 'list':
      case 'retr':
      case 'dele':
        this.#place.recorder.reply(visitOperation, text);
        this.#finish('refused');
        break;
      case 'ending':
        break;
      default:
        // Of opening; at QUIT it says that what was deleted is not (RFC 1939 §6).
        this.#leave(text);
    }
    return 'line';
  }

  onEnd(lines: number): void {
    if (this.#step === 'uidl') {
      this.#endPhase(visitOperation, 'uidl');
      this.#say('list', 'LIST');
    } else if (this.#step === 'list') {
      this.#endPhase(visitOperation, 'list');
      this.#number = lines;
      this.#left = Math.min(lines, this.#place.retrieve);
      this.#next();
    } else if (this.#step === 'retr') {
      this.#endPhase(visitOperation, 'retr');
      if (this.#place.isDeleting) this.#say('dele', `DELE ${this.#number}`);
      else this.#retrieved();
    }
  }

  onClose(detail: string): void {
    this.#nowMs = this.#place.clock.monotonicMs();
    if (this.#isBusy) this.#end('unknown');
    this.#tellBytes();
    this.#events.onClose(this, detail);
  }

  /** What a good answer leads to. */
  #goOn(): Shape {
    switch (this.#step) {
      case 'greeting':
        this.#endPhase(sessionOperation, 'greeting');
        if (this.#place.tls === 'starttls') this.#say('stls', 'STLS');
        else this.#say('user', `USER ${wire(this.#account.user)}`);
        return 'line';
      case 'stls':
        this.#responses.stop();
        this.#connection.secure();
        return 'line';
      case 'user':
        this.#say('pass', `PASS ${wire(this.#account.password)}`);
        return 'line';
      case 'pass':
        this.#endPhase(sessionOperation, 'login');
        this.#becomeFree();
        return 'line';
      case 'uidl':
      case 'retr':
        return 'body';
      case 'list':
        return 'list';
      case 'dele':
        this.#endPhase(visitOperation, 'dele');
        this.#retrieved();
        return 'line';
      case 'quit':
        this.#leave('done');
        return 'line';
      case 'free':
        this.#leave('the server answers what was not asked');
        return 'line';
      case 'ending':
        return 'line';
    }
  }

  #retrieved(): void {
    this.#number--;
    this.#left--;
    this.#next();
  }

  #next(): void {
    if (this.#left > 0) this.#say('retr', `RETR ${this.#number}`);
    else this.#finish('ok');
  }

  #say(step: Step, command: string): void {
    this.#step = step;
    this.#connection.write(`${command}\r\n`);
  }

  #endPhase(operation: string, phase: string): void {
    const nowMs = this.#place.clock.monotonicMs();
    this.#place.recorder.phase(operation, phase, nowMs - this.#phaseMs);
    this.#phaseMs = nowMs;
  }

  #finish(outcome: OutcomeName): void {
    this.#end(outcome);
    this.#tellBytes();
    this.#becomeFree();
  }

  #end(outcome: OutcomeName): void {
    this.#isBusy = false;
    this.#place.recorder.finished(visitOperation, outcome, this.#intendedMs, this.#nowMs);
    this.#events.onFinished(this, this.#nowMs);
  }

  #becomeFree(): void {
    this.#connection.rest();
    this.#step = 'free';
    this.#events.onIdle(this);
  }

  /** No visit is begun and no answer taken any more, however long the server keeps the connection. */
  #leave(detail: string): void {
    this.#step = 'ending';
    this.#connection.end(detail);
  }

  #tellBytes(): void {
    const connection = this.#connection;
    this.#place.recorder.bytes(connection.sentBytes, connection.receivedBytes);
    connection.sentBytes = 0;
    connection.receivedBytes = 0;
  }
}

/** What is beyond ASCII leaves as UTF-8 (RFC 6856 §2.1). */
function wire(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
