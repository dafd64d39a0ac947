/**
 * One session of the load generator: sends message after message over one connection and times each
 * step.
 *
 * Runs in:   load generator.
 * Specs:     RFC 5321, RFC 2033 (LMTP), RFC 2920 (PIPELINING).
 * Limits:    `replyBytesMax` a reply; `timeoutMs` for each reply.
 */

import type { Buffer } from 'node:buffer';
import { createConnection, type Socket } from 'node:net';
import { assert } from '../../base/assert.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { LoadSession, Phase, Refusal, SessionEvents } from './load-session.ts';
import type { LoadMessage } from './message-source.ts';

const replyBytesMax = 64 * 1024;

export interface SmtpClientOptions {
  readonly host: string;
  readonly port: number;
  readonly lmtp: boolean;
  readonly pipeline: boolean;
  readonly helloName: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

type Expecting =
  | 'greeting'
  | 'hello'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'acknowledgement'
  | 'reset'
  | 'bye';

export class SmtpClient implements LoadSession {
  readonly #options: SmtpClientOptions;
  readonly #events: SessionEvents;
  readonly #socket: Socket;
  #timer: Timer | undefined;
  #expecting: Expecting[] = ['greeting'];
  #input = '';
  #phaseMs: number;
  #detail = 'closed by the server';
  #isOpen = false;
  #isClosed = false;
  // The message under way.
  #message: LoadMessage | undefined;
  #rcptIndex = 0;
  #accepted: string[] = [];
  #acknowledged: string[] = [];
  #refused: Refusal[] = [];
  #startMs = 0;
  #sentMs = 0;

  constructor(options: SmtpClientOptions, events: SessionEvents) {
    this.#options = options;
    this.#events = events;
    this.#phaseMs = options.clock.monotonicMs();
    this.#socket = createConnection({ host: options.host, port: options.port, noDelay: true });
    this.#socket.on('connect', () => this.#endPhase('connect'));
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('error', (error) => {
      this.#detail = error.message;
    });
    this.#socket.on('close', () => this.#close());
    this.#awaitReply();
  }

  get isIdle(): boolean {
    return this.#isOpen && !this.#isClosed && this.#message === undefined;
  }

  send(message: LoadMessage): void {
    assert(this.isIdle && this.#expecting.length === 0, 'one message at a time');
    this.#message = message;
    this.#rcptIndex = 0;
    this.#accepted = [];
    this.#acknowledged = [];
    this.#refused = [];
    this.#sentMs = 0;
    this.#startMs = this.#options.clock.monotonicMs();
    this.#phaseMs = this.#startMs;
    let commands = `MAIL FROM:<${message.from}>\r\n`;
    this.#expecting.push('mail');
    if (this.#options.pipeline) {
      for (const to of message.to) {
        commands += `RCPT TO:<${to}>\r\n`;
        this.#expecting.push('rcpt');
      }
      commands += 'DATA\r\n';
      this.#expecting.push('data');
    }
    this.#command(commands);
  }

  quit(): void {
    if (this.#isClosed) return;
    this.#isOpen = false;
    this.#detail = 'done';
    this.#expecting.push('bye');
    this.#command('QUIT\r\n');
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #command(text: string): void {
    this.#socket.write(text, 'latin1');
    this.#awaitReply();
  }

  #awaitReply(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(this.#options.timeoutMs, () => {
      this.#detail = 'no reply in time';
      this.#socket.destroy();
    });
  }

  #receive(chunk: Buffer): void {
    this.#input += chunk.toString('latin1');
    for (;;) {
      const end = replyEnd(this.#input);
      if (end === -1) break;
      const reply = this.#input.slice(0, end).trimEnd();
      this.#input = this.#input.slice(end);
      this.#take(reply);
    }
    if (this.#input.length > replyBytesMax) {
      this.#detail = 'reply too long';
      this.#socket.destroy();
    }
  }

  #take(reply: string): void {
    const expected = this.#expecting.shift();
    const isGood = reply.startsWith('2') || (expected === 'data' && reply.startsWith('3'));
    if (reply.startsWith('421') || expected === undefined) {
      // RFC 5321 §3.8: the server closes after a 421; nothing more is sent.
      this.#detail = reply;
      this.#isOpen = false;
    }
    if (this.#expecting.length === 0) this.#timer?.cancel();
    switch (expected) {
      case 'greeting':
      case 'hello':
        this.#takeOpening(expected, reply, isGood);
        break;
      case 'mail':
        this.#takeMail(reply, isGood);
        break;
      case 'rcpt':
        this.#takeRcpt(reply, isGood);
        break;
      case 'data':
        this.#takeData(reply, isGood);
        break;
      case 'acknowledgement':
        this.#takeAcknowledgement(reply, isGood);
        break;
      case 'reset':
        this.#finish();
        break;
      default:
        this.#socket.end();
    }
  }

