/**
 * One client's session at a sink: the server side of SMTP or LMTP, fast, trusting and without
 * policy.
 *
 * Runs in:   sink; pure but for the `SinkWire` it is given.
 * Specs:     RFC 5321, RFC 2920 (PIPELINING), RFC 3030 (CHUNKING), RFC 2033 (LMTP), RFC 3207 (STARTTLS),
 *            RFC 4954 (AUTH).
 * Limits:    `lineBytesMax` a command; `recipientsMax` a transaction (452 past it), `messageBytesMax` a message (552).
 * Invariant: replies leave in the order of their commands, all of one chunk of input in one write,
 *            and none before the message it acknowledges was handed over.
 */

import { Buffer } from 'node:buffer';
import { byteLength, view } from '../../base/bytes.ts';
import { mebibyte } from '../../base/units.ts';
import { AuthExchange, authMechanisms } from './auth-exchange.ts';
import { DataReader } from './data-reader.ts';
import type { Fault, Visit } from './fault-source.ts';
import type { FaultPoint } from './model.ts';

const lineBytesMax = 4_096;
const messageBytesMax = 128 * mebibyte;
const recipientsMax = 50_000;
/** A reply that a client must not take for one that came under TLS. */
const injected = '250 2.0.0 Injected in the clear';
const noBytes = Buffer.alloc(0);

export interface SinkMessage {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly parts: readonly Buffer[];
  /** Whether dots are still doubled (it came by DATA, not BDAT). */
  readonly isStuffed: boolean;
  readonly isEncrypted: boolean;
  /** Who the client said it was in AUTH. */
  readonly user: string | undefined;
}

/** What a session does to the world. */
export interface SinkWire {
  send(text: string): void;
  end(): void;
  reset(): void;
  /** From here on no more than so many bytes a second are read. */
  slow(bytesPerSecond: number): void;
  /** The 220 of STARTTLS was sent; `secured` is called when there is a session to go on with. */
  startTls(fault: Fault | undefined): void;
  later(delayMs: number, run: () => void): void;
  arrived(message: SinkMessage): void;
}

export interface SinkSessionOptions {
  readonly hostName: string;
  readonly lmtp: boolean;
  readonly chunking: boolean;
  /** Offer STARTTLS. */
  readonly starttls?: boolean;
  /** Offer AUTH. */
  readonly auth?: boolean;
}

type State = 'command' | 'auth' | 'data' | 'chunk' | 'tls' | 'ended';

export class SinkSession {
  readonly #wire: SinkWire;
  readonly #options: SinkSessionOptions;
  readonly #visit: Visit;
  /** Whether there is a rule at all: most sinks have none, and are asked for each step. */
  readonly #isWatched: boolean;
  #state: State = 'command';
  #isPaused = false;
  /** The cut that comes when the pause is over. */
  #afterPause: (() => void) | undefined;
  #input: Buffer = noBytes;
  #output = '';
  #sender: string | undefined;
  #recipients: string[] = [];
  #data = new DataReader(messageBytesMax);
  #chunks: Buffer[] = [];
  /** Of `#chunks`, those dropped as too many included. */
  #chunkedBytes = 0;
  #chunkLeft = 0;
  #isLastChunk = false;
  #chunkRefusal: string | undefined;
  #isBodyBegun = false;
  /** How the body's connection will be cut, once so many of its bytes have come. */
  #bodyDrop: 'reset' | 'close' | undefined;
  #bodyLeft = 0;
  #isEncrypted: boolean;
  #user: string | undefined;
  #auth = new AuthExchange();
  #handshakeFault: Fault | undefined;
  /** Whether the client ended with QUIT; else its connection was cut. */
  isOrderly = false;

