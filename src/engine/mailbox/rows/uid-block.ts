/**
 * 128 UIDs of a mailbox as columns: which exist, their flags and keywords, documents and modseqs.
 *
 * Runs in:   engine threads; pure (hot path: one decode and one encode per delivered message).
 * Specs:     RFC 9051 §2.3.1.1 (UIDs), §2.3.2 (flags); RFC 7162 §3.1 (modseqs).
 * Limits:    at most 1.2 kB without keywords; `keywordsMax` of a mailbox bounds the rest.
 * Invariant: the only home of flags. A column without a bit is not stored.
 *
 * Packed: version, slots in use, mask of flag columns, number of keyword columns, lowest modseq u64,
 * exists; then the flag columns, the keyword columns (number u16, bits), a document u32 and a modseq
 * difference u32 per slot in use.
 */

import { Buffer } from 'node:buffer';
import { assert } from '../../../base/assert.ts';
import { uidBlockSlots } from '../../store/keys.ts';

/** Bit numbers of system flags in a mask. */
export const systemFlags = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'] as const;
export const seenFlag = 0;
export const deletedFlag = 3;

export const blockVersion = 1;
const bitmapBytes = uidBlockSlots / 8;
export const existsAt = 12;
export const blockHeadBytes = existsAt + bitmapBytes;
export const differenceMax = 0xffff_ffff;

export type Bitmap = Uint8Array;

/** Bits set in a byte. */
export const bitCounts = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
});

const noBits: Bitmap = new Uint8Array(bitmapBytes);
const noNumbers: readonly number[] = new Array<number>(uidBlockSlots).fill(0);

export class UidBlock {
  readonly exists: Bitmap = new Uint8Array(bitmapBytes);
  readonly flags: (Bitmap | undefined)[] = new Array(systemFlags.length).fill(undefined);
  /** By the keyword's number in the mailbox row. */
  readonly keywords = new Map<number, Bitmap>();
  /** Arrays, not typed ones: of this size those stand outside V8's heap, and cost five times as much to make. */
  readonly documents: number[] = noNumbers.slice();
  readonly modseqs: number[] = noNumbers.slice();

  has(slot: number): boolean {
    return isSet(this.exists, slot);
  }

  add(slot: number, document: number, modseq: number): void {
    set(this.exists, slot);
    this.documents[slot] = document;
    this.modseqs[slot] = modseq;
  }

  remove(slot: number): void {
    clear(this.exists, slot);
    for (const column of this.flags) if (column !== undefined) clear(column, slot);
    for (const column of this.keywords.values()) clear(column, slot);
    this.documents[slot] = 0;
    this.modseqs[slot] = 0;
  }

  hasFlag(slot: number, flag: number): boolean {
    const column = this.flags[flag];
    return column !== undefined && isSet(column, slot);
  }

  setFlag(slot: number, flag: number, isOn: boolean): void {
    let column = this.flags[flag];
    if (column === undefined) {
      if (!isOn) return;
      column = new Uint8Array(bitmapBytes);
      this.flags[flag] = column;
    }
    if (isOn) set(column, slot);
    else clear(column, slot);
  }

  /** As `setFlag`, for all slots of a bitmap, which exist. */
  setFlags(slots: Bitmap, flag: number, isOn: boolean): void {
    const column = this.flags[flag];
    if (column !== undefined) setAll(column, slots, isOn);
    else if (isOn) this.flags[flag] = slots.slice();
  }

  hasKeyword(slot: number, keyword: number): boolean {
    const column = this.keywords.get(keyword);
    return column !== undefined && isSet(column, slot);
  }

  setKeyword(slot: number, keyword: number, isOn: boolean): void {
    let column = this.keywords.get(keyword);
    if (column === undefined) {
      if (!isOn) return;
      column = new Uint8Array(bitmapBytes);
      this.keywords.set(keyword, column);
    }
    if (isOn) set(column, slot);
    else clear(column, slot);
  }

  setKeywords(slots: Bitmap, keyword: number, isOn: boolean): void {
    const column = this.keywords.get(keyword);
    if (column !== undefined) setAll(column, slots, isOn);
    else if (isOn) this.keywords.set(keyword, slots.slice());
  }

  get count(): number {
    return popcount(this.exists);
  }

  /** Slots that exist, ascending. */
  *slots(): IterableIterator<number> {
    for (let slot = 0; slot < uidBlockSlots; slot++) if (isSet(this.exists, slot)) yield slot;
  }

  encode(): Buffer {
    let slots = uidBlockSlots;
    while (slots > 0 && !isSet(this.exists, slots - 1)) slots--;
    let mask = 0;
    let flagCount = 0;
    for (let flag = 0; flag < systemFlags.length; flag++) {
      const column = this.flags[flag];
      if (column === undefined || isEmpty(column)) continue;
      mask |= 1 << flag;
      flagCount++;
    }
    const keywords = [...this.keywords]
      .filter(([, column]) => !isEmpty(column))
      .sort(([a], [b]) => a - b);
    const keywordBytes = keywords.length * (bitmapBytes + 2);
    const bytes = Buffer.allocUnsafe(
      blockHeadBytes + flagCount * bitmapBytes + keywordBytes + slots * 8,
    );
    bytes[0] = blockVersion;
    bytes[1] = slots;
    bytes[2] = mask;
    bytes[3] = keywords.length;
    bytes.set(this.exists, existsAt);
    let at = blockHeadBytes;
    for (let flag = 0; flag < systemFlags.length; flag++) {
      if ((mask & (1 << flag)) === 0) continue;
      bytes.set(this.flags[flag]!, at);
      at += bitmapBytes;
    }
    for (const [keyword, column] of keywords) {
      bytes.writeUInt16BE(keyword, at);
      bytes.set(column, at + 2);
      at += bitmapBytes + 2;
    }
    this.#encodeSlots(bytes, slots, at);
    return bytes;
  }

