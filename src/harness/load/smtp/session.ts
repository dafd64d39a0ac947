/**
 * One session of the load generator: sends message after message over one connection and times each step.
 *
 * Runs in:   load generator. Hot: no promise, and no string of a reply that was hoped for.
 * Specs:     RFC 5321, RFC 2033 (LMTP), RFC 2920 (PIPELINING), RFC 3030 (CHUNKING), RFC 6152 (8BITMIME).
 */

import { Buffer } from 'node:buffer';
import { assert } from '../../../base/assert.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Recorder } from '../../measure/recorder.ts';
import type { Connection, ConnectionEvents, Connections } from '../connection.ts';
import type { LoadSession, SessionEvents } from '../protocol.ts';
import { Opening, type OpeningOptions } from './opening.ts';
import { ReplyReader, type ReplyReceiver } from './reply-reader.ts';
import type { SmtpTenant } from './smtp-protocol.ts';
import { type Books, messageOperation, Transaction } from './transaction.ts';

const replyCharsMax = 200;
const noBytes = Buffer.alloc(0);

/** What all sessions of a group have in common. */
export interface SessionPlace {
  readonly connections: Connections;
  readonly opening: OpeningOptions;
  readonly books: Books;
  readonly lmtp: boolean;
  /** MAIL, RCPT and DATA leave in one write. */
  readonly pipeline: boolean;
  /** Messages leave by BDAT. */
  readonly chunking: boolean;
}

/** What the next reply answers. */
type Step =
  | 'opening'
  | 'idle'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'acknowledgement'
  /** The reply to a message that goes to nobody; RSET follows. */
  | 'discard'
  | 'reset'
  | 'quit'
  /** Nothing: the connection was ended. */
  | 'ending';

export class SmtpSession implements LoadSession, ConnectionEvents, ReplyReceiver {
  readonly #place: SessionPlace;
  readonly #tenant: SmtpTenant;
  readonly #events: SessionEvents;
  readonly #clock: Clock;
  readonly #recorder: Recorder;
  readonly #connection: Connection;
  readonly #opening: Opening;
  readonly #replies = new ReplyReader();
  readonly #transaction: Transaction;
  #step: Step = 'opening';
  #isBusy = false;
  /** The 421 that came: the server closes (RFC 5321 §3.8), nothing more is begun. */
  #farewell: string | undefined;
  #rcptIndex = 0;
  #nowMs = 0;
  #phaseMs = 0;
  /** The reply that is taken, and its words where they are asked for. */
  #bytes: Buffer = noBytes;
  #start = 0;
  #endAt = 0;
  readonly #text = () =>
    this.#bytes
      .toString('latin1', this.#start, Math.min(this.#endAt, this.#start + replyCharsMax))
      .trimEnd();

  constructor(place: SessionPlace, tenant: SmtpTenant, events: SessionEvents, session: number) {
    this.#place = place;
    this.#tenant = tenant;
    this.#events = events;
    this.#clock = place.opening.clock;
    this.#recorder = place.books.recorder;
    this.#transaction = new Transaction(place.books, tenant.source, session);
    this.#connection = place.connections.open(this);
    this.#opening = new Opening(place.opening, tenant.credentials, this.#connection);
  }

  get isIdle(): boolean {
    return this.#step === 'idle' && !this.#connection.isClosed;
  }

  start(intendedMs: number): void {
    assert(this.isIdle, 'one message at a time');
    const { pipeline } = this.#place;
    this.#isBusy = true;
    this.#transaction.begin(intendedMs);
    // Read when the message is made: what that takes is no time of the server's.
    const nowMs = this.#clock.monotonicMs();
    this.#rcptIndex = 0;
    this.#phaseMs = nowMs;
    if (nowMs > intendedMs) this.#recorder.phase(messageOperation, 'wait', nowMs - intendedMs);
    this.#step = 'mail';
    if (!pipeline) this.#connection.write(this.#mailCommand());
    else this.#sendAhead(nowMs);
  }

  quit(): void {
    if (this.#connection.isClosed) return;
    this.#step = 'quit';
    this.#connection.expectClose('done');
    this.#connection.write('QUIT\r\n');
  }

  destroy(): void {
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
    this.#replies.push(bytes, count, this);
  }

  onOverlong(): void {
    this.#connection.destroy('reply too long');
  }

  onReply(code: number, bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#endAt = end;
    const isGood = code >= 200 && code < 300;
    if (code === 421) {
      this.#farewell = this.#text();
      this.#connection.expectClose(this.#farewell);
    }
    switch (this.#step) {
      case 'mail':
        this.#takeMail(isGood);
        break;
      case 'rcpt':
        this.#takeRcpt(isGood);
        break;
      case 'data':
        this.#takeData(code === 354);
        break;
      case 'acknowledgement':
        this.#takeAcknowledgement(isGood);
        break;
      case 'discard':
        this.#reset();
        break;
      case 'reset':
        this.#finish();
        break;
      case 'opening':
        this.#takeOpening(code, bytes.toString('latin1', start, end).trimEnd());
        break;
      case 'quit':
        this.#connection.end('done');
        break;
      case 'idle':
        // Nothing was asked: a time-out told before the server closes, or a server that is out of step.
        this.#leave(this.#text());
        break;
      case 'ending':
    }
  }

  onClose(detail: string): void {
    this.#nowMs = this.#clock.monotonicMs();
    if (this.#isBusy) this.#end();
    this.#tellBytes();
    this.#events.onClose(this, detail);
  }

  #takeOpening(code: number, text: string): void {
    const state = this.#opening.take(code, text);
    if (state === 'open') this.#becomeIdle();
    // What came with the reply to STARTTLS was said by nobody knows whom.
    else if (state === 'securing') this.#replies.stop();
    else if (state !== 'going') this.#leave(state.failed);
  }

  #mailCommand(): string {
    const isMarked = this.#transaction.message.isEightBit && this.#opening.keywords.has('8BITMIME');
    return isMarked ? this.#tenant.mailEightBit : this.#tenant.mail;
  }

  /** RFC 2920 §3.1: DATA is the last of its group; BDAT and its octets may be part of it (RFC 3030 §4.2). */
  #sendAhead(nowMs: number): void {
    let commands = this.#mailCommand();
    for (const { command } of this.#transaction.message.to) commands += command;
    if (!this.#place.chunking) {
      this.#connection.write(`${commands}DATA\r\n`);
      return;
    }
    this.#sendChunk(commands, nowMs);
  }

  #takeMail(isGood: boolean): void {
    this.#endPhase('mail');
    if (!isGood) this.#transaction.refuseAll(this.#text());
    if (this.#place.pipeline) this.#step = 'rcpt';
    else if (isGood) this.#sendRcpt();
    else this.#finish();
  }

  #sendRcpt(): void {
    this.#step = 'rcpt';
    this.#connection.write(this.#transaction.message.to[this.#rcptIndex]!.command);
  }

