/**
 * Messages over one connection, one after the other, once it is ready for mail.
 *
 * Runs in:   engine threads; driven by its `Session`, which owns the connection.
 * Specs:     RFC 5321 §3.3, §4.1.4, §4.5.3.1.10; RFC 2920 (pipelining); RFC 3030 (BDAT).
 * Limits:    one message in transfer and, with PIPELINING, the envelope of one more sent ahead of its outcome;
 *            `blockBytesMax` bytes of a large message given to the socket at a time.
 * Invariant: in steady state a message costs one write and one read: the end of a message and the next one's
 *            MAIL, RCPT and DATA go out together (RFC 2920 §3.1 lets message content begin a group).
 *            A message whose end was sent and whose reply never came is deferred: it may arrive twice, never not.
 */

import { latin1 } from '../../base/bytes.ts';
import type { Reply } from '../../mail/wire/smtp/reply-reader.ts';
import type { ClassedReply } from '../../mail/wire/smtp/response-class.ts';
import type { Clock } from '../../ports/clock.ts';
import { BodyReader, emptyBody } from './body.ts';
import { type Capabilities, lower } from './capabilities.ts';
import type { PhaseTimeouts, SiteLimits } from './limits.ts';
import { blockBytesMax } from './limits.ts';
import type { OutcomeStatus } from './message.ts';
import { ownReply } from './message.ts';
import { encoded, isSendable, mailCommand, missingCapability, rcptCommand } from './requests.ts';
import type { Hop, Transaction } from './transaction.ts';

/** Why a connection is of no more use. */
export interface SessionEnd {
  readonly reply: Reply;
  readonly isOurs: boolean;
  /** TLS was the trouble: another connection in clear may do. */
  readonly tls: boolean;
  /** The source was the trouble, not the host. */
  readonly isSource?: boolean;
  /** The connection ended without a word. */
  readonly isLost?: boolean;
  readonly wasIdle?: boolean; // nothing was in transfer
}

export interface Judged {
  readonly status: OutcomeStatus;
  readonly reply: ClassedReply;
}

/** Where messages come from and go back to. */
export interface TransferOwner {
  /** The next message for this connection, if one waits. It is sent at once. */
  take(): Transaction | undefined;
  /** What a refusal by the next hop means, and by which words it is kept. */
  judge(reply: Reply, transaction: Transaction): Judged;
  /** The next hop took a message for somebody. */
  onTaken(): void;
  /** This attempt is over; recipients may be left to ask for. */
  onFinished(transaction: Transaction): void;
  /**
   * The connection died before the peer had the whole of this message. `isStale`: it had idled, and answered nothing
   * since: the peer, or something in between, had ended it before.
   */
  onLost(transaction: Transaction, end: SessionEnd, isStale: boolean): void;
}

/** What a transfer needs of its connection. */
export interface TransferLine {
  /** False when the socket is full: `onDrain` follows. */
  write(pieces: readonly Uint8Array[]): boolean;
  expectWithin(ms: number): void;
  /** The connection is to end: the two sides do not understand each other. */
  fail(reply: Reply): void;
  /** Nothing is in transfer any more. */
  onDone(): void;
}

export interface TransferOptions {
  readonly owner: TransferOwner;
  readonly line: TransferLine;
  readonly hop: Hop;
  readonly capabilities: Capabilities;
  readonly timeouts: PhaseTimeouts;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly limits: SiteLimits;
}

export type TransferWaits = 'nothing' | 'reset' | 'mail' | 'rcpt' | 'data' | 'final';

const resetCommand = latin1('RSET\r\n');
const dataCommand = 'DATA\r\n';
const lostAtEndReply = ownReply(451, '4.4.2', 'Connection was lost after the message was sent');
const unsendableReply = ownReply(553, '5.1.3', 'Address cannot be written in an SMTP command');
const unreadReply = ownReply(451, '4.3.0', 'The message cannot be read from the store');
/** A larger message waits for the recipients' replies before it is sent as BDAT: it might be for nobody. */
const bdatWithEnvelopeBytesMax = 64 * 1_024;

export class Transfer {
  readonly hop: Hop;
  waits: TransferWaits = 'nothing';
  messageCount = 0; // that were begun
  readonly #owner: TransferOwner;
  readonly #line: TransferLine;
  readonly #capabilities: Capabilities;
  readonly #timeouts: PhaseTimeouts;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #messagesMax: number;
  #recipientsMax: number;
  /** The message whose replies come now, and the one whose envelope was sent behind it. */
  #current: Transaction | undefined;
  #next: Transaction | undefined;
  #rcptSeen = 0;
  #isMailTaken = false;
  /** The connection idled before the message under way, and nothing of it was answered. */
  #hasIdled = false;
  #isBdatSent = false;
  #isEndSent = false;
  #needsReset = false;
  #isEnded = false;
  /** A message that is larger than one block, until all of it was given to the socket. */
  #unsent: BodyReader | undefined;
  #isFilling = false;

