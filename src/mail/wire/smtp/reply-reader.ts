/**
 * Reads an SMTP server's replies from bytes as they come, in whatever pieces.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5321 §4.2 (replies), §4.5.3.1.5 (line length); RFC 2034 and RFC 3463 (enhanced codes).
 * Limits:    `lineBytesMax`, `linesMax`, `replyBytesMax`; past one of them, or at anything that is no reply,
 *            `fault` is set for good and no further reply is read.
 * Invariant: nothing of the bytes given to `feed` is kept once `next` has answered undefined.
 */

import { Buffer } from 'node:buffer';
import { view } from '../../../base/bytes.ts';

export interface Reply {
  /** 200 to 599. */
  readonly code: number;
  /** RFC 3463 code of the first line as `2.1.5`, or "" where there is none or it contradicts `code`. */
  readonly enhanced: string;
  /** Words without codes, lines joined by "\n", control characters replaced by "?". */
  readonly text: string;
}

export type ReplyFault =
  | 'line-too-long'
  | 'lines-too-many'
  | 'reply-too-long'
  | 'code-invalid'
  | 'codes-differ';

/** RFC 5321 §4.5.3.1.5 allows 512; real servers send longer ones, hostile ones do not stop. */
export const lineBytesMax = 2_048;
export const linesMax = 128;
export const replyBytesMax = 16_384;

const lf = 0x0a;
const cr = 0x0d;
const hyphen = 0x2d;
const space = 0x20;
const dot = 0x2e;
const unwantedCharacters = /[\0-\x1f\x7f-\x9f]/g;

export class ReplyReader {
  fault: ReplyFault | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  // The reply under construction: code 0 is none.
  #code = 0;
  #enhanced = '';
  #text = '';
  #lines = 0;
  #replyBytes = 0;

  /** Whether bytes are left that no reply has used up. */
  get hasRest(): boolean {
    return this.#at < this.#bytes.length || this.#code !== 0;
  }

  /** Call `next` until it answers undefined before the bytes change. */
  feed(bytes: Uint8Array): void {
    const rest = this.#bytes.length - this.#at;
    // A cut line is at most `lineBytesMax` long here, so this copy is bounded.
    this.#bytes = rest === 0 ? view(bytes) : Buffer.concat([this.#bytes.subarray(this.#at), bytes]);
    this.#at = 0;
  }

  next(): Reply | undefined {
    while (this.fault === undefined) {
      const end = this.#bytes.indexOf(lf, this.#at);
      const lineBytes = (end < 0 ? this.#bytes.length : end + 1) - this.#at;
      if (lineBytes > lineBytesMax) return this.#fail('line-too-long');
      if (end < 0) {
        // The caller owns the bytes: what is left of them is copied.
        this.#bytes = Buffer.from(this.#bytes.subarray(this.#at));
        this.#at = 0;
        return undefined;
      }
      const start = this.#at;
      this.#at = end + 1;
      // RFC 5321 §2.3.8 wants CRLF; a bare LF here can smuggle nothing, so it is taken.
      const isLast = this.#readLine(
        start,
        end > start && this.#bytes[end - 1] === cr ? end - 1 : end,
      );
      if (this.fault === undefined && isLast) return this.#take();
    }
    return undefined;
  }

  /** Forgets everything: a new stream begins (TLS). */
  reset(): void {
    this.#bytes = Buffer.alloc(0);
    this.#at = 0;
    this.#take();
  }

  #readLine(start: number, end: number): boolean {
    const code = readCode(this.#bytes, start, end);
    const separator = end - start > 3 ? this.#bytes[start + 3]! : space;
    if (code === 0 || (separator !== space && separator !== hyphen)) {
      this.#fail('code-invalid');
      return false;
    }
    if (this.#code === 0) {
      this.#code = code;
    } else if (this.#code !== code) {
      this.#fail('codes-differ');
      return false;
    }
    this.#replyBytes += end - start;
    if (++this.#lines > linesMax) this.#fail('lines-too-many');
    else if (this.#replyBytes > replyBytesMax) this.#fail('reply-too-long');
    let from = Math.min(start + 4, end);
    const enhancedEnd = readEnhanced(this.#bytes, from, end);
    if (enhancedEnd > 0) {
      if (this.#lines === 1) this.#enhanced = this.#bytes.toString('latin1', from, enhancedEnd);
      from = Math.min(enhancedEnd + 1, end);
    }
    const words = this.#bytes.toString('utf8', from, end).replace(unwantedCharacters, '?');
    this.#text = this.#lines === 1 ? words : `${this.#text}\n${words}`;
    return separator === space;
  }

  #take(): Reply {
    // A class that contradicts the reply's (`250 5.0.0`) is no use to anybody.
    const agrees = this.#enhanced.charCodeAt(0) - 0x30 === Math.floor(this.#code / 100);
    const reply = { code: this.#code, enhanced: agrees ? this.#enhanced : '', text: this.#text };
    this.#code = 0;
    this.#enhanced = '';
    this.#text = '';
    this.#lines = 0;
    this.#replyBytes = 0;
    return reply;
  }

  #fail(fault: ReplyFault): undefined {
    this.fault = fault;
    this.#bytes = Buffer.alloc(0);
    this.#at = 0;
    return undefined;
  }
}

/** 0 where there is no code of 200 to 599. */
function readCode(bytes: Buffer, start: number, end: number): number {
  if (end - start < 3) return 0;
  const hundreds = bytes[start]! - 0x30;
  const tens = bytes[start + 1]! - 0x30;
  const ones = bytes[start + 2]! - 0x30;
  if (hundreds < 2 || hundreds > 5 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return 0;
  return hundreds * 100 + tens * 10 + ones;
}

/** Where an enhanced code that begins at `start` ends; 0 where none begins (RFC 3463 §2). */
function readEnhanced(bytes: Buffer, start: number, end: number): number {
  const statusClass = bytes[start]!;
  if (end - start < 5 || bytes[start + 1] !== dot) return 0;
  if (statusClass !== 0x32 && statusClass !== 0x34 && statusClass !== 0x35) return 0;
  const subject = digitsEnd(bytes, start + 2, end);
  if (subject === 0 || bytes[subject] !== dot || subject === end) return 0;
  const detail = digitsEnd(bytes, subject + 1, end);
  return detail !== 0 && (detail === end || bytes[detail] === space) ? detail : 0;
}

/** End of one to three digits, or 0. */
function digitsEnd(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && at < start + 4 && bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++;
  return at > start && at <= start + 3 ? at : 0;
}
