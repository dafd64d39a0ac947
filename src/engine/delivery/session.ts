/**
 * One connection to a next hop and the messages that go over it, one after the other.
 *
 * Runs in:   engine threads, as the receiver of its connection's events.
 * Specs:     RFC 5321 (client), RFC 2920 (pipelining), RFC 3030 (BDAT), RFC 3207.
 * Limits:    one message in transfer and, with PIPELINING, the envelope of one more sent ahead of its outcome;
 *            a time-out per phase (`limits.ts`), looked at by the site's tick.
 * Invariant: in steady state a message costs one write and one read: the end of a message and the next one's
 *            MAIL, RCPT and DATA go out together (RFC 2920 §3.1 lets message content begin a group).
 *            A message whose end was sent and whose reply never came is deferred: it may arrive twice, never not.
 */

import { assert } from '../../base/assert.ts';
import { latin1, utf8 } from '../../base/bytes.ts';
import type { Reply } from '../../mail/wire/smtp/reply-reader.ts';
import { ReplyReader } from '../../mail/wire/smtp/reply-reader.ts';
import type { Connection, ConnectionEvents, DialError } from '../../ports/dialer.ts';
import { emptyBody, stuff } from './body.ts';
import type { Capabilities } from './capabilities.ts';
import { noCapabilities } from './capabilities.ts';
import type { HandshakeOptions, HandshakeStep } from './handshake.ts';
import { Handshake } from './handshake.ts';
import type { PhaseTimeouts, SiteLimits } from './limits.ts';
import { blockBytesMax } from './limits.ts';
import type { OutcomeStatus } from './message.ts';
import { ownReply } from './message.ts';
import { isSendable, mailCommand, missingCapability, rcptCommand } from './requests.ts';
import type { Hop, Transaction } from './transaction.ts';

/** Why a connection is of no more use. */
export interface SessionEnd {
  readonly reply: Reply;
  readonly isOurs: boolean;
  /** TLS was the trouble: another connection in clear may do. */
  readonly tls: boolean;
}

export interface SessionOwner {
  /** The connection is ready for its first message. */
  onReady(session: Session): void;
  /** The next message for this connection, if one waits. It is sent at once. */
  take(): Transaction | undefined;
  /** Nothing is in transfer any more: `send` may be called. */
  onIdle(session: Session): void;
  /** This attempt is over; recipients may be left to ask for. */
  onFinished(transaction: Transaction): void;
  /** The connection died before the peer had the whole of this message. */
  onLost(transaction: Transaction, end: SessionEnd): void;
  /** Last call of a session. */
  onEnd(session: Session, end: SessionEnd): void;
}

export interface SessionOptions {
  readonly host: string;
  readonly address: string;
  readonly handshake: HandshakeOptions;
  readonly timeouts: PhaseTimeouts;
  readonly limits: SiteLimits;
  /** The thread's coarse clock: good for time-outs, costs nothing to read. */
  readonly coarse: { readonly nowMs: number };
}

type Waits =
  | 'handshake'
  | 'nothing'
  | 'reset'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'final'
  | 'quit'
  | 'ended';

const resetCommand = 'RSET\r\n';
const dataCommand = 'DATA\r\n';
const lostReply = ownReply(451, '4.4.2', 'Connection to the next hop was lost');
const lostAtEndReply = ownReply(451, '4.4.2', 'Connection was lost after the message was sent');
const closedByUsReply = ownReply(421, '4.4.2', 'Connection to the next hop was ended');
const unsendableReply = ownReply(553, '5.1.3', 'Address cannot be written in an SMTP command');
/** A larger message waits for the recipients' replies before it is sent as BDAT: it might be for nobody. */
const bdatWithEnvelopeBytesMax = 64 * 1_024;

export class Session implements ConnectionEvents {
  hop: Hop;
  messages = 0;
  /** On the coarse clock: when the phase under way has taken too long, or the connection has idled enough. */
  deadlineMs: number;
  readonly #owner: SessionOwner;
  readonly #options: SessionOptions;
  readonly #reader = new ReplyReader();
  readonly #handshake: Handshake;
  #connection: Connection | undefined;
  #capabilities: Capabilities = noCapabilities;
  #waits: Waits = 'handshake';
  #messagesMax: number;
  #recipientsMax: number;
  /** The message whose replies come now, and the one whose envelope was sent behind it. */
  #current: Transaction | undefined;
  #next: Transaction | undefined;
  #rcptSeen = 0;
  #isMailTaken = false;
  /** Whether the envelope under way ends with the message itself, as BDAT. */
  #isBdatSent = false;
  #isEndSent = false;
  #needsReset = false;
  /** What of a large body, and of all that follows it, waits for the socket to drain. */
  #unsent: Uint8Array[] = [];

