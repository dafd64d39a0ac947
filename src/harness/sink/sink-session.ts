/**
 * One client's session at a sink: the server side of SMTP or LMTP, fast, trusting and without
 * policy.
 *
 * Runs in:   sink; pure but for the `SinkWire` it is given.
 * Specs:     RFC 5321, RFC 2920 (PIPELINING), RFC 3030 (CHUNKING), RFC 2033 (LMTP).
 * Limits:    `lineBytesMax` a command; `messageBytesMax` a message (552 past it).
 * Invariant: replies leave in the order of their commands, all of one chunk of input in one write,
 *            and none before the message it acknowledges was handed over.
 */

import { Buffer } from 'node:buffer';
import { view } from '../../base/bytes.ts';
import { mebibyte } from '../../base/units.ts';
import { DataReader } from './data-reader.ts';
import type { FaultPoint, FaultSource } from './models.ts';

const lineBytesMax = 4_096;
const messageBytesMax = 128 * mebibyte;
const noBytes = Buffer.alloc(0);

export interface SinkMessage {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly parts: readonly Buffer[];
  /** Whether dots are still doubled (it came by DATA, not BDAT). */
  readonly isStuffed: boolean;
}

/** What a session does to the world. */
export interface SinkWire {
  send(text: string): void;
  end(): void;
  reset(): void;
  later(delayMs: number, run: () => void): void;
  arrived(message: SinkMessage): void;
}

export interface SinkSessionOptions {
  readonly faults: FaultSource;
  readonly hostName: string;
  readonly lmtp: boolean;
  readonly chunking: boolean;
}

type State = 'command' | 'data' | 'chunk' | 'ended';

export class SinkSession {
  readonly #wire: SinkWire;
  readonly #options: SinkSessionOptions;
  #state: State = 'command';
  #isPaused = false;
  #input: Buffer = noBytes;
  #output = '';
  #sender: string | undefined;
  #recipients: string[] = [];
  #data = new DataReader(messageBytesMax);
  #chunks: Buffer[] = [];
  #chunkLeft = 0;
  #isLastChunk = false;
  #isBodyBegun = false;
  /** Whether the client ended with QUIT; else its connection was cut. */
  isOrderly = false;

  constructor(wire: SinkWire, options: SinkSessionOptions) {
    this.#wire = wire;
    this.#options = options;
    const protocol = options.lmtp ? 'LMTP' : 'ESMTP';
    if (!this.#reply('connect', `220 ${options.hostName} ${protocol} sink`)) this.#state = 'ended';
    this.#flush();
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
        return this.#takeLine();
      case 'data':
        return this.#takeData();
      case 'chunk':
        return this.#takeChunk();
      case 'ended':
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
    this.#run(line);
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
        this.#say('250 2.0.0 Ok');
        break;
      case 'NOOP':
        this.#say('250 2.0.0 Ok');
        break;
      case 'QUIT':
        this.isOrderly = true;
        this.#finish('221 2.0.0 Bye');
        break;
      default:
        this.#say('502 5.5.1 Command not implemented');
        break;
    }
  }

  #extensions(): string {
    const words = ['PIPELINING', 'SIZE', '8BITMIME', 'ENHANCEDSTATUSCODES', 'SMTPUTF8', 'DSN'];
    if (this.#options.chunking) words.push('CHUNKING', 'BINARYMIME');
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
    this.#state = 'data';
  }

  #beginChunk(line: string): void {
    const match = /^BDAT +(\d{1,9})( +LAST)?$/i.exec(line);
    if (!this.#options.chunking || match === null) {
      this.#say('501 5.5.4 BDAT SIZE [LAST]');
      return;
    }
    this.#chunkLeft = Number(match[1]);
    this.#isLastChunk = match[2] !== undefined;
    this.#isBodyBegun = this.#chunks.length > 0;
    this.#state = 'chunk';
    if (this.#chunkLeft === 0) this.#endChunk();
  }

  #takeData(): boolean {
    if (this.#dropsBody()) return false;
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
    if (this.#dropsBody()) return false;
    const part = this.#input.subarray(0, this.#chunkLeft);
    this.#input = this.#input.subarray(part.length);
    this.#chunkLeft -= part.length;
    // RFC 3030 §2: the octets of a refused chunk are still read.
    if (this.#recipients.length > 0) this.#chunks.push(part);
    if (this.#chunkLeft > 0) return false;
    this.#endChunk();
    return true;
  }

  #endChunk(): void {
    this.#state = 'command';
    if (this.#recipients.length === 0) this.#say('503 5.5.1 No valid recipients');
    else if (this.#isLastChunk) this.#endMessage(this.#chunks, false);
    else this.#say('250 2.0.0 Chunk taken');
  }

  /** Whether the fault model cuts the connection now that the body has begun. */
  #dropsBody(): boolean {
    if (this.#isBodyBegun) return false;
    this.#isBodyBegun = true;
    return this.#options.faults.strike('body', this.#sender)?.drop === true && this.#drop();
  }

  #endMessage(parts: readonly Buffer[], isStuffed: boolean): void {
    const sender = this.#sender ?? '';
    const recipients = this.#recipients;
    this.#reset();
    if (this.#options.lmtp) {
      // RFC 2033 §4.2: one reply for each recipient that RCPT took, in order.
      const taken = recipients.filter((each) => this.#reply('message', '250 2.0.0 Ok', each));
      if (taken.length > 0) this.#wire.arrived({ sender, recipients: taken, parts, isStuffed });
    } else if (this.#reply('message', '250 2.0.0 Ok')) {
      this.#wire.arrived({ sender, recipients, parts, isStuffed });
    }
  }

  /** Answers a step as the fault model says, else by `text`; whether the step succeeded. */
  #reply(at: FaultPoint, text: string, recipient = ''): boolean {
    const fault = this.#options.faults.strike(at, this.#sender, recipient);
    if (fault === undefined) {
      this.#say(text);
      return true;
    }
    if (fault.drop) return !this.#drop();
    if (fault.delayMs > 0) this.#pause(fault.delayMs);
    if (fault.reply?.startsWith('421') === true) this.#finish(fault.reply);
    else this.#say(fault.reply ?? text);
    return fault.reply === undefined;
  }

  /** Holds back everything not yet sent, and reads no further, for a while. */
  #pause(delayMs: number): void {
    if (this.#isPaused) return;
    this.#flush();
    this.#isPaused = true;
    this.#wire.later(delayMs, () => {
      this.#isPaused = false;
      this.#work();
    });
  }

  #reset(): void {
    this.#sender = undefined;
    this.#recipients = [];
    this.#chunks = [];
  }

  #say(text: string): void {
    this.#output += `${text}\r\n`;
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
  }

  #drop(): true {
    this.#state = 'ended';
    this.#output = '';
    this.#wire.reset();
    return true;
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