  constructor(wire: SinkWire, options: SinkSessionOptions, visit: Visit, isEncrypted = false) {
    this.#wire = wire;
    this.#options = options;
    this.#visit = visit;
    this.#isWatched = visit.isWatched;
    this.#isEncrypted = isEncrypted;
    const words = visit.greeting(`${options.lmtp ? 'LMTP' : 'ESMTP'} sink`);
    if (!this.#reply('connect', `220 ${options.hostName} ${words}`)) this.#state = 'ended';
    this.#flush();
  }

  /** Nothing is read while a reply is held back. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** The handshake is done: RFC 3207 §4.2, all that was said before it is forgotten. */
  secured(): void {
    this.#isEncrypted = true;
    this.#state = 'command';
  }

  /** Whether a transaction is open: a sender was named and the message has not been taken. */
  get isBusy(): boolean {
    return this.#sender !== undefined;
  }

  receive(bytes: Uint8Array): void {
    const chunk = view(bytes);
    this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
    this.#work();
  }

  #work(): void {
    while (!this.#isPaused && this.#input.length > 0 && this.#step()) {}
    this.#flush();
  }

  /** Takes one command or piece of data from the input; false when it needs more first. */
  #step(): boolean {
    switch (this.#state) {
      case 'command':
      case 'auth':
        return this.#takeLine();
      case 'data':
        return this.#takeData();
      case 'chunk':
        return this.#takeChunk();
      case 'tls':
      case 'ended':
        // RFC 3207 §6: what came in the clear behind STARTTLS is not read as if it came under TLS.
        this.#input = noBytes;
        return false;
    }
  }

  #takeLine(): boolean {
    const end = this.#input.indexOf(0x0a);
    if (end === -1) {
      if (this.#input.length > lineBytesMax) this.#finish('500 5.5.2 Line too long');
      return false;
    }
    const line = this.#input.toString('latin1', 0, end).trimEnd();
    this.#input = this.#input.subarray(end + 1);
    if (this.#state === 'auth') this.#goOn(this.#auth.take(line));
    else this.#run(line);
    return true;
  }

  #run(line: string): void {
    const space = line.indexOf(' ');
    switch ((space === -1 ? line : line.slice(0, space)).toUpperCase()) {
      case 'MAIL':
        this.#begin(pathOf(line));
        break;
      case 'RCPT':
        this.#addRecipient(pathOf(line));
        break;
      case 'DATA':
        this.#beginData();
        break;
      case 'BDAT':
        this.#beginChunk(line);
        break;
      case 'EHLO':
      case 'LHLO':
        this.#reset();
        this.#reply('ehlo', this.#extensions());
        break;
      case 'HELO':
        this.#reset();
        this.#reply('ehlo', `250 ${this.#options.hostName}`);
        break;
      case 'RSET':
        this.#reset();
        this.#reply('rset', '250 2.0.0 Ok');
        break;
      case 'NOOP':
        this.#reply('noop', '250 2.0.0 Ok');
        break;
      case 'STARTTLS':
        this.#startTls();
        break;
      case 'AUTH':
        this.#beginAuth(line);
        break;
      case 'QUIT':
        this.isOrderly = true;
        if (this.#reply('quit', '221 2.0.0 Bye')) this.#state = 'ended';
        break;
      default:
        this.#reply('other', '502 5.5.1 Command not implemented');
        break;
    }
  }

  #startTls(): void {
    if (this.#options.starttls !== true || this.#isEncrypted) {
      this.#say('502 5.5.1 No STARTTLS here');
    } else if (this.#reply('starttls', '220 2.0.0 Ready')) {
      this.#reset();
      this.#state = 'tls';
      this.#handshakeFault = this.#visit.strike('handshake');
      if (this.#handshakeFault?.tls === 'injection') this.#say(injected);
    }
  }

  #beginAuth(line: string): void {
    if (this.#options.auth !== true) {
      this.#say('502 5.5.1 No AUTH here');
      return;
    }
    this.#auth = new AuthExchange();
    this.#goOn(this.#auth.begin(line));
  }

  #goOn(step: ReturnType<AuthExchange['take']>): void {
    this.#state = step.kind === 'ask' ? 'auth' : 'command';
    if (step.kind !== 'done') this.#say(step.reply);
    else if (this.#reply('auth', '235 2.7.0 Welcome')) this.#user = step.user;
  }

