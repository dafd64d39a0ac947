/**
 * One session of an IMAP user: command after command over one connection, each timed.
 *
 * Runs in:   load generator. Hot: no promise, and no string of an answer that was hoped for.
 * Specs:     RFC 9051 §2.2 (tags, continuations), §6.3.13 (IDLE), §7.4.1 (EXISTS), §7.5.1 (EXPUNGE).
 * Invariant: the time an IDLE is held is nobody's latency: it ends when the server takes it, and DONE adds to it.
 */

import type { Buffer } from 'node:buffer';
import { assert } from '../../../base/assert.ts';
import type { Clock, Timer } from '../../../ports/clock.ts';
import type { Random } from '../../../ports/random.ts';
import type { Recorder } from '../../measure/recorder.ts';
import type { OutcomeName } from '../../measure/run-report.ts';
import type { Connection, ConnectionEvents, Connections } from '../connection.ts';
import type { LoadSession, SessionEvents } from '../protocol.ts';
import type { Credentials } from '../smtp/authentication.ts';
import { Opening, type OpeningOptions } from './opening.ts';
import { ResponseReader, type ResponseReceiver } from './response-reader.ts';
import { type Step, type StepTurn, writeStep } from './steps.ts';

const replyCharsMax = 200;
const asterisk = 0x2a;
const plusSign = 0x2b;
const upperO = 0x4f;
const lowerO = 0x6f;
const zero = 0x30;

/** What all sessions of a group have in common. */
export interface SessionPlace {
  readonly connections: Connections;
  readonly opening: OpeningOptions;
  readonly random: Random;
  /** How long an IDLE is held. */
  readonly holdMs: number;
}

/** What the user of a session does, in the order of `turn`. */
export interface UserSteps extends StepTurn {
  readonly steps: readonly Step[];
}

type State = 'opening' | 'free' | 'command' | 'idling' | 'holding' | 'done' | 'logout' | 'ending';

export class ImapSession implements LoadSession, ConnectionEvents, ResponseReceiver {
  readonly #place: SessionPlace;
  readonly #user: UserSteps;
  readonly #events: SessionEvents;
  readonly #clock: Clock;
  readonly #recorder: Recorder;
  readonly #connection: Connection;
  readonly #opening: Opening;
  readonly #responses = new ResponseReader();
  readonly #fraction: () => number;
  #state: State = 'opening';
  #at: number;
  #step: Step | undefined;
  #tagCount = 0;
  #tag = '';
  #exists = 0;
  #farewell: string | undefined;
  #isCut = false;
  #hold: Timer | undefined;
  #intendedMs = 0;
  #nowMs = 0;
  /** When the server took an IDLE, and how long it was held. */
  #heldFromMs = 0;
  #heldMs = 0;

  constructor(place: SessionPlace, user: UserSteps, account: Credentials, events: SessionEvents) {
    this.#place = place;
    this.#user = user;
    this.#events = events;
    this.#clock = place.opening.clock;
    this.#recorder = place.opening.recorder;
    this.#fraction = () => place.random.fraction();
    this.#at = user.isOrdered ? 0 : Math.floor(place.random.fraction() * user.turn.length);
    this.#connection = place.connections.open(this);
    const command = (text: string) => this.#command(text);
    this.#opening = new Opening(place.opening, account, this.#connection, command);
  }

  get isIdle(): boolean {
    return this.#state === 'free' && this.#step === undefined && !this.#connection.isClosed;
  }

