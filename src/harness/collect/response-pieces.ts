/**
 * Cuts IMAP responses out of what a server sends, each whole: its text, and its literals as they came.
 *
 * Runs in:   ledger; pure.
 * Specs:     RFC 9051 §4.3 (literals), §7.1 (a text for people ends where its line does).
 * Limits:    `lineBytesMax` of text in a response (the receiver is told), `literalBytesMax` of a literal (the rest of it
 *            is passed over).
 */

import { Buffer } from 'node:buffer';
import { kibibyte, mebibyte } from '../../base/units.ts';

const lineBytesMax = 64 * kibibyte;
const literalBytesMax = 128 * mebibyte;
const lineFeed = 0x0a;
const textual = /^\* (?:OK|NO|BAD|BYE|PREAUTH)\b/i;

export interface Response {
  /** Its lines without their ends; `{0}`, `{1}` … stand where its literals were. */
  readonly text: string;
  readonly literals: readonly Literal[];
}

export interface Literal {
  readonly bytes: Buffer;
  /** It was longer than what is kept. */
  readonly isCut: boolean;
}

export interface ResponseReceiver {
  onResponse(response: Response): void;
  /** A line without end: what follows makes no sense any more. */
  onOverlong(): void;
}

export class ResponsePieces {
  readonly #receiver: ResponseReceiver;
  readonly #literalMax: number;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #text = '';
  #literals: Literal[] = [];
  /** Of the literal at hand. */
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #missingBytes = 0;
  #isStopped = false;

  constructor(receiver: ResponseReceiver, literalMax = literalBytesMax) {
    this.#receiver = receiver;
    this.#literalMax = literalMax;
  }

  /** `bytes` are not kept. */
  push(bytes: Buffer): void {
    this.#isStopped = false;
    let at = 0;
    while (at < bytes.length && !this.#isStopped) {
      if (this.#missingBytes > 0) {
        const piece = bytes.subarray(at, at + this.#missingBytes);
        at += piece.length;
        this.#takeLiteral(piece);
        continue;
      }
      const end = bytes.indexOf(lineFeed, at);
      const piece = Buffer.from(bytes.subarray(at, end === -1 ? bytes.length : end + 1));
      at += piece.length;
      this.#rest.push(piece);
      this.#restBytes += piece.length;
      if (this.#restBytes + this.#text.length > lineBytesMax) {
        this.stop();
        this.#receiver.onOverlong();
        return;
      }
      if (end !== -1) this.#takeLine();
    }
  }

  /** What was read and not given out is forgotten (RFC 9051 §6.2.1). */
  stop(): void {
    this.#isStopped = true;
    this.#rest = [];
    this.#restBytes = 0;
    this.#text = '';
    this.#literals = [];
    this.#missingBytes = 0;
  }

  #takeLine(): void {
    const line = Buffer.concat(this.#rest)
      .toString('utf8')
      .replace(/\r?\n$/, '');
    this.#rest = [];
    this.#restBytes = 0;
    const isTextual = this.#literals.length === 0 && textual.test(line);
    const literal = isTextual ? null : /\{(\d{1,10})\+?\}$/.exec(line);
    if (literal === null) {
      this.#text += line;
      this.#give();
      return;
    }
    this.#text += `${line.slice(0, literal.index)}{${this.#literals.length}}`;
    this.#missingBytes = Number(literal[1]);
    this.#kept = [];
    this.#keptBytes = 0;
    if (this.#missingBytes === 0) this.#endLiteral(false);
  }

  #takeLiteral(piece: Buffer): void {
    this.#missingBytes -= piece.length;
    const room = this.#literalMax - this.#keptBytes;
    if (room > 0) {
      const kept = Buffer.from(piece.subarray(0, room));
      this.#kept.push(kept);
    }
    this.#keptBytes += piece.length;
    if (this.#missingBytes === 0) this.#endLiteral(this.#keptBytes > this.#literalMax);
  }

  #endLiteral(isCut: boolean): void {
    this.#literals.push({ bytes: Buffer.concat(this.#kept), isCut });
    this.#kept = [];
  }

  #give(): void {
    const response = { text: this.#text, literals: this.#literals };
    this.#text = '';
    this.#literals = [];
    this.#receiver.onResponse(response);
  }
}