  #extensions(): string {
    const words = ['PIPELINING', 'SIZE', '8BITMIME', 'ENHANCEDSTATUSCODES', 'SMTPUTF8', 'DSN'];
    if (this.#options.chunking) words.push('CHUNKING', 'BINARYMIME');
    if (this.#options.starttls === true && !this.#isEncrypted) words.push('STARTTLS');
    if (this.#options.auth === true) words.push(`AUTH ${authMechanisms.join(' ')}`);
    const last = words.pop();
    return `250-${[this.#options.hostName, ...words].join('\r\n250-')}\r\n250 ${last}`;
  }

  #begin(sender: string): void {
    this.#reset();
    this.#sender = sender;
    if (!this.#reply('mail', '250 2.1.0 Ok')) this.#reset();
  }

  #addRecipient(recipient: string): void {
    if (this.#sender === undefined) {
      this.#say('503 5.5.1 MAIL first');
      return;
    }
    if (this.#recipients.length >= recipientsMax) {
      this.#say('452 4.5.3 Too many recipients');
      return;
    }
    if (this.#reply('rcpt', '250 2.1.5 Ok', recipient)) this.#recipients.push(recipient);
  }

  #beginData(): void {
    if (this.#recipients.length === 0) {
      this.#say('554 5.5.1 No valid recipients');
      return;
    }
    if (!this.#reply('data', '354 End with a dot')) {
      this.#reset();
      return;
    }
    this.#data = new DataReader(messageBytesMax);
    this.#isBodyBegun = false;
    this.#bodyDrop = undefined;
    this.#state = 'data';
  }

  #beginChunk(line: string): void {
    const match = /^BDAT +(\d{1,9})( +LAST)?$/i.exec(line);
    if (!this.#options.chunking || match === null) {
      this.#say('501 5.5.4 BDAT SIZE [LAST]');
      return;
    }
    const fault = this.#strike('bdat');
    if (fault?.drop !== undefined) {
      const { drop, delayMs } = fault;
      if (delayMs > 0) this.#pause(delayMs, () => this.#drop(drop));
      else this.#drop(drop);
      return;
    }
    if (fault !== undefined && fault.delayMs > 0) this.#pause(fault.delayMs);
    if (fault?.reply !== undefined) this.#chunkRefusal = fault.reply;
    this.#chunkLeft = Number(match[1]);
    this.#isLastChunk = match[2] !== undefined;
    if (this.#chunks.length === 0) {
      this.#isBodyBegun = false;
      this.#bodyDrop = undefined;
    }
    this.#state = 'chunk';
    if (this.#chunkLeft === 0) this.#endChunk();
  }

  #takeData(): boolean {
    if (this.#dropsBody(this.#input.length)) return false;
    const rest = this.#data.take(this.#input);
    this.#input = rest ?? noBytes;
    if (rest === undefined) return false;
    this.#state = 'command';
    if (this.#data.isTooLarge) {
      this.#reset();
      this.#say('552 5.3.4 Message too large');
    } else {
      this.#endMessage(this.#data.parts(), true);
    }
    return true;
  }

  #takeChunk(): boolean {
    if (this.#dropsBody(Math.min(this.#input.length, this.#chunkLeft))) return false;
    const part = this.#input.subarray(0, this.#chunkLeft);
    this.#input = this.#input.subarray(part.length);
    this.#chunkLeft -= part.length;
    // RFC 3030 §2: the octets of a refused chunk are still read.
    this.#chunkedBytes += part.length;
    if (this.#chunkedBytes > messageBytesMax) this.#chunkRefusal ??= '552 5.3.4 Message too large';
    if (this.#recipients.length > 0 && this.#chunkRefusal === undefined) this.#chunks.push(part);
    if (this.#chunkLeft > 0) return false;
    this.#endChunk();
    return true;
  }

  #endChunk(): void {
    this.#state = 'command';
    const refusal = this.#chunkRefusal;
    this.#chunkRefusal = undefined;
    if (refusal !== undefined) {
      // RFC 3030 §2: after a refused chunk the transaction is over.
      this.#reset();
      this.#refuse(refusal);
    } else if (this.#recipients.length === 0) this.#say('503 5.5.1 No valid recipients');
    else if (this.#isLastChunk) this.#endMessage(this.#chunks, false);
    else this.#say('250 2.0.0 Chunk taken');
  }

  /** Whether the fault model cuts the connection now that `bytes` more of the body have come. */
  #dropsBody(bytes: number): boolean {
    if (!this.#isBodyBegun) {
      this.#isBodyBegun = true;
      const fault = this.#strike('body');
      if (fault !== undefined) {
        this.#bodyDrop = fault.drop;
        this.#bodyLeft = fault.afterBytes;
        if (fault.delayMs > 0) this.#pause(fault.delayMs);
      }
    }
    if (this.#bodyDrop === undefined) return false;
    this.#bodyLeft -= bytes;
    if (this.#bodyLeft > 0) return false;
    this.#drop(this.#bodyDrop);
    return true;
  }

  #endMessage(parts: readonly Buffer[], isStuffed: boolean): void {
    const sender = this.#sender ?? '';
    const recipients = this.#recipients;
    const taken = this.#options.lmtp
      ? // RFC 2033 §4.2: one reply for each recipient that RCPT took, in order.
        recipients.filter((each) => this.#replyToMessage(each, parts))
      : this.#replyToMessage(recipients[0]!, parts)
        ? recipients
        : [];
    this.#reset();
    if (taken.length === 0) return;
    if (this.#isWatched) this.#visit.taken(sender, taken, parts);
    const isEncrypted = this.#isEncrypted;
    const user = this.#user;
    this.#wire.arrived({ sender, recipients: taken, parts, isStuffed, isEncrypted, user });
  }

  #replyToMessage(recipient: string, parts: readonly Buffer[]): boolean {
    if (!this.#isWatched) {
      this.#say('250 2.0.0 Ok');
      return true;
    }
    const text = this.#visit.accepted('250 2.0.0 Ok', this.#sender ?? '', recipient);
    return this.#reply('message', text, recipient, byteLength(parts));
  }

  #strike(at: FaultPoint, recipient = '', bytes = 0): Fault | undefined {
    if (!this.#isWatched) return undefined;
    const fault = this.#visit.strike(at, this.#sender, recipient, bytes);
    if (fault?.readBytesPerSecond !== undefined) this.#wire.slow(fault.readBytesPerSecond);
    return fault;
  }

  /** Answers a step as the fault model says, else by `text`; whether the step succeeded. */
  #reply(at: FaultPoint, text: string, recipient = '', bytes = 0): boolean {
    const fault = this.#strike(at, recipient, bytes);
    if (fault === undefined) {
      this.#say(text);
      return true;
    }
    const { drop } = fault;
    if (drop !== undefined) {
      if (fault.delayMs > 0) this.#pause(fault.delayMs, () => this.#drop(drop));
      else this.#drop(drop);
      return false;
    }
    if (fault.delayMs > 0) this.#pause(fault.delayMs);
    if (fault.reply === undefined) this.#say(text);
    else this.#refuse(fault.reply);
    return fault.reply === undefined;
  }

  /** Holds back everything not yet sent, and reads no further, for a while. */
  #pause(delayMs: number, then?: () => void): void {
    if (then !== undefined) this.#afterPause ??= then;
    if (this.#isPaused) return;
    this.#flush();
    this.#isPaused = true;
    this.#wire.later(delayMs, () => {
      this.#isPaused = false;
      const after = this.#afterPause;
      this.#afterPause = undefined;
      after?.();
      this.#work();
    });
  }

  #reset(): void {
    this.#sender = undefined;
    this.#recipients = [];
    this.#chunks = [];
    this.#chunkedBytes = 0;
  }

  #say(text: string): void {
    this.#output += `${text}\r\n`;
  }

  #refuse(reply: string): void {
    // RFC 5321 §3.8: who says 421 closes.
    if (reply.startsWith('421')) this.#finish(reply);
    else this.#say(reply);
  }

  #finish(text: string): void {
    this.#say(text);
    this.#state = 'ended';
  }

  #flush(): void {
    if (this.#isPaused || this.#output === '') return;
    const output = this.#output;
    this.#output = '';
    this.#wire.send(output);
    if (this.#state === 'ended') this.#wire.end();
    else if (this.#state === 'tls') this.#wire.startTls(this.#handshakeFault);
  }

  #drop(how: 'reset' | 'close'): void {
    this.#state = 'ended';
    this.#output = '';
    if (how === 'reset') this.#wire.reset();
    else this.#wire.end();
  }
}

/**
 * The address between the angle brackets of MAIL or RCPT; what follows the colon where there are
 * none.
 */
function pathOf(line: string): string {
  const open = line.indexOf('<');
  const close = line.indexOf('>', open + 1);
  if (open === -1 || close === -1) return line.slice(line.indexOf(':') + 1).trim();
  return line.slice(open + 1, close);
}