  constructor({ owner, line, hop, capabilities, timeouts, limits, clock }: TransferOptions) {
    this.hop = hop;
    this.#owner = owner;
    this.#line = line;
    this.#capabilities = capabilities;
    this.#timeouts = timeouts;
    this.#clock = clock;
    this.#messagesMax = lower(limits.messagesPerConnectionMax, capabilities.mailMax);
    this.#recipientsMax = lower(limits.recipientsPerTransactionMax, capabilities.rcptMax);
  }

  get isExhausted(): boolean {
    return this.messageCount >= this.#messagesMax;
  }

  onReply(reply: Reply): void {
    this.#hasIdled = false;
    switch (this.waits) {
      case 'final':
        this.#onFinal(reply);
        break;
      case 'mail':
        this.#onMail(reply);
        break;
      case 'rcpt':
        this.#onRcpt(reply);
        break;
      case 'data':
        this.#onDataReply(reply);
        break;
      case 'reset':
        this.#onReset(reply);
        break;
      case 'nothing':
        this.#line.fail(ownReply(451, '4.5.0', `Next hop spoke unasked: ${reply.code}`));
    }
  }

  onDrain(): void {
    if (this.#unsent !== undefined) this.#sendBlocks(this.#unsent);
  }

  /** Only while nothing is in transfer: sends this message, or what waits behind it when it cannot go here. */
  start(first: Transaction, hasIdled = false): void {
    this.#hasIdled = hasIdled;
    let transaction: Transaction | undefined = first;
    while (transaction !== undefined && !this.#canGo(transaction)) transaction = this.#take();
    if (transaction === undefined) {
      this.waits = 'nothing';
      this.#line.onDone();
      return;
    }
    this.#current = transaction;
    this.#await();
    const pieces: Uint8Array[] = [];
    if (this.#needsReset) {
      this.#needsReset = false;
      this.waits = 'reset';
      pieces.push(resetCommand);
    }
    if (this.waits === 'mail' || this.#capabilities.hasPipelining) {
      this.#pushEnvelope(transaction, pieces);
    }
    this.#line.write(pieces);
  }

  /** The connection is gone: what was in transfer is deferred or given back. */
  end(end: SessionEnd): void {
    // A 421 to MAIL or RCPT says that nothing was taken, whatever had been sent behind them.
    const isStale = this.#hasIdled && end.isLost === true;
    // Behind a connection that was gone, nothing arrived.
    const mayBeTaken = this.#isEndSent && (this.waits === 'final' || end.isOurs) && !isStale;
    const current = this.#current;
    const next = this.#next;
    this.#isEnded = true;
    this.#unsent = undefined;
    this.#current = undefined;
    this.#next = undefined;
    if (current !== undefined) {
      if (mayBeTaken) {
        // Asking again risks a second copy; saying "delivered" would risk that there is none.
        const reply = end.isOurs ? lostAtEndReply : end.reply;
        current.settleRest('deferred', reply, this.hop.host, this.hop.address);
      }
      this.#owner.onLost(current, end, isStale);
    }
    if (next !== undefined) this.#owner.onLost(next, end, false);
  }

  #take(): Transaction | undefined {
    return this.isExhausted || this.#isEnded ? undefined : this.#owner.take();
  }

  /** False when the message was settled here, because it cannot go to this hop. */
  #canGo(transaction: Transaction): boolean {
    const { message } = transaction;
    const fault = isSendable(message)
      ? missingCapability(message, this.#capabilities, this.#clock)
      : unsendableReply;
    if (fault !== undefined) {
      transaction.settleRest('failed', fault, this.hop.host, this.hop.address);
      this.#owner.onFinished(transaction);
      return false;
    }
    transaction.begin(this.#recipientsMax, this.hop.departure);
    this.messageCount++;
    return true;
  }

  /** The replies of `#current`'s envelope are next. */
  #await(): void {
    this.#rcptSeen = 0;
    this.#isMailTaken = false;
    this.#isEndSent = false;
    this.#isBdatSent = false;
    this.waits = 'mail';
    this.#line.expectWithin(this.#timeouts.mailMs);
  }

  #pushEnvelope(transaction: Transaction, pieces: Uint8Array[]): void {
    const { inHand, id } = transaction.message;
    if (inHand === undefined) this.#pushCommands(transaction, pieces);
    else inHand.run(id, () => this.#pushCommands(transaction, pieces));
  }

  #pushCommands(transaction: Transaction, pieces: Uint8Array[]): void {
    const { message, asked } = transaction;
    const { hasPipelining, hasChunking } = this.#capabilities;
    let commands = mailCommand(message, this.#capabilities, this.#clock);
    if (hasPipelining) {
      for (const index of asked) {
        commands += rcptCommand(message.recipients[index]!, this.#capabilities);
      }
      if (!hasChunking) {
        commands += dataCommand;
      } else if (message.bytes <= bdatWithEnvelopeBytesMax) {
        commands += `BDAT ${message.bytes} LAST\r\n`;
        this.#isBdatSent = true;
        this.#isEndSent = true;
      }
    }
    pieces.push(encoded(transaction.message, commands));
    if (this.#isBdatSent) for (const part of message.parts) pieces.push(part);
  }

  #onReset(reply: Reply): void {
    if (reply.code !== 250) {
      this.#line.fail(ownReply(451, '4.5.0', `Next hop refused RSET: ${reply.code}`));
      return;
    }
    this.waits = 'mail';
    if (this.#capabilities.hasPipelining) return;
    const pieces: Uint8Array[] = [];
    this.#pushEnvelope(this.#current!, pieces);
    this.#line.write(pieces);
  }

  #onMail(reply: Reply): void {
    const transaction = this.#current!;
    const { hasPipelining } = this.#capabilities;
    if (kindOf(reply) === 'delivered') {
      this.#isMailTaken = true;
    } else {
      const { status, reply: kept } = this.#judge(reply, transaction);
      for (const index of transaction.asked) transaction.settle(index, status, kept, this.hop);
      if (!hasPipelining) {
        this.#finish();
        return;
      }
    }
    this.waits = 'rcpt';
    this.#line.expectWithin(this.#timeouts.rcptMs);
    if (!hasPipelining) this.#sendRcpt(transaction);
  }

  #judge(reply: Reply, transaction: Transaction): Judged {
    if (reply.code < 400) return { status: 'deferred', reply };
    return this.#owner.judge(reply, transaction);
  }

  /** The last word on those the next hop took so far. */
  #settleTaken(transaction: Transaction, reply: Reply): void {
    if (transaction.taken.length === 0) return;
    if (kindOf(reply) === 'delivered') {
      this.#owner.onTaken();
      transaction.settleTaken('delivered', reply, this.hop);
      return;
    }
    const { status, reply: kept } = this.#judge(reply, transaction);
    transaction.settleTaken(status, kept, this.hop);
  }

