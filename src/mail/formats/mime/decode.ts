/**
 * Undoes transfer encodings.
 *
 * Runs in:   engine threads and jobs; pure.
 * Specs:     RFC 2045 §6.7 (quoted-printable) and §6.8 (base64).
 * Invariant: never throws; what is not of the encoding is passed over (base64) or kept (quoted-printable).
 */

import { Buffer } from 'node:buffer';
import { view } from '../../../base/bytes.ts';
import { hexByte } from '../headers/words.ts';

/** The decoded bytes; an encoding that is not known decodes to what it is. */
export function decodeTransfer(bytes: Uint8Array, encoding: string): Uint8Array {
  if (encoding === 'base64') return decodeBase64(bytes);
  if (encoding === 'quoted-printable') return decodeQuotedPrintable(bytes);
  return bytes;
}

function decodeBase64(bytes: Uint8Array): Uint8Array {
  // Node skips what is not of the alphabet, as RFC 2045 §6.8 asks, but stops at padding.
  return Buffer.from(view(bytes).toString('latin1'), 'base64');
}

const equalsSign = 61;
const lineFeed = 10;
const carriageReturn = 13;

function decodeQuotedPrintable(bytes: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  /** Where white space at the end of a line began: it was added on the way (RFC 2045 §6.7 rule 3). */
  let kept = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === equalsSign) {
      const code = hexByte(bytes, at + 1);
      if (code >= 0) {
        out[length++] = code;
        kept = length;
        at += 2;
        continue;
      }
      const next = afterSoftBreak(bytes, at + 1);
      if (next > 0) {
        at = next - 1;
        kept = length;
        continue;
      }
    }
    if (byte === lineFeed || (byte === carriageReturn && bytes[at + 1] === lineFeed)) length = kept;
    out[length++] = byte;
    if (byte !== 32 && byte !== 9) kept = length;
  }
  return out.subarray(0, length);
}

/** After a line break that only white space comes before, or 0. */
function afterSoftBreak(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && (bytes[at] === 32 || bytes[at] === 9)) at++;
  if (bytes[at] === carriageReturn) at++;
  return at >= bytes.length || bytes[at] === lineFeed ? Math.min(at + 1, bytes.length) : 0;
}