  #takeOpening(expected: 'greeting' | 'hello', reply: string, isGood: boolean): void {
    this.#endPhase(expected);
    if (!isGood) {
      this.#detail = reply;
      this.#socket.end();
    } else if (expected === 'greeting') {
      this.#expecting.push('hello');
      this.#command(`${this.#options.lmtp ? 'LHLO' : 'EHLO'} ${this.#options.helloName}\r\n`);
    } else {
      this.#isOpen = true;
      this.#events.onIdle(this);
    }
  }

  #takeMail(reply: string, isGood: boolean): void {
    this.#endPhase('mail');
    if (!isGood) this.#refused.push({ to: this.#message!.to, reply });
    if (this.#options.pipeline) return;
    if (!isGood) {
      this.#finish();
      return;
    }
    this.#sendRcpt();
  }

  #sendRcpt(): void {
    this.#expecting.push('rcpt');
    this.#command(`RCPT TO:<${this.#message!.to[this.#rcptIndex]}>\r\n`);
  }

  #takeRcpt(reply: string, isGood: boolean): void {
    const { to } = this.#message!;
    const recipient = to[this.#rcptIndex++]!;
    if (isGood) this.#accepted.push(recipient);
    else if (this.#refused[0]?.to !== to) this.#refused.push({ to: [recipient], reply });
    if (this.#rcptIndex === to.length) this.#endPhase('rcpt');
    if (this.#options.pipeline) return;
    if (this.#rcptIndex < to.length) {
      this.#sendRcpt();
      return;
    }
    if (this.#accepted.length === 0) {
      this.#reset();
      return;
    }
    this.#expecting.push('data');
    this.#command('DATA\r\n');
  }

  #takeData(reply: string, isGood: boolean): void {
    this.#endPhase('data');
    if (!isGood) {
      if (this.#accepted.length > 0) this.#refused.push({ to: this.#accepted, reply });
      this.#accepted = [];
      this.#reset();
      return;
    }
    if (this.#accepted.length === 0) {
      // RFC 2920 §3.1: a 354 though no recipient was taken is answered with an empty message.
      this.#expecting.push('reset');
      this.#command('.\r\n');
      return;
    }
    this.#sendBody(this.#message!.wire);
    const replies = this.#options.lmtp ? this.#accepted.length : 1;
    for (let i = 0; i < replies; i++) this.#expecting.push('acknowledgement');
    this.#awaitReply();
  }

  #sendBody(wire: readonly Uint8Array[]): void {
    this.#socket.cork();
    for (const part of wire) this.#socket.write(part);
    this.#socket.uncork();
    this.#sentMs = this.#options.clock.monotonicMs();
  }

  #takeAcknowledgement(reply: string, isGood: boolean): void {
    // RFC 2033 §4.2: replies come in the order of the recipients that RCPT took.
    const to = this.#options.lmtp ? [this.#accepted.shift()!] : this.#accepted.splice(0);
    if (isGood) this.#acknowledged.push(...to);
    else this.#refused.push({ to, reply });
    if (this.#accepted.length > 0) return;
    this.#endPhase('acknowledgement');
    this.#finish();
  }

  /** Leaves a transaction that got nowhere. */
  #reset(): void {
    this.#expecting.push('reset');
    this.#command('RSET\r\n');
  }

  #endPhase(phase: Phase): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#events.onPhase(phase, nowMs - this.#phaseMs);
    this.#phaseMs = nowMs;
  }

  #finish(): void {
    this.#tell([], []);
    if (this.isIdle) this.#events.onIdle(this);
  }

  #tell(unknown: readonly string[], unsent: readonly string[]): void {
    const message = this.#message!;
    this.#message = undefined;
    this.#events.onOutcome(this, {
      message,
      acknowledged: this.#acknowledged,
      refused: this.#refused,
      unknown,
      unsent,
      startMs: this.#startMs,
      sentMs: this.#sentMs,
      endMs: this.#options.clock.monotonicMs(),
    });
  }

  #close(): void {
    this.#timer?.cancel();
    this.#isClosed = true;
    if (this.#message !== undefined) {
      const refused = new Set(this.#refused.flatMap((each) => each.to));
      const known = new Set([...this.#acknowledged, ...refused]);
      const open = this.#message.to.filter((to) => !known.has(to));
      if (this.#sentMs > 0) this.#tell(open, []);
      else this.#tell([], open);
    }
    this.#events.onClose(this, this.#detail);
  }
}

/**
 * Where the first whole reply ends: the line whose code is followed by a space (RFC 5321 §4.2.1);
 * -1 if none.
 */
function replyEnd(input: string): number {
  let start = 0;
  for (;;) {
    const end = input.indexOf('\n', start);
    if (end === -1) return -1;
    if (input[start + 3] !== '-') return end + 1;
    start = end + 1;
  }
}