  #sendRcpt(transaction: Transaction): void {
    const recipient = transaction.message.recipients[transaction.asked[this.#rcptSeen]!]!;
    this.#line.expectWithin(this.#timeouts.rcptMs);
    this.#line.write([encoded(transaction.message, rcptCommand(recipient, this.#capabilities))]);
  }

  #onRcpt(reply: Reply): void {
    const transaction = this.#current!;
    const index = transaction.asked[this.#rcptSeen++]!;
    // Behind a refused MAIL these are refusals of the command's place, not of the recipient.
    if (this.#isMailTaken) this.#judgeRcpt(transaction, index, reply);
    if (this.#rcptSeen === transaction.asked.length) this.#onRecipients(transaction);
    else if (!this.#capabilities.hasPipelining) this.#sendRcpt(transaction);
  }

  #judgeRcpt(transaction: Transaction, index: number, reply: Reply): void {
    const isTooMany = reply.code === 452 || reply.code === 552;
    if (kindOf(reply) === 'delivered') {
      transaction.taken.push(index);
    } else if (isTooMany && transaction.taken.length > 0) {
      // RFC 5321 §4.5.3.1.10: too many recipients, said either way; the rest goes in a transaction of its own.
      this.#recipientsMax = Math.min(this.#recipientsMax, transaction.taken.length);
    } else {
      const { status, reply: kept } = this.#judge(reply, transaction);
      transaction.settle(index, reply.code === 552 ? 'deferred' : status, kept, this.hop);
    }
  }

  /** All recipients were answered: the message is next, in one way or another. */
  #onRecipients(transaction: Transaction): void {
    const { hasPipelining, hasChunking } = this.#capabilities;
    if (this.#isBdatSent) {
      this.#expectFinal();
    } else if (hasPipelining && !hasChunking) {
      this.#expectData();
    } else if (transaction.taken.length === 0) {
      // Nobody is left: the transaction is open, and must not be when the next one begins (RFC 5321 §4.1.4).
      this.#needsReset = this.#isMailTaken;
      this.#finish();
    } else if (hasChunking) {
      this.#sendBdat(transaction);
    } else {
      this.#line.write([latin1(dataCommand)]);
      this.#expectData();
    }
  }

  #expectData(): void {
    this.waits = 'data';
    this.#line.expectWithin(this.#timeouts.dataMs);
  }

  #onDataReply(reply: Reply): void {
    const transaction = this.#current!;
    if (reply.code === 354) {
      this.#sendMessage(transaction);
    } else if (reply.code < 400) {
      this.#line.fail(ownReply(451, '4.5.0', `Next hop answered DATA with ${reply.code}`));
    } else {
      this.#settleTaken(transaction, reply);
      this.#needsReset = this.#isMailTaken;
      this.#finish();
    }
  }