  #encodeSlots(bytes: Buffer, slots: number, at: number): void {
    let lowest = Number.POSITIVE_INFINITY;
    let highest = 0;
    for (let slot = 0; slot < slots; slot++) {
      if (!isSet(this.exists, slot)) continue;
      const modseq = this.modseqs[slot]!;
      if (modseq < lowest) lowest = modseq;
      if (modseq > highest) highest = modseq;
    }
    if (lowest === Number.POSITIVE_INFINITY) lowest = 0;
    // A difference past u32 raises the oldest modseqs: their messages are only fetched once more.
    lowest = Math.max(lowest, highest - differenceMax);
    putU32(bytes, 4, Math.floor(lowest / 2 ** 32));
    putU32(bytes, 8, lowest % 2 ** 32);
    const modseqsAt = at + slots * 4;
    for (let slot = 0; slot < slots; slot++) {
      const isThere = isSet(this.exists, slot);
      putU32(bytes, at + slot * 4, isThere ? this.documents[slot]! : 0);
      const difference = isThere ? Math.max(0, this.modseqs[slot]! - lowest) : 0;
      putU32(bytes, modseqsAt + slot * 4, difference);
    }
  }
}

export function decodeUidBlock(row: Uint8Array | undefined): UidBlock {
  const block = new UidBlock();
  if (row === undefined) return block;
  assert(row[0] === blockVersion, 'a uid block of a known version');
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  const slots = bytes[1]!;
  const mask = bytes[2]!;
  const lowest = bytes.readUInt32BE(4) * 2 ** 32 + bytes.readUInt32BE(8);
  block.exists.set(bytes.subarray(existsAt, blockHeadBytes));
  let at = blockHeadBytes;
  for (let flag = 0; flag < systemFlags.length; flag++) {
    if ((mask & (1 << flag)) === 0) continue;
    block.flags[flag] = new Uint8Array(bytes.subarray(at, at + bitmapBytes));
    at += bitmapBytes;
  }
  for (let i = 0; i < bytes[3]!; i++) {
    const keyword = bytes.readUInt16BE(at);
    block.keywords.set(keyword, new Uint8Array(bytes.subarray(at + 2, at + 2 + bitmapBytes)));
    at += bitmapBytes + 2;
  }
  const modseqsAt = at + slots * 4;
  for (let slot = 0; slot < slots; slot++) {
    if (!isSet(block.exists, slot)) continue;
    block.documents[slot] = u32At(row, at + slot * 4);
    block.modseqs[slot] = lowest + u32At(row, modseqsAt + slot * 4);
  }
  return block;
}

/** The bitmap of messages that exist, without decoding the rest: a view of the row. */
export function existsOf(row: Uint8Array): Bitmap {
  assert(row[0] === blockVersion, 'a uid block of a known version');
  return row.subarray(existsAt, blockHeadBytes);
}

/** The row with another \Seen in place of its own; absent is nobody's. */
export function withSeen(row: Uint8Array, seen: Uint8Array | undefined): Uint8Array {
  assert(row[0] === blockVersion, 'a uid block of a known version');
  const rest = hasFlagColumn(row, seenFlag) ? blockHeadBytes + bitmapBytes : blockHeadBytes;
  const column = seen === undefined ? noBits : seen;
  const shown = Buffer.concat([row.subarray(0, blockHeadBytes), column, row.subarray(rest)]);
  shown[2]! |= 1 << seenFlag;
  return shown;
}

/** Whether any message of the block has the flag, without decoding the rest. */
export function hasFlagColumn(row: Uint8Array, flag: number): boolean {
  assert(row[0] === blockVersion, 'a uid block of a known version');
  return (row[2]! & (1 << flag)) !== 0;
}

export function u32At(row: Uint8Array, at: number): number {
  return row[at]! * 0x100_0000 + ((row[at + 1]! << 16) | (row[at + 2]! << 8) | row[at + 3]!);
}

/** A Buffer's own method checks what is known here, and costs three times as much. */
export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function isSet(bits: Bitmap, slot: number): boolean {
  return (bits[slot >> 3]! & (1 << (slot & 7))) !== 0;
}

function set(bits: Bitmap, slot: number): void {
  bits[slot >> 3]! |= 1 << (slot & 7);
}

function clear(bits: Bitmap, slot: number): void {
  bits[slot >> 3]! &= ~(1 << (slot & 7));
}

function setAll(column: Bitmap, slots: Bitmap, isOn: boolean): void {
  for (let i = 0; i < bitmapBytes; i++) {
    if (isOn) column[i]! |= slots[i]!;
    else column[i]! &= ~slots[i]!;
  }
}

function isEmpty(bits: Bitmap): boolean {
  for (let i = 0; i < bitmapBytes; i++) if (bits[i] !== 0) return false;
  return true;
}

export function popcount(bits: Uint8Array, from = 0, to = bits.length): number {
  let count = 0;
  for (let i = from; i < to; i++) count += bitCounts[bits[i]!]!;
  return count;
}
