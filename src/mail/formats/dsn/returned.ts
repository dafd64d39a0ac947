/**
 * What of the original message a notice brings back.
 *
 * Runs in:   anywhere; pure. Pieces are views of the original: nothing is copied.
 * Specs:     RFC 3461 §4.3 and §6.2, RFC 6522 §3 (the third part), RFC 3030 (binary messages).
 */

import { Buffer } from 'node:buffer';
import { byteLength, view } from '../../../base/bytes.ts';

export const headerBytesMax = 64 * 1_024;
const lineBytesMax = 998;
const lf = 0x0a;
const cr = 0x0d;

export function isEightBit(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at]! > 0x7f) return true;
  }
  return false;
}

/** The header section, its last line ended, cut before the line that would pass `headerBytesMax`. */
export function headerOf(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const header: Uint8Array[] = [];
  let room = headerBytesMax;
  let isLineEmpty = true;
  // How many of `header` and how many bytes of the next end with a whole line.
  let whole = { parts: 0, bytes: 0 };
  for (const part of parts) {
    const length = Math.min(part.length, room);
    for (let at = 0; at < length; at++) {
      const byte = part[at]!;
      if (byte !== lf) {
        if (byte !== cr) isLineEmpty = false;
        continue;
      }
      if (isLineEmpty) return [...header.slice(0, whole.parts), part.subarray(0, header.length === whole.parts ? whole.bytes : 0)].filter(hasBytes);
      isLineEmpty = true;
      whole = { parts: header.length, bytes: at + 1 };
    }
    header.push(part.subarray(0, length));
    room -= length;
    if (room === 0) break;
  }
  const last = header[whole.parts];
  const cut = header.slice(0, whole.parts);
  if (last !== undefined) cut.push(last.subarray(0, whole.bytes));
  return cut.filter(hasBytes);
}

/** Whether the whole may stand inside a multipart: not too long, lines as text has them, no boundary of ours. */
export function parseFree(
  parts: readonly Uint8Array[],
  bytesMax: number,
  boundary: string,
): boolean {
  if (byteLength(parts) > bytesMax) return false;
  let lineBytes = 0;
  let last = lf;
  for (const part of parts) {
    for (let at = 0; at < part.length; at++) {
      const byte = part[at]!;
      if (byte === 0 || (byte === lf) !== (last === cr && byte === lf)) return false;
      if (last === cr && byte !== lf) return false;
      lineBytes = byte === lf ? 0 : lineBytes + 1;
      if (lineBytes > lineBytesMax + 1) return false;
      last = byte;
    }
  }
  return last !== cr && !parts.some((part) => view(part).includes(Buffer.from(boundary)));
}

function hasBytes(part: Uint8Array): boolean {
  return part.length > 0;
}
