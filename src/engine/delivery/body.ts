/**
 * A message's bytes as they go over the wire: stuffed and ended for DATA, or as they are for BDAT.
 *
 * Runs in:   engine threads; pure. Nothing is copied: the pieces are views of the message's own parts.
 * Specs:     RFC 5321 §4.5.2 (transparency), RFC 3030 §2.
 */

import { latin1, view } from '../../base/bytes.ts';

const stuffing = latin1('.');
const end = latin1('.\r\n');
const endAfterLine = latin1('\r\n.\r\n');
const lineAndDot = latin1('\r\n.');

const cr = 0x0d;
const lf = 0x0a;
const dot = 0x2e;

/** Appends to `pieces` the message as DATA carries it, final dot included. */
export function stuff(parts: readonly Uint8Array[], pieces: Uint8Array[]): void {
  // The last two bytes that went out: a line may end in one part and its dot stand in the next.
  let before = cr;
  let last = lf;
  for (const part of parts) {
    const bytes = view(part);
    const length = bytes.length;
    if (length === 0) continue;
    let from = 0;
    if (bytes[0] === dot && before === cr && last === lf) pieces.push(stuffing);
    if (length > 1 && bytes[1] === dot && last === cr && bytes[0] === lf) {
      pieces.push(bytes.subarray(0, 1), stuffing);
      from = 1;
    }
    for (
      let at = bytes.indexOf(lineAndDot, from);
      at >= 0;
      at = bytes.indexOf(lineAndDot, at + 2)
    ) {
      pieces.push(bytes.subarray(from, at + 2), stuffing);
      from = at + 2;
    }
    pieces.push(from === 0 ? bytes : bytes.subarray(from));
    before = length > 1 ? bytes[length - 2]! : last;
    last = bytes[length - 1]!;
  }
  pieces.push(before === cr && last === lf ? end : endAfterLine);
}

/** The empty message, for a server that says 354 though it refused all recipients (RFC 2920 §3.1). */
export const emptyBody: readonly Uint8Array[] = [end];

export function has8Bit(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at]! > 0x7f) return true;
  }
  return false;
}

/** Whether a byte over 127 stands in the header section. */
export function hasUtf8Header(parts: readonly Uint8Array[]): boolean {
  let lineIsEmpty = true;
  for (const part of parts) {
    for (let at = 0; at < part.length; at++) {
      const byte = part[at]!;
      if (byte > 0x7f) return true;
      if (byte === lf) {
        if (lineIsEmpty) return false;
        lineIsEmpty = true;
      } else if (byte !== cr) {
        lineIsEmpty = false;
      }
    }
  }
  return false;
}