  #sendMessage(transaction: Transaction): void {
    const { parts, source } = transaction.message;
    // RFC 2920 §3.1: a server may say 354 though it refused every recipient; it gets an empty message then.
    if (transaction.taken.length === 0) this.#sendBody([emptyBody], new BodyReader([], false));
    else this.#sendBody([], new BodyReader(parts, true, source));
  }

  /** Puts the next message's envelope behind the end of this one. */
  #pushAhead(pieces: Uint8Array[]): void {
    let next = this.#take();
    while (next !== undefined && !this.#canGo(next)) next = this.#take();
    if (next === undefined) return;
    this.#next = next;
    this.#pushEnvelope(next, pieces);
  }

  #sendBdat(transaction: Transaction): void {
    const { message } = transaction;
    this.#isBdatSent = true;
    this.#sendBody(
      [latin1(`BDAT ${message.bytes} LAST\r\n`)],
      new BodyReader(message.parts, false, message.source),
    );
  }

  #expectFinal(): void {
    this.waits = 'final';
    this.#line.expectWithin(this.#timeouts.finalMs);
  }

  #sendBody(pieces: Uint8Array[], body: BodyReader): void {
    this.#expectFinal();
    if (body.isStarved || body.read(pieces, blockBytesMax)) {
      this.#unsent = body;
      if (pieces.length === 0 || this.#line.write(pieces)) this.#sendBlocks(body);
      else this.#line.expectWithin(this.#timeouts.blockMs);
    } else {
      this.#sendEnd(pieces);
    }
  }

  /** Sends blocks until the socket is full or all is sent. */
  #sendBlocks(body: BodyReader): void {
    for (;;) {
      if (body.isStarved) {
        this.#fill(body);
        return;
      }
      const pieces: Uint8Array[] = [];
      if (!body.read(pieces, blockBytesMax)) {
        this.#unsent = undefined;
        this.#line.expectWithin(this.#timeouts.finalMs);
        this.#sendEnd(pieces);
        return;
      }
      if (!this.#line.write(pieces)) break;
    }
    this.#line.expectWithin(this.#timeouts.blockMs);
  }

  /** A large message is read from the store no faster than the socket takes it. */
  #fill(body: BodyReader): void {
    if (this.#isFilling) return;
    this.#isFilling = true;
    this.#line.expectWithin(this.#timeouts.blockMs);
    body.fill(blockBytesMax).then(
      () => {
        this.#isFilling = false;
        if (this.#unsent === body) this.#sendBlocks(body);
      },
      () => {
        this.#isFilling = false;
        if (this.#unsent === body) this.#line.fail(unreadReply);
      },
    );
  }

  /** The last piece of a message, and behind it the next one's envelope. */
  #sendEnd(pieces: Uint8Array[]): void {
    this.#isEndSent = true;
    if (this.#capabilities.hasPipelining && !this.#isBdatSent) this.#pushAhead(pieces);
    this.#line.write(pieces);
  }

  #onFinal(reply: Reply): void {
    const transaction = this.#current!;
    if (!this.#isEndSent) {
      // An answer in the middle of the message: the two sides will not find together again.
      if (reply.code >= 400) this.#settleTaken(transaction, reply);
      this.#line.fail(ownReply(451, '4.5.0', `Next hop answered before the end: ${reply.code}`));
      return;
    }
    this.#settleTaken(transaction, reply);
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
    if (this.#isEnded) return;
    const next = this.#take();
    if (next !== undefined) {
      this.start(next);
    } else {
      this.waits = 'nothing';
      this.#line.onDone();
    }
  }
}

/** What a reply means for those it speaks of. 1yz and 3yz out of place leave everything open: later. */
export function kindOf(reply: Reply): OutcomeStatus {
  if (reply.code >= 500) return 'failed';
  return reply.code >= 200 && reply.code < 300 ? 'delivered' : 'deferred';
}