  constructor(owner: SessionOwner, options: SessionOptions) {
    this.#owner = owner;
    this.#options = options;
    this.#handshake = new Handshake(options.handshake);
    this.#messagesMax = options.limits.messagesPerConnectionMax;
    this.#recipientsMax = options.limits.recipientsPerTransactionMax;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.hop = { host: options.host, address: options.address, passesDsn: false };
  }

  get isIdle(): boolean {
    return this.#waits === 'nothing';
  }

  attach(connection: Connection): void {
    this.#connection = connection;
    this.#expectWithin(this.#options.timeouts.greetingMs);
  }

  /** Only while idle. */
  send(transaction: Transaction): void {
    assert(this.#waits === 'nothing', 'a message is sent over an idle connection');
    this.#start(transaction);
  }

  /** Ends an idle connection as the protocol has it. */
  quit(): void {
    if (this.#waits !== 'nothing') return;
    this.#waits = 'quit';
    this.#expectWithin(this.#options.timeouts.quitMs);
    this.#write([latin1('QUIT\r\n')]);
  }

  /** Ends the connection now; what was in transfer is lost or deferred. */
  abort(): void {
    this.#fail(closedByUsReply);
  }

  /** To be called now and then with the coarse clock. */
  onTick(nowMs: number): void {
    if (this.#waits === 'ended' || nowMs < this.deadlineMs) return;
    if (this.#waits === 'nothing') this.quit();
    else this.#fail(ownReply(451, '4.4.2', `Next hop did not answer in time (${this.#waits})`));
  }

  onData(bytes: Uint8Array): void {
    if (this.#waits === 'ended') return;
    this.#reader.feed(bytes);
    for (let reply = this.#reader.next(); reply !== undefined; reply = this.#reader.next()) {
      this.#onReply(reply);
      // After `ended` the rest is nobody's; `#onReply` moves `#waits` behind the compiler's back.
      if ((this.#waits as Waits) === 'ended') return;
    }
    if (this.#reader.fault !== undefined) {
      this.#fail(ownReply(451, '4.5.0', `Next hop does not speak SMTP (${this.#reader.fault})`));
    }
  }

  onDrain(): void {
    if (this.#unsent.length > 0 && this.#waits !== 'ended') this.#sendBlocks();
  }

  onClose(fault?: DialError): void {
    if (this.#waits === 'ended') return;
    const reply =
      fault === undefined ? lostReply : ownReply(451, '4.4.2', `Connection lost: ${fault.message}`);
    this.#end({ reply, isOurs: true, tls: fault?.fault === 'tls' });
  }

  #onReply(reply: Reply): void {
    // RFC 5321 §4.2.1: 421 may answer any command; the peer closes then. QUIT and the handshake judge for themselves.
    if (reply.code === 421 && this.#waits !== 'handshake' && this.#waits !== 'quit') {
      return this.#end({ reply, isOurs: false, tls: false });
    }
    switch (this.#waits) {
      case 'final':
        return this.#onFinal(reply);
      case 'mail':
        return this.#onMail(reply);
      case 'rcpt':
        return this.#onRcpt(reply);
      case 'data':
        return this.#onDataReply(reply);
      case 'reset':
        return this.#onReset(reply);
      case 'handshake':
        return this.#onHandshake(this.#handshake.onReply(reply));
      case 'quit':
        return this.#end({ reply: closedByUsReply, isOurs: true, tls: false });
      case 'nothing':
        return this.#fail(ownReply(451, '4.5.0', `Next hop spoke unasked: ${reply.code}`));
      case 'ended':
        return;
    }
  }

  #onHandshake(step: HandshakeStep): void {
    switch (step.do) {
      case 'send':
        this.#expectWithin(this.#options.timeouts[step.timeout]);
        this.#write([latin1(step.line)]);
        return;
      case 'start-tls':
        void this.#startTls();
        return;
      case 'ready':
        this.#onReady(step.capabilities);
        return;
      case 'fail':
        this.#end({ reply: step.reply, isOurs: step.isOurs, tls: step.tls });
    }
  }

  async #startTls(): Promise<void> {
    // RFC 3207 §4.2: what came in clear behind the 220 was injected, or is a bug as bad.
    if (this.#reader.hasRest) {
      return this.#end({ reply: tlsFailedReply('bytes before TLS'), isOurs: true, tls: true });
    }
    const { handshake, host, timeouts } = this.#options;
    this.#expectWithin(timeouts.tlsMs);
    try {
      await this.#connection!.startTls({
        serverName: host,
        verify: handshake.tls === 'verified',
        timeoutMs: timeouts.tlsMs,
      });
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      if (this.#waits !== 'ended')
        this.#end({ reply: tlsFailedReply(detail), isOurs: true, tls: true });
      return;
    }
    if ((this.#waits as Waits) === 'ended') return;
    this.#reader.reset();
    this.#onHandshake(this.#handshake.onEncrypted());
  }

  #onReady(capabilities: Capabilities): void {
    this.#capabilities = capabilities;
    this.hop = { ...this.hop, passesDsn: capabilities.hasDsn };
    if (capabilities.mailMax > 0)
      this.#messagesMax = Math.min(this.#messagesMax, capabilities.mailMax);
    if (capabilities.rcptMax > 0) {
      this.#recipientsMax = Math.min(this.#recipientsMax, capabilities.rcptMax);
    }
    this.#waits = 'nothing';
    this.#expectWithin(this.#options.limits.idleMsMax);
    this.#owner.onReady(this);
  }

  /** Sends the envelope of a message, or of the next one that can go to this hop. */
  #start(first: Transaction | undefined): void {
    for (let transaction = first; transaction !== undefined; transaction = this.#owner.take()) {
      if (!this.#canGo(transaction)) continue;
      this.#current = transaction;
      this.#await();
      const pieces: Uint8Array[] = [];
      if (this.#needsReset) {
        this.#needsReset = false;
        this.#waits = 'reset';
        pieces.push(latin1(resetCommand));
        if (!this.#capabilities.hasPipelining) return this.#write(pieces);
      }
      this.#pushEnvelope(transaction, pieces);
      return this.#write(pieces);
    }
    if (this.messages >= this.#messagesMax) {
      this.#waits = 'nothing';
      return this.quit();
    }
    this.#waits = 'nothing';
    this.#expectWithin(this.#options.limits.idleMsMax);
    this.#owner.onIdle(this);
  }

  /** False when the message was settled here, because it cannot go to this hop. */
  #canGo(transaction: Transaction): boolean {
    const { message } = transaction;
    const fault = isSendable(message)
      ? missingCapability(message, this.#capabilities)
      : unsendableReply;
    if (fault !== undefined) {
      transaction.settleRest('failed', fault, this.hop.host, this.hop.address);
      this.#owner.onFinished(transaction);
      return false;
    }
    transaction.begin(this.#recipientsMax);
    this.messages++;
    return true;
  }

  /** The replies of `#current`'s envelope are next. */
  #await(): void {
    this.#rcptSeen = 0;
    this.#isMailTaken = false;
    this.#isEndSent = false;
    this.#isBdatSent = false;
    this.#waits = 'mail';
    this.#expectWithin(this.#options.timeouts.mailMs);
  }

  #pushEnvelope(transaction: Transaction, pieces: Uint8Array[]): void {
    const { message, asked } = transaction;
    const capabilities = this.#capabilities;
    let commands = mailCommand(message, capabilities);
    if (capabilities.hasPipelining) {
      for (const index of asked) commands += rcptCommand(message.recipients[index]!, capabilities);
      if (!capabilities.hasChunking) {
        commands += dataCommand;
      } else if (message.bytes <= bdatWithEnvelopeBytesMax) {
        commands += `BDAT ${message.bytes} LAST\r\n`;
        this.#isBdatSent = true;
        this.#isEndSent = true;
      }
    }
    pieces.push(this.#encode(transaction, commands));
    if (this.#isBdatSent) for (const part of message.parts) pieces.push(part);
  }

  #encode(transaction: Transaction, commands: string): Uint8Array {
    return transaction.message.smtputf8 ? utf8(commands) : latin1(commands);
  }

  #onReset(reply: Reply): void {
    if (reply.code !== 250)
      return this.#fail(ownReply(451, '4.5.0', `Next hop refused RSET: ${reply.code}`));
    this.#waits = 'mail';
    if (this.#capabilities.hasPipelining) return;
    const pieces: Uint8Array[] = [];
    this.#pushEnvelope(this.#current!, pieces);
    this.#write(pieces);
  }

  #onMail(reply: Reply): void {
    const transaction = this.#current!;
    const kind = kindOf(reply);
    if (kind === 'delivered') {
      this.#isMailTaken = true;
    } else {
      for (const index of transaction.asked) transaction.settle(index, kind, reply, this.hop);
      if (!this.#capabilities.hasPipelining) return this.#finish();
    }
    this.#waits = 'rcpt';
    this.#expectWithin(this.#options.timeouts.rcptMs);
    if (!this.#capabilities.hasPipelining) this.#sendRcpt(transaction);
  }

  #sendRcpt(transaction: Transaction): void {
    const recipient = transaction.message.recipients[transaction.asked[this.#rcptSeen]!]!;
    this.#expectWithin(this.#options.timeouts.rcptMs);
    this.#write([this.#encode(transaction, rcptCommand(recipient, this.#capabilities))]);
  }

  #onRcpt(reply: Reply): void {
    const transaction = this.#current!;
    const index = transaction.asked[this.#rcptSeen++]!;
    // Behind a refused MAIL these are refusals of the command's place, not of the recipient.
    if (this.#isMailTaken) this.#judgeRcpt(transaction, index, reply);
    if (this.#rcptSeen < transaction.asked.length) {
      if (!this.#capabilities.hasPipelining) this.#sendRcpt(transaction);
      return;
    }
    if (this.#isBdatSent) {
      this.#expectFinal();
    } else if (this.#capabilities.hasChunking) {
      if (transaction.taken.length > 0) return this.#sendBdat(transaction);
      this.#needsReset = this.#isMailTaken;
      this.#finish();
    } else {
      if (!this.#capabilities.hasPipelining) {
        if (transaction.taken.length === 0) {
          this.#needsReset = true;
          return this.#finish();
        }
        this.#write([latin1(dataCommand)]);
      }
      this.#waits = 'data';
      this.#expectWithin(this.#options.timeouts.dataMs);
    }
  }

  #judgeRcpt(transaction: Transaction, index: number, reply: Reply): void {
    const kind = kindOf(reply);
    if (kind === 'delivered') {
      transaction.taken.push(index);
    } else if ((reply.code === 452 || reply.code === 552) && transaction.taken.length > 0) {
      // RFC 5321 §4.5.3.1.10: too many recipients, said either way; the rest goes in a transaction of its own.
      this.#recipientsMax = Math.min(this.#recipientsMax, transaction.taken.length);
    } else {
      transaction.settle(index, reply.code === 552 ? 'deferred' : kind, reply, this.hop);
    }
  }

  #onDataReply(reply: Reply): void {
    const transaction = this.#current!;
    if (reply.code === 354) return this.#sendMessage(transaction);
    if (reply.code < 400) {
      return this.#fail(ownReply(451, '4.5.0', `Next hop answered DATA with ${reply.code}`));
    }
    transaction.settleTaken(kindOf(reply), reply, this.hop);
    // The peer may keep the transaction open; a second MAIL would be refused then (RFC 5321 §4.1.4).
    this.#needsReset = this.#isMailTaken;
    this.#finish();
  }

  #sendMessage(transaction: Transaction): void {
    const pieces: Uint8Array[] = [];
    const { taken, message } = transaction;
    // RFC 2920 §3.1: a server may say 354 though it refused every recipient; it gets an empty message then.
    if (taken.length === 0) pieces.push(...emptyBody);
    else stuff(message.parts, pieces);
    this.#expectFinal();
    if (this.#capabilities.hasPipelining) this.#pushAhead(pieces);
    this.#transfer(pieces, message.bytes);
  }

  /** Puts the next message's envelope behind the end of this one. */
  #pushAhead(pieces: Uint8Array[]): void {
    while (this.messages < this.#messagesMax) {
      const next = this.#owner.take();
      if (next === undefined) return;
      if (!this.#canGo(next)) continue;
      this.#next = next;
      this.#pushEnvelope(next, pieces);
      return;
    }
  }

  #sendBdat(transaction: Transaction): void {
    const { message } = transaction;
    this.#isBdatSent = true;
    this.#expectFinal();
    this.#transfer([latin1(`BDAT ${message.bytes} LAST\r\n`), ...message.parts], message.bytes);
  }

  #expectFinal(): void {
    this.#waits = 'final';
    this.#expectWithin(this.#options.timeouts.finalMs);
  }

  #transfer(pieces: Uint8Array[], bytes: number): void {
    if (bytes <= blockBytesMax) {
      this.#isEndSent = true;
      this.#write(pieces);
    } else {
      this.#unsent = pieces.reverse();
      this.#sendBlocks();
    }
  }

  /** Sends blocks until the socket is full or all is sent. */
  #sendBlocks(): void {
    let hasRoom = true;
    while (hasRoom && this.#unsent.length > 0) {
      const block: Uint8Array[] = [];
      for (let room = blockBytesMax; room > 0 && this.#unsent.length > 0; ) {
        const piece = this.#unsent.pop()!;
        if (piece.length > room) this.#unsent.push(piece.subarray(room));
        block.push(piece.length > room ? piece.subarray(0, room) : piece);
        room -= piece.length;
      }
      this.#isEndSent = this.#unsent.length === 0;
      hasRoom = this.#connection!.write(block);
    }
    const { blockMs, finalMs } = this.#options.timeouts;
    this.#expectWithin(this.#isEndSent ? finalMs : blockMs);
  }

  #onFinal(reply: Reply): void {
    const transaction = this.#current!;
    const kind = kindOf(reply);
    if (!this.#isEndSent) {
      // An answer in the middle of the message: the two sides will not find together again.
      if (reply.code >= 400) transaction.settleTaken(kind, reply, this.hop);
      return this.#fail(ownReply(451, '4.5.0', `Next hop answered before the end: ${reply.code}`));
    }
    transaction.settleTaken(kind, reply, this.hop);
    // RFC 3030 §2: after a refused BDAT the state is not known.
    if (this.#isBdatSent && reply.code !== 250) this.#needsReset = true;
    this.#finish();
  }

  /** This attempt is over; the one sent ahead, or another, is next. */
  #finish(): void {
    const transaction = this.#current!;
    this.#current = this.#next;
    this.#next = undefined;
    if (this.#current !== undefined) {
      this.#await();
      this.#owner.onFinished(transaction);
      return;
    }
    this.#owner.onFinished(transaction);
    if (this.#waits === 'ended') return;
    this.#start(this.messages < this.#messagesMax ? this.#owner.take() : undefined);
  }

  #expectWithin(ms: number): void {
    this.deadlineMs = this.#options.coarse.nowMs + ms;
  }

  #write(pieces: readonly Uint8Array[]): void {
    this.#connection!.write(pieces);
  }

  #fail(reply: Reply): void {
    this.#end({ reply, isOurs: true, tls: false });
  }

  #end(end: SessionEnd): void {
    // A 421 to MAIL or RCPT says that nothing was taken, whatever had been sent behind them.
    const mayBeTaken = this.#isEndSent && (this.#waits === 'final' || end.isOurs);
    this.#waits = 'ended';
    this.#connection?.destroy();
    this.#unsent = [];
    const current = this.#current;
    const next = this.#next;
    this.#current = undefined;
    this.#next = undefined;
    if (current !== undefined) {
      if (mayBeTaken) {
        // Asking again risks a second copy; saying "delivered" would risk that there is none.
        const reply = end.isOurs ? lostAtEndReply : end.reply;
        current.settleRest('deferred', reply, this.hop.host, this.hop.address);
      }
      this.#owner.onLost(current, end);
    }
    if (next !== undefined) this.#owner.onLost(next, end);
    this.#owner.onEnd(this, end);
  }
}

/** What a reply means for those it speaks of. 1yz and 3yz out of place leave everything open: later. */
function kindOf(reply: Reply): OutcomeStatus {
  if (reply.code >= 500) return 'failed';
  return reply.code >= 200 && reply.code < 300 ? 'delivered' : 'deferred';
}

function tlsFailedReply(detail: string): Reply {
  return ownReply(451, '4.7.5', `TLS with the next hop failed: ${detail}`);
}
