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
    const failure = this.#transaction.claim(this.#service.reception, reader.bytes);
    if (failure !== undefined) this.refuse(replyOf(failure.code));
  }
}
