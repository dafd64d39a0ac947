/**
 * Line ends of messages in files: LF there as a rule, CRLF in accounts and on the wire.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5322 §2.1.
 */

import { Buffer } from 'node:buffer';
import { view } from '../../base/bytes.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const crlf = Buffer.from('\r\n');

/** Each LF as CRLF, where the text has no CRLF yet: text with one is as it came over a wire, and stays. */
export function withCrlf(text: Uint8Array): Buffer {
  const bytes = view(text);
  if (!bytes.includes(lineFeed) || bytes.includes(crlf)) return bytes;
  return Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
}

/** Each CRLF as LF. */
export function withLf(text: Uint8Array): Buffer {
  const bytes = view(text);
  if (!bytes.includes(crlf)) return bytes;
  return Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
}

/** Whether `withCrlf(withLf(text))` is the text: every line break is CRLF, and there is one. */
export function isWhollyCrlf(text: Uint8Array): boolean {
  const bytes = view(text);
  let at = bytes.indexOf(lineFeed);
  if (at < 0) return false;
  // A CR before it would stay behind as the end of a CRLF that nobody wrote.
  for (; at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
    if (at === 0 || bytes[at - 1] !== carriageReturn) return false;
    if (at > 1 && bytes[at - 2] === carriageReturn) return false;
  }
  return true;
}
