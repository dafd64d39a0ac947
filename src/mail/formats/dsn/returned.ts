/**
 * What of the original message a notice brings back.
 *
 * Runs in:   anywhere; pure. Pieces are views of the original: nothing is copied.
 * Specs:     RFC 3461 §4.3 and §6.2, RFC 6522 §3 (the third part), RFC 3030 (binary messages).
 */

import { byteLength } from '../../../base/bytes.ts';

export const headerBytesMax = 64 * 1_024;
/** RFC 5322 §2.1.1, without the line's end. */
const lineBytesMax = 998;
const lf = 0x0a;
const cr = 0x0d;

export function isEightBit(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at]! > 0x7f) return true;
  }
  return false;
}

/** The header section up to its last whole line within `headerBytesMax`, without the empty line behind it. */
export function headerOf(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  return until(parts, headerEnd(parts));
}

function headerEnd(parts: readonly Uint8Array[]): number {
  let offset = 0;
  let lineStart = 0;
  let isLineEmpty = true;
  for (const part of parts) {
    for (let at = 0; at < part.length; at++, offset++) {
      if (offset === headerBytesMax) return lineStart;
      const byte = part[at]!;
      if (byte === lf) {
        if (isLineEmpty) return lineStart;
        lineStart = offset + 1;
        isLineEmpty = true;
      } else if (byte !== cr) {
        isLineEmpty = false;
      }
    }
  }
  return lineStart;
}

function until(parts: readonly Uint8Array[], end: number): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let left = end;
  for (const part of parts) {
    if (left === 0) break;
    const piece = part.subarray(0, left);
    if (piece.length > 0) pieces.push(piece);
    left -= piece.length;
  }
  return pieces;
}

/** Whether the whole may stand inside a multipart: not too long, with lines as text has them. */
export function isReturnable(parts: readonly Uint8Array[], bytesMax: number): boolean {
  if (byteLength(parts) > bytesMax) return false;
  let lineBytes = 0;
  let last = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at++) {
      const byte = part[at]!;
      if (byte === 0 || (byte === lf) !== (last === cr)) return false;
      lineBytes = byte === lf ? 0 : lineBytes + 1;
      // One more for the CR.
      if (lineBytes > lineBytesMax + 1) return false;
      last = byte;
    }
  }
  return last !== cr;
}
