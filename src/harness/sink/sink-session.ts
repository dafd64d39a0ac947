/**
 * One client's session at a sink: the commands of SMTP or LMTP, taken fast, trusting and without policy. What is said
 * is `SessionReplies`, what a message's bytes are `BodyIntake`.
 *
 * Runs in:   sink; pure but for the `SinkWire` it is given.
 * Specs:     RFC 5321, RFC 2920 (PIPELINING), RFC 3030 (CHUNKING), RFC 2033 (LMTP), RFC 3207 (STARTTLS),
 *            RFC 4954 (AUTH).
 * Limits:    `lineBytesMax` a command; `recipientsMax` a transaction (452 past it); a message as `BodyIntake` says (552).
 * Invariant: replies leave in the order of their commands, all of one chunk of input in one write,
 *            and none before the message it acknowledges was handed over.
 */

import { Buffer } from 'node:buffer';
import { byteLength, view } from '../../base/bytes.ts';
import { AuthExchange, authMechanisms } from './auth-exchange.ts';
import { BodyIntake } from './body-intake.ts';
import type { Fault, Visit } from './fault-source.ts';
import type { FaultPoint } from './model.ts';
import { SessionReplies } from './session-replies.ts';
import type { SinkWire } from './sink-wire.ts';

const lineBytesMax = 4_096;
const recipientsMax = 50_000;
/** A reply that a client must not take for one that came under TLS. */
const injected = '250 2.0.0 Injected in the clear';
const noBytes = Buffer.alloc(0);

export interface SinkSessionOptions {
  readonly hostName: string;
  readonly lmtp: boolean;
  readonly chunking: boolean;
  /** Offer STARTTLS. */
  readonly starttls?: boolean;
  /** Offer AUTH. */
  readonly auth?: boolean;
}

type State = 'command' | 'auth' | 'data' | 'chunk' | 'tls';

export class SinkSession {
  readonly #wire: SinkWire;
  readonly #options: SinkSessionOptions;
  readonly #visit: Visit;
  readonly #replies: SessionReplies;
  readonly #body = new BodyIntake();
  #state: State = 'command';
  #input: Buffer = noBytes;
  #sender: string | undefined;
  #recipients: string[] = [];
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
    this.#isEncrypted = isEncrypted;
    this.#replies = new SessionReplies(wire, visit, {
      sender: () => this.#sender,
      resume: () => this.#work(),
    });
    const words = visit.greeting(`${options.lmtp ? 'LMTP' : 'ESMTP'} sink`);
    const isWelcome = this.#replies.reply('connect', `220 ${options.hostName} ${words}`);
    if (!isWelcome) this.#replies.end();
    this.#flush();
  }

  get isPaused(): boolean {
    return this.#replies.isPaused;
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
    while (!this.#replies.isPaused && this.#input.length > 0 && this.#step()) {}
    this.#flush();
  }

  #flush(): void {
    if (!this.#replies.flush() || this.#replies.isEnded) return;
    if (this.#state === 'tls') this.#wire.startTls(this.#handshakeFault);
  }

  /** Takes one command or piece of data from the input; false when it needs more first. */
  #step(): boolean {
    // RFC 3207 §6: what came in the clear behind STARTTLS is not read as if it came under TLS.
    if (this.#replies.isEnded || this.#state === 'tls') {
      this.#input = noBytes;
      return false;
    }
    switch (this.#state) {
      case 'command':
      case 'auth':
        return this.#takeLine();
      case 'data':
        return this.#takeData();
      case 'chunk':
        return this.#takeChunk();
    }
  }

  #takeLine(): boolean {
    const end = this.#input.indexOf(0x0a);
    if (end === -1) {
      if (this.#input.length > lineBytesMax) this.#leave('500 5.5.2 Line too long');
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
        if (this.#reply('quit', '221 2.0.0 Bye')) this.#replies.end();
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
    this.#body.beginData();
    this.#state = 'data';
  }

  #beginChunk(line: string): void {
    const match = /^BDAT +(\d{1,9})( +LAST)?$/i.exec(line);
    if (!this.#options.chunking || match === null) {
      this.#say('501 5.5.4 BDAT SIZE [LAST]');
      return;
    }
    const fault = this.#replies.strike('bdat');
    if (fault !== undefined && this.#replies.cut(fault)) return;
    if (fault !== undefined && fault.delayMs > 0) this.#replies.pause(fault.delayMs);
    this.#body.beginChunk(Number(match[1]), match[2] !== undefined, fault?.reply);
    this.#state = 'chunk';
    if (this.#body.chunkLeft === 0) this.#endChunk();
  }

  #takeData(): boolean {
    if (this.#dropsBody(this.#input.length)) return false;
    const rest = this.#body.takeData(this.#input);
    this.#input = rest ?? noBytes;
    if (rest === undefined) return false;
    this.#state = 'command';
    if (this.#body.data.isTooLarge) {
      this.#reset();
      this.#say('552 5.3.4 Message too large');
    } else {
      this.#endMessage(this.#body.data.parts(), true);
    }
    return true;
  }

  #takeChunk(): boolean {
    if (this.#dropsBody(Math.min(this.#input.length, this.#body.chunkLeft))) return false;
    this.#input = this.#body.takeChunk(this.#input, this.#recipients.length > 0);
    if (this.#body.chunkLeft > 0) return false;
    this.#endChunk();
    return true;
  }

  #endChunk(): void {
    this.#state = 'command';
    const refusal = this.#body.takeRefusal();
    if (refusal !== undefined) {
      // RFC 3030 §2: after a refused chunk the transaction is over.
      this.#reset();
      this.#replies.refuse(refusal);
    } else if (this.#recipients.length === 0) this.#say('503 5.5.1 No valid recipients');
    else if (this.#body.isLastChunk) this.#endMessage(this.#body.chunks, false);
    else this.#say('250 2.0.0 Chunk taken');
  }

  /** Whether the fault model cuts the connection now that `bytes` more of the body have come. */
  #dropsBody(bytes: number): boolean {
    const fault = this.#body.begins() ? this.#replies.strike('body') : undefined;
    if (fault !== undefined) {
      this.#body.dropAfter(fault);
      if (fault.delayMs > 0) this.#replies.pause(fault.delayMs);
    }
    const how = this.#body.dropAt(bytes);
    if (how !== undefined) this.#replies.drop(how);
    return how !== undefined;
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
    if (this.#replies.isWatched) this.#visit.taken(sender, taken, parts);
    const isEncrypted = this.#isEncrypted;
    const user = this.#user;
    this.#wire.arrived({ sender, recipients: taken, parts, isStuffed, isEncrypted, user });
  }

  #replyToMessage(recipient: string, parts: readonly Buffer[]): boolean {
    if (!this.#replies.isWatched) {
      this.#say('250 2.0.0 Ok');
      return true;
    }
    const text = this.#visit.accepted('250 2.0.0 Ok', this.#sender ?? '', recipient);
    return this.#replies.reply('message', text, recipient, byteLength(parts));
  }

  #reset(): void {
    this.#sender = undefined;
    this.#recipients = [];
    this.#body.forget();
  }

  #reply(at: FaultPoint, text: string, recipient = ''): boolean {
    return this.#replies.reply(at, text, recipient);
  }

  #say(text: string): void {
    this.#replies.say(text);
  }

  #leave(text: string): void {
    this.#say(text);
    this.#replies.end();
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