  start(intendedMs: number): void {
    assert(this.isIdle, 'one command at a time');
    const { steps, turn } = this.#user;
    const step = steps[turn[this.#at]!]!;
    this.#at = (this.#at + 1) % turn.length;
    this.#step = step;
    this.#intendedMs = intendedMs;
    this.#heldMs = 0;
    if (step.needsMessages && this.#exists === 0) {
      this.#connection.destroy('the mailbox is empty');
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    if (nowMs > intendedMs) this.#recorder.phase(step.operation, 'wait', nowMs - intendedMs);
    this.#state = step.isIdle ? 'idling' : 'command';
    const mailbox = { name: this.#place.opening.mailbox, exists: this.#exists };
    this.#command(writeStep(step, mailbox, this.#fraction));
  }

  quit(): void {
    if (this.#connection.isClosed) return;
    this.#state = 'logout';
    this.#connection.expectClose('done');
    this.#command('LOGOUT');
  }

  destroy(): void {
    this.#isCut = true;
    this.#connection.destroy('cut by the load: not done when it had to end');
  }

  onConnect(): void {
    this.#opening.connected();
  }

  onSecure(): void {
    this.#opening.secured();
  }

  onBytes(bytes: Buffer, count: number): void {
    this.#nowMs = this.#clock.monotonicMs();
    this.#responses.push(bytes.subarray(0, count), this);
  }

  onResponse(bytes: Buffer, start: number, end: number): void {
    if (this.#state === 'ending') return;
    const first = bytes[start];
    if (first === asterisk) this.#takeUntagged(bytes, start, end);
    else if (first === plusSign) this.#takeContinuation();
    else if (bytes.toString('latin1', start, start + this.#tag.length + 1) === `${this.#tag} `) {
      this.#takeTagged(bytes, start + this.#tag.length + 1, end);
    } else this.#connection.destroy(`no answer to ${this.#tag}: ${textOf(bytes, start, end)}`);
  }

  onClose(detail: string): void {
    this.#nowMs = this.#clock.monotonicMs();
    this.#hold?.cancel();
    if (this.#step !== undefined) {
      const isUnsent = this.#state === 'free';
      // An IDLE that the run's end cuts was taken, and nothing is owed.
      const isHeld = this.#state === 'holding' && this.#isCut;
      this.#finish(isUnsent ? 'unsent' : isHeld ? 'ok' : 'unknown');
    }
    this.#tellBytes();
    this.#events.onClose(this, detail);
  }

  #command(text: string): void {
    this.#tag = `a${++this.#tagCount}`;
    this.#connection.write(`${this.#tag} ${text}\r\n`);
  }

  #takeUntagged(bytes: Buffer, start: number, end: number): void {
    if (this.#state === 'opening') {
      this.#go(this.#opening.takeUntagged(textOf(bytes, start + 2, end)));
    }
    const digit = bytes[start + 2]! - zero;
    if (digit >= 0 && digit <= 9) this.#takeNumber(bytes, start + 2, end);
    else if (
      this.#state !== 'logout' &&
      bytes.toString('latin1', start + 2, start + 6) === 'BYE '
    ) {
      this.#farewell = textOf(bytes, start + 2, end);
      this.#connection.expectClose(this.#farewell);
      if (this.#state === 'free') this.#leave(this.#farewell);
    }
  }

  /** `* 23 EXISTS` and `* 4 EXPUNGE` change what may be asked for; FETCH, most of what comes, is told by one octet. */
  #takeNumber(bytes: Buffer, start: number, end: number): void {
    let at = start;
    let number = 0;
    for (; at < end; at++) {
      const digit = bytes[at]! - zero;
      if (digit < 0 || digit > 9) break;
      number = number * 10 + digit;
    }
    const what = bytes[at + 2]! & 0xdf;
    if (what !== 0x58) return;
    const word = bytes.toString('latin1', at + 1, at + 8).toUpperCase();
    if (word.startsWith('EXISTS')) this.#exists = number;
    else if (word === 'EXPUNGE' && this.#exists > 0) this.#exists--;
  }

  #takeContinuation(): void {
    if (this.#state !== 'idling') {
      this.#connection.destroy('the server waits for more of a command that is whole');
      return;
    }
    this.#state = 'holding';
    this.#heldFromMs = this.#nowMs;
    this.#recorder.phase(this.#step!.operation, 'taken', this.#nowMs - this.#intendedMs);
    this.#connection.rest();
    this.#hold = this.#clock.setTimer(this.#place.holdMs, () => this.#done());
  }

  #done(): void {
    this.#hold = undefined;
    if (this.#connection.isClosed) return;
    this.#heldMs = this.#clock.monotonicMs() - this.#heldFromMs;
    this.#state = 'done';
    this.#connection.write('DONE\r\n');
  }

  #takeTagged(bytes: Buffer, start: number, end: number): void {
    const letter = bytes[start];
    const isGood = letter === upperO || letter === lowerO;
    switch (this.#state) {
      case 'command':
      case 'idling':
      case 'done':
      case 'holding':
        this.#hold?.cancel();
        if (!isGood) this.#recorder.reply(this.#step!.operation, textOf(bytes, start, end));
        this.#finish(isGood ? 'ok' : 'refused');
        this.#tellBytes();
        this.#becomeFree();
        break;
      case 'opening':
        this.#go(this.#opening.takeTagged(isGood, textOf(bytes, start, end)));
        break;
      case 'logout':
        this.#leave('done');
        break;
      case 'ending':
      case 'free':
        this.#connection.destroy(
          `the server answers what was not asked: ${textOf(bytes, start, end)}`,
        );
    }
  }

  #go(state: ReturnType<Opening['takeUntagged']>): void {
    if (state === 'open') this.#becomeFree();
    else if (state === 'securing') this.#responses.stop();
    else if (state !== 'going') this.#leave(state.failed);
  }

  #finish(outcome: OutcomeName): void {
    const { operation } = this.#step!;
    this.#step = undefined;
    const heldMs = this.#state === 'holding' ? this.#nowMs - this.#heldFromMs : this.#heldMs;
    this.#recorder.finished(operation, outcome, this.#intendedMs + heldMs, this.#nowMs);
    this.#events.onFinished(this, this.#nowMs);
  }

  #becomeFree(): void {
    if (this.#farewell !== undefined) {
      this.#leave(this.#farewell);
      return;
    }
    this.#connection.rest();
    this.#state = 'free';
    this.#events.onIdle(this);
  }

  /** No command is begun and no answer taken any more, however long the server keeps the connection. */
  #leave(detail: string): void {
    this.#state = 'ending';
    this.#connection.end(detail);
  }

  #tellBytes(): void {
    const connection = this.#connection;
    this.#recorder.bytes(connection.sentBytes, connection.receivedBytes);
    connection.sentBytes = 0;
    connection.receivedBytes = 0;
  }
}

function textOf(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, Math.min(end, start + replyCharsMax)).trimEnd();
}
