/**
 * A message's bytes as they go over the wire: stuffed and ended for DATA, or as they are for BDAT.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5321 §4.5.2 (transparency), RFC 3030 §2.
 * Limits:    `stuffedViewsMax` dots in one slice are put in between views; a slice with more is copied, so that a
 *            message of nothing but dots costs a copy and not a million pieces.
 * Invariant: other slices are views of the message's own parts: nothing is copied.
 */

import { Buffer } from 'node:buffer';
import { latin1, view } from '../../base/bytes.ts';
import type { BodySource } from './message.ts';

const stuffing = latin1('.');
const end = latin1('.\r\n');
const endAfterLine = latin1('\r\n.\r\n');
const lineAndDot = latin1('\r\n.');
const stuffedViewsMax = 32;

const cr = 0x0d;
const lf = 0x0a;
const dot = 0x2e;

/** The empty message, for a server that says 354 though it refused all recipients (RFC 2920 §3.1). */
export const emptyBody: Uint8Array = end;

export class BodyReader {
  #parts: readonly Uint8Array[];
  readonly #isStuffed: boolean;
  readonly #source: BodySource | undefined;
  #sourceAt = 0;
  #part = 0;
  #at = 0;
  // The last two bytes that went out: a line may end in one slice and its dot stand in the next.
  #before = cr;
  #last = lf;

  constructor(parts: readonly Uint8Array[], isStuffed: boolean, source?: BodySource) {
    this.#parts = parts;
    this.#isStuffed = isStuffed;
    this.#source = source;
  }

  /** True: `fill` before the next `read`. */
  get isStarved(): boolean {
    return this.#part === this.#parts.length && this.#sourceAt < (this.#source?.bytes ?? 0);
  }

  /** Reads the next bytes of a message that is not in memory, at most `bytesMax`. Rejects when they are lost. */
  async fill(bytesMax: number): Promise<void> {
    const source = this.#source!;
    const length = Math.min(bytesMax, source.bytes - this.#sourceAt);
    const slice = await source.read(this.#sourceAt, length);
    if (slice.byteLength !== length) throw new Error('a message ends before its length');
    this.#sourceAt += length;
    this.#parts = [slice];
    this.#part = 0;
    this.#at = 0;
  }

  /** Appends the next bytes of the message, about `bytesMax` of them; false once all were given, end included. */
  read(pieces: Uint8Array[], bytesMax: number): boolean {
    let room = bytesMax;
    while (room > 0 && this.#part < this.#parts.length) {
      const part = view(this.#parts[this.#part]!);
      const isWhole = this.#at === 0 && part.length <= room;
      const slice = isWhole ? part : part.subarray(this.#at, this.#at + room);
      room -= slice.length;
      this.#at += slice.length;
      if (this.#at === part.length) {
        this.#part++;
        this.#at = 0;
      }
      if (slice.length === 0) continue;
      if (this.#isStuffed) this.#stuff(slice, pieces);
      else pieces.push(slice);
    }
    if (this.#part < this.#parts.length || this.isStarved) return true;
    if (this.#isStuffed) pieces.push(isAfterLine(this.#before, this.#last) ? end : endAfterLine);
    return false;
  }

  #stuff(slice: Buffer, pieces: Uint8Array[]): void {
    const start = pieces.length;
    const { length } = slice;
    let from = 0;
    if (slice[0] === dot && isAfterLine(this.#before, this.#last)) pieces.push(stuffing);
    if (length > 1 && slice[1] === dot && isAfterLine(this.#last, slice[0]!)) {
      pieces.push(slice.subarray(0, 1), stuffing);
      from = 1;
    }
    for (
      let at = slice.indexOf(lineAndDot, from);
      at >= 0;
      at = slice.indexOf(lineAndDot, at + 2)
    ) {
      pieces.push(slice.subarray(from, at + 2), stuffing);
      from = at + 2;
      if (pieces.length - start > 2 * stuffedViewsMax) {
        pieces.length = start;
        pieces.push(stuffedCopy(slice, this.#before, this.#last));
        from = length;
        break;
      }
    }
    if (from < length) pieces.push(from === 0 ? slice : slice.subarray(from));
    this.#before = length > 1 ? slice[length - 2]! : this.#last;
    this.#last = slice[length - 1]!;
  }
}

function isAfterLine(before: number, last: number): boolean {
  return before === cr && last === lf;
}

function stuffedCopy(slice: Buffer, beforeSlice: number, lastOfSlice: number): Uint8Array {
  // CR LF dot at the closest becomes four bytes; a first dot may be one more.
  const copy = Buffer.allocUnsafeSlow(slice.length + Math.ceil(slice.length / 3) + 1);
  let before = beforeSlice;
  let last = lastOfSlice;
  let length = 0;
  for (let at = 0; at < slice.length; at++) {
    const byte = slice[at]!;
    if (byte === dot && isAfterLine(before, last)) copy[length++] = dot;
    copy[length++] = byte;
    before = last;
    last = byte;
  }
  return copy.subarray(0, length);
}

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
