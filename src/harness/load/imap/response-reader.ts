/**
 * Cuts IMAP responses out of what a server sends: the first line of each is given out, literals are passed over by
 * count.
 *
 * Runs in:   load generator; pure.
 * Specs:     RFC 9051 §7 (responses), §4.3 (literals).
 * Limits:    of a line that comes in pieces, `headBytesMax` at its begin and `tailBytesMax` at its end are kept.
 */

import { Buffer } from 'node:buffer';

const headBytesMax = 4_096;
/** Room for the longest announcement of a literal: `{4294967295+}` and a line's end. */
const tailBytesMax = 20;
/** Where a line's end is looked for before all else. */
const nearBytes = 64;
const lineFeed = 0x0a;
const asterisk = 0x2a;
const plusSign = 0x2b;
const zero = 0x30;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Responses that end in text for people; what looks like a literal there is none (RFC 9051 §7.1). */
const textual = new Set(['OK ', 'NO ', 'BAD', 'BYE', 'PRE']);

export interface ResponseReceiver {
  /** `bytes` from `start` to `end` hold the first line of a response with its line end, until this returns. */
  onResponse(bytes: Buffer, start: number, end: number): void;
}

export class ResponseReader {
  #rest: Buffer | undefined;
  #literalBytes = 0;
  /** The line to come belongs to a response whose begin was given out. */
  #isContinued = false;
  #isStopped = false;

  push(chunk: Buffer, receiver: ResponseReceiver): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    this.#isStopped = false;
    let at = 0;
    while (at < bytes.length) {
      if (this.#literalBytes > 0) {
        const passed = Math.min(this.#literalBytes, bytes.length - at);
        this.#literalBytes -= passed;
        at += passed;
        continue;
      }
      const lineEnd = endOfLine(bytes, at);
      if (lineEnd === 0) {
        this.#rest = shortened(bytes, at);
        return;
      }
      const isFirst = !this.#isContinued;
      const literal =
        bytes[lineEnd - 3] === closeBrace ? literalAt(bytes, at, lineEnd, isFirst) : undefined;
      this.#isContinued = literal !== undefined;
      this.#literalBytes = literal ?? 0;
      if (isFirst) receiver.onResponse(bytes, at, lineEnd);
      if (this.#isStopped) return;
      at = lineEnd;
    }
  }

  /** What was read and not given out is forgotten (RFC 9051 §6.2.1: nothing said before TLS counts after it). */
  stop(): void {
    this.#isStopped = true;
    this.#rest = undefined;
    this.#literalBytes = 0;
    this.#isContinued = false;
  }
}

/** Behind the next line feed; 0 where there is none. Most lines are short: a call costs more than looking at them. */
function endOfLine(bytes: Buffer, from: number): number {
  const nearEnd = Math.min(bytes.length, from + nearBytes);
  for (let at = from; at < nearEnd; at++) if (bytes[at] === lineFeed) return at + 1;
  return nearEnd === bytes.length ? 0 : bytes.indexOf(lineFeed, nearEnd) + 1;
}

/** A line without its end yet. The chunk's memory is not ours; and nobody asks for the middle of a long line. */
function shortened(bytes: Buffer, start: number): Buffer {
  if (bytes.length - start <= headBytesMax + tailBytesMax)
    return Buffer.from(bytes.subarray(start));
  const head = bytes.subarray(start, start + headBytesMax);
  return Buffer.concat([head, bytes.subarray(bytes.length - tailBytesMax)]);
}

/** Octets of the literal that a line announces at its end, if it does. */
function literalAt(
  bytes: Buffer,
  start: number,
  lineEnd: number,
  isFirst: boolean,
): number | undefined {
  // A bare line feed ends no line that announces a literal: what is not CRLF is text.
  let at = lineEnd - 3;
  if (bytes[at] !== closeBrace || at <= start) return undefined;
  if (isFirst && bytes[start] !== asterisk) return undefined;
  if (isFirst && textual.has(bytes.toString('latin1', start + 2, start + 5).toUpperCase()))
    return undefined;
  at--;
  if (bytes[at] === plusSign) at--;
  let octets = 0;
  let unit = 1;
  for (; at >= start; at--) {
    const digit = bytes[at]! - zero;
    if (digit < 0 || digit > 9) break;
    octets += digit * unit;
    unit *= 10;
  }
  return unit > 1 && bytes[at] === openBrace && Number.isSafeInteger(octets) ? octets : undefined;
}
