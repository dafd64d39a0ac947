/**
 * What one session believes a mailbox holds: a set of UIDs in order, so that sequence numbers and UIDs can be turned
 * into each other.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 9051 §2.3.1.2 (message sequence numbers).
 * Limits:    24 bytes for each block of 128 UIDs that has a message: 190 kB for a million.
 * Invariant: immutable. The view of (modseq, uidNext) is the same set whenever it is made: messages below `uidNext`
 *            that exist, and those that vanished after `modseq`.
 */

import { uidBlockShift, uidBlockSlots } from '../../store/keys.ts';
import { type IdRanges, idsOf } from '../rows/uid-ranges.ts';

export const blockBytes = uidBlockSlots / 8;

/** Bits set in a byte. */
export const bitCounts = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
});

export class View {
  readonly modseq: number;
  readonly uidNext: number;
  /** Numbers of blocks, ascending. */
  readonly blocks: Uint32Array;
  /** 16 bytes a block. */
  readonly bits: Uint8Array;
  /** Messages before each block, and in all. */
  readonly #before: Uint32Array;

  /** Keeps the arrays. */
  constructor(
    modseq: number,
    uidNext: number,
    blocks: Uint32Array,
    bits: Uint8Array,
    before = countsBefore(blocks, bits),
  ) {
    this.modseq = modseq;
    this.uidNext = uidNext;
    this.blocks = blocks;
    this.bits = bits;
    this.#before = before;
  }

  /** The same messages as of a later modseq: nothing is copied. */
  at(modseq: number): View {
    return new View(modseq, this.uidNext, this.blocks, this.bits, this.#before);
  }

  get count(): number {
    return this.#before[this.blocks.length]!;
  }

  /** Of memory held. */
  get bytes(): number {
    return this.blocks.byteLength + this.bits.byteLength + this.#before.byteLength;
  }

  /** The highest UID, or 0. */
  get lastUid(): number {
    return this.uidOf(this.count);
  }

  /** The sequence number, or 0 where the UID is not in the view. */
  sequenceOf(uid: number): number {
    const block = findBlock(this.blocks, uid >>> uidBlockShift);
    if (block < 0) return 0;
    const slot = uid & (uidBlockSlots - 1);
    const start = block * blockBytes;
    const byteAt = start + (slot >> 3);
    const bit = 1 << (slot & 7);
    const byte = this.bits[byteAt]!;
    if ((byte & bit) === 0) return 0;
    let count = this.#before[block]! + bitCounts[byte & (bit - 1)]! + 1;
    for (let at = start; at < byteAt; at++) count += bitCounts[this.bits[at]!]!;
    return count;
  }

  /** Sequence numbers of messages of the view, as ranges: UIDs with a gap between them may be neighbours by number. */
  sequencesOf(uids: IdRanges): number[] {
    const sequences: number[] = [];
    for (let i = 0; i < uids.length; i += 2) {
      const first = this.sequenceOf(uids[i]!);
      const last = this.sequenceOf(uids[i + 1]!);
      const end = sequences.length - 1;
      if (end > 0 && sequences[end] === first - 1) sequences[end] = last;
      else sequences.push(first, last);
    }
    return sequences;
  }

  /** The UID of a sequence number, or 0 where there is none. */
  uidOf(sequence: number): number {
    if (sequence < 1 || sequence > this.count) return 0;
    const block = blockOfSequence(this.#before, sequence);
    let left = sequence - this.#before[block]!;
    for (let at = block * blockBytes; ; at++) {
      const byte = this.bits[at]!;
      const count = bitCounts[byte]!;
      if (left > count) {
        left -= count;
        continue;
      }
      const slot = (at - block * blockBytes) * 8 + nthBit(byte, left);
      return this.blocks[block]! * uidBlockSlots + slot;
    }
  }
}

function countsBefore(blocks: Uint32Array, bits: Uint8Array): Uint32Array {
  const before = new Uint32Array(blocks.length + 1);
  let count = 0;
  for (let block = 0; block < blocks.length; block++) {
    const end = (block + 1) * blockBytes;
    for (let at = end - blockBytes; at < end; at++) count += bitCounts[bits[at]!]!;
    before[block + 1] = count;
  }
  return before;
}

/** Index of the block numbered `number`, or -1. */
function findBlock(blocks: Uint32Array, number: number): number {
  let low = 0;
  let high = blocks.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = blocks[middle]!;
    if (found === number) return middle;
    if (found < number) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** The last block with fewer than `sequence` messages before it. */
function blockOfSequence(before: Uint32Array, sequence: number): number {
  let low = 0;
  let high = before.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (before[middle]! < sequence) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Position of the n-th bit set, from 1. */
function nthBit(byte: number, n: number): number {
  let rest = byte;
  for (let i = 1; i < n; i++) rest &= rest - 1;
  return 31 - Math.clz32(rest & -rest);
}

/** A view under construction: from nothing, or from an earlier view. */
export class ViewBuilder {
  readonly #blocks = new Map<number, Uint8Array>();

  constructor(from?: View) {
    if (from === undefined) return;
    for (let i = 0; i < from.blocks.length; i++) {
      const start = i * blockBytes;
      this.#blocks.set(from.blocks[i]!, from.bits.slice(start, start + blockBytes));
    }
  }

  /** Adds the messages a block's bitmap shows, from UID `from` to below `to`. */
  addBlock(number: number, exists: Uint8Array, from: number, to: number): void {
    const first = number * uidBlockSlots;
    const bits = this.#bitsOf(number);
    if (first >= from && first + uidBlockSlots <= to) {
      for (let i = 0; i < blockBytes; i++) bits[i]! |= exists[i]!;
      return;
    }
    for (let slot = 0; slot < uidBlockSlots; slot++) {
      const uid = first + slot;
      if (uid < from || uid >= to) continue;
      if ((exists[slot >> 3]! & (1 << (slot & 7))) !== 0) bits[slot >> 3]! |= 1 << (slot & 7);
    }
  }

  addUids(uids: IdRanges, from: number, to: number): void {
    for (const uid of idsOf(uids)) {
      if (uid < from || uid >= to) continue;
      const slot = uid & (uidBlockSlots - 1);
      this.#bitsOf(uid >>> uidBlockShift)[slot >> 3]! |= 1 << (slot & 7);
    }
  }

  removeUids(uids: IdRanges): void {
    for (const uid of idsOf(uids)) {
      const bits = this.#blocks.get(uid >>> uidBlockShift);
      const slot = uid & (uidBlockSlots - 1);
      if (bits !== undefined) bits[slot >> 3]! &= ~(1 << (slot & 7));
    }
  }

  build(modseq: number, uidNext: number): View {
    const numbers: number[] = [];
    for (const [number, bits] of this.#blocks) {
      if (bits.some((byte) => byte !== 0)) numbers.push(number);
    }
    numbers.sort((a, b) => a - b);
    const all = new Uint8Array(numbers.length * blockBytes);
    for (let i = 0; i < numbers.length; i++) {
      all.set(this.#blocks.get(numbers[i]!)!, i * blockBytes);
    }
    return new View(modseq, uidNext, Uint32Array.from(numbers), all);
  }

  #bitsOf(number: number): Uint8Array {
    let bits = this.#blocks.get(number);
    if (bits === undefined) {
      bits = new Uint8Array(blockBytes);
      this.#blocks.set(number, bits);
    }
    return bits;
  }
}