  #takeRcpt(isGood: boolean): void {
    const { pipeline, chunking } = this.#place;
    const { message } = this.#transaction;
    const index = this.#rcptIndex++;
    if (isGood) this.#transaction.accept(index);
    else this.#transaction.refuse(index, this.#text());
    if (this.#rcptIndex < message.to.length) {
      if (!pipeline) this.#sendRcpt();
      return;
    }
    this.#endPhase('rcpt');
    const isForNobody = this.#transaction.acceptedCount === 0;
    if (pipeline && chunking) this.#step = isForNobody ? 'discard' : 'acknowledgement';
    else if (pipeline) this.#step = 'data';
    else if (isForNobody) this.#reset();
    else if (chunking) {
      this.#sendChunk('', this.#nowMs);
      this.#step = 'acknowledgement';
    } else {
      this.#step = 'data';
      this.#connection.write('DATA\r\n');
    }
  }

  #takeData(isGood: boolean): void {
    this.#endPhase('data');
    if (!isGood) {
      this.#transaction.refuseAccepted(this.#text());
      this.#reset();
      return;
    }
    if (this.#transaction.acceptedCount === 0) {
      // RFC 2920 §3.1: a 354 though no recipient was taken is answered with an empty message.
      this.#step = 'reset';
      this.#connection.write('.\r\n');
      return;
    }
    const { wire, parts } = this.#transaction.message;
    if (parts.length === 0) this.#connection.write(wire);
    else this.#connection.writeAll([wire, ...parts]);
    this.#transaction.sent(this.#nowMs);
    this.#step = 'acknowledgement';
  }

  #sendChunk(before: string, nowMs: number): void {
    const { wire, parts, bytes } = this.#transaction.message;
    this.#connection.writeAll([`${before}BDAT ${bytes} LAST\r\n`, wire, ...parts]);
    this.#transaction.sent(nowMs);
  }

  #takeAcknowledgement(isGood: boolean): void {
    // RFC 2033 §4.2: replies come in the order of the recipients that RCPT took.
    this.#transaction.acknowledge(isGood, this.#text, !this.#place.lmtp);
    if (this.#transaction.acceptedCount > 0) return;
    this.#endPhase('acknowledgement');
    this.#finish();
  }

  /** Leaves a transaction that got nowhere. */
  #reset(): void {
    this.#step = 'reset';
    this.#connection.write('RSET\r\n');
  }

  #endPhase(phase: string): void {
    this.#recorder.phase(messageOperation, phase, this.#nowMs - this.#phaseMs);
    this.#phaseMs = this.#nowMs;
  }

  #finish(): void {
    this.#end();
    this.#tellBytes();
    this.#becomeIdle();
  }

  #end(): void {
    this.#isBusy = false;
    this.#transaction.end(this.#nowMs);
    this.#events.onFinished(this, this.#nowMs);
  }

  #becomeIdle(): void {
    if (this.#farewell !== undefined) {
      this.#leave(this.#farewell);
      return;
    }
    this.#connection.rest();
    this.#step = 'idle';
    this.#events.onIdle(this);
  }

  /** No job is begun and no reply taken any more, however long the server keeps the connection. */
  #leave(detail: string): void {
    this.#step = 'ending';
    this.#connection.end(detail);
  }

  #tellBytes(): void {
    const connection = this.#connection;
    this.#recorder.bytes(connection.sentBytes, connection.receivedBytes);
    connection.sentBytes = 0;
    connection.receivedBytes = 0;
  }
}
