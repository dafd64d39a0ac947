/**
 * Encoded words: other charsets in header text.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 2047, RFC 2231 §5 (language after the charset).
 * Limits:    one word's text is at most `wordLengthMax` characters; a longer one is left as it is.
 * Invariant: never throws; linear time; what is no encoded word is left as it is.
 */

import { decodeCharset } from './charset.ts';

/** RFC 2047 §2 says 75 in all; broken mailers write whole subjects into one. */
const wordLengthMax = 1_000;

// Question marks inside Q text are wrong but common; the bound keeps a search without an end short.
const wordPattern = new RegExp(
  `=\\?([^?\\s]{1,80})\\?([bBqQ])\\?((?:[^?]|\\?(?!=)){0,${wordLengthMax}})\\?=`,
  'g',
);
const blank = /^[\s]*$/;

/** Text with its encoded words decoded. `value` is unfolded. */
export function decodeWords(value: string): string {
  if (!value.includes('=?')) return value;
  let text = '';
  let end = 0;
  let pending: { charset: string; bytes: Buffer[] } | undefined;
  for (const match of value.matchAll(wordPattern)) {
    const between = value.slice(end, match.index);
    // RFC 2231 §5: a language may follow the charset.
    const charset = match[1]!.replace(/\*.*$/, '').toLowerCase();
    const bytes = wordBytes(match[2]!, match[3]!);
    // RFC 2047 §6.2: white space between encoded words is not shown.
    const isAdjacent = pending !== undefined && blank.test(between);
    if (
      pending !== undefined &&
      isAdjacent &&
      pending.charset === charset &&
      !isStateful(charset)
    ) {
      // A character may be cut in two by mailers that count bytes: join before decoding.
      pending.bytes.push(bytes);
    } else {
      text += flush(pending) + (isAdjacent ? '' : between);
      pending = { charset, bytes: [bytes] };
    }
    end = match.index + match[0].length;
  }
  return text + flush(pending) + value.slice(end);
}

/** Charsets with escape sequences start anew in each word (RFC 1468): joined, their ends would read as errors. */
function isStateful(charset: string): boolean {
  return charset.startsWith('iso-2022-') || charset.startsWith('utf-7');
}

function flush(pending: { charset: string; bytes: Buffer[] } | undefined): string {
  if (pending === undefined) return '';
  const text = decodeCharset(Buffer.concat(pending.bytes), pending.charset);
  // A decoded word is one line of text, whatever it says.
  return text.replace(/[\r\n\0]+/g, ' ');
}

function wordBytes(encoding: string, text: string): Buffer {
  if (encoding === 'b' || encoding === 'B') return Buffer.from(text, 'base64');
  const bytes = Buffer.from(text, 'utf8');
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === underscore) bytes[at] = space;
  return unescaped(bytes, equalsSign);
}

const equalsSign = 61;
const underscore = 95;
const space = 32;

/** Replaces the mark and two hexadecimal digits by the byte they stand for, in place; a mark alone stays. */
export function unescaped(bytes: Buffer, mark: number): Buffer {
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] === mark ? hexByte(bytes, at + 1) : -1;
    if (byte >= 0) at += 2;
    bytes[length++] = byte >= 0 ? byte : bytes[at]!;
  }
  return bytes.subarray(0, length);
}

/** The byte that two hexadecimal digits at `at` stand for, or -1. */
export function hexByte(bytes: Uint8Array, at: number): number {
  const high = hexDigit(bytes[at] ?? 0);
  const low = hexDigit(bytes[at + 1] ?? 0);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 65 && code <= 70) return code - 55;
  if (code >= 97 && code <= 102) return code - 87;
  return -1;
}
