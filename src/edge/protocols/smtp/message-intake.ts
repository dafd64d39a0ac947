/**
 * Takes in one message's text, by DATA or BDAT, within the session's bounds.
 *
 * Runs in:   edge (main thread); hot.
 * Specs:     RFC 5321 §4.1.1.4, RFC 3030 §2, RFC 1870 §6.
 * Limits:    `messageBytesMax`, `textLineBytesMax`; room is claimed step by step as octets come.
 * Invariant: what cannot be taken is still read to its end, and refused there: an answer in the middle of a message
 *            would be taken for the answer to something else.
 */

import type { Buffer } from 'node:buffer';
import { largeBodyBytesMin } from '../../../actors/asks/body-asks.ts';
import type { BodyStream } from '../../../actors/asks/reception.ts';
import { DataReader, type ReaderMode } from '../../../mail/wire/smtp/data-reader.ts';
import { replyOf } from './replies.ts';
import type { SmtpService } from './service.ts';
import type { Transaction } from './transaction.ts';

export class MessageIntake {
  readonly reader = new DataReader();
  /** Coarse time of the first octet's permission; 0 when no message is coming. */
  fromMs = 0;
  /** BDAT: octets of the chunk under way that have not come. */
  chunkBytesLeft = 0;
  chunkIsLast = false;

  readonly #service: SmtpService;
  readonly #transaction: Transaction;
  #refusal: Buffer | undefined;
  /** A large message's text leaves as it comes. */
  #stream: BodyStream | undefined;

  constructor(service: SmtpService, transaction: Transaction) {
    this.#service = service;
    this.#transaction = transaction;
  }

  begin(mode: ReaderMode): void {
    this.reader.reset(mode);
    this.#refusal = undefined;
    this.fromMs = this.#service.tickMs;
  }

  /** Forgets the message; what was kept of it is let go. */
  end() {
    this.reader.reset('dots');
    this.#refusal = undefined;
    this.fromMs = 0;
    this.chunkBytesLeft = 0;
    this.#stream?.abort();
    this.#stream = undefined;
  }

  /** The engine lags: nothing more should be read before `whenReady`. */
  get isFull(): boolean {
    return this.#stream?.isFull === true;
  }

  whenReady(run: () => void): void {
    this.#stream!.whenReady(run);
  }

  /** The stream of a message that is handed over: it is the caller's. */
  takeStream(): BodyStream | undefined {
    const stream = this.#stream;
    this.#stream = undefined;
    return stream;
  }

  /** Answers the offset after the lone dot, or -1 when `chunk` is used up. */
  readData(chunk: Buffer, from: number): number {
    const end = this.reader.read(chunk, from);
    this.#judge();
    return end;
  }

  /** Answers the offset after what belongs to the BDAT chunk under way. */
  readChunk(chunk: Buffer, from: number): number {
    const end = Math.min(chunk.length, from + this.chunkBytesLeft);
    this.chunkBytesLeft -= end - from;
    this.reader.read(end === chunk.length ? chunk : chunk.subarray(0, end), from);
    this.#judge();
    return end;
  }

  /** The last BDAT chunk is in. */
  finishChunks(): void {
    this.reader.endCounted();
    this.#judge();
  }

  /** The reply that refuses the message as far as it came; undefined when it is good. */
  get refusal(): Buffer | undefined {
    return this.#refusal;
  }

  refuse(reply: Buffer) {
    this.#refusal = reply;
    this.reader.discard();
    this.#stream?.abort();
    this.#stream = undefined;
    this.#transaction.giveRoom(this.#service.reception);
  }

  #judge() {
    if (this.#refusal !== undefined) return;
    const { reader } = this;
    const { limits } = this.#service.policy;
    if (reader.hasBareNewline) return this.refuse(replyOf('newline-bare'));
    if (reader.bytes > limits.messageBytesMax) return this.refuse(replyOf('message-too-large'));
    if (reader.lineBytesLongest > limits.textLineBytesMax) {
      return this.refuse(replyOf('line-too-long'));
    }
    const { reception } = this.#service;
    if (this.#stream === undefined && reader.bytes > largeBodyBytesMin) {
      const isEach = this.#service.dialect === 'lmtp';
      this.#stream = reception.openBody(this.#transaction.recipients, isEach);
    }
    this.#stream?.push(reader.take());
    // What the shard has is no longer in our memory, and counts no more.
    const heldBytes = this.#stream?.heldBytes ?? reader.bytes;
    const failure = this.#stream?.failure ?? this.#transaction.claim(reception, heldBytes);
    if (failure !== undefined) this.refuse(replyOf(failure.code));
  }
}
