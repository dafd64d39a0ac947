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
import { bitCounts } from '../rows/uid-block.ts';
import { type IdRanges, idsOf } from '../rows/uid-ranges.ts';

export const blockBytes = uidBlockSlots / 8;
/** What a builder has room for at first. */
const blocksFew = 64;

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

  /** Messages before the block at a place in `blocks`. */
  countBefore(at: number): number {
    return this.#before[at]!;
  }

  /** Where in `blocks` the first one numbered `number` or above stands. */
  blockFrom(number: number): number {
    let low = 0;
    let high = this.blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.blocks[middle]! < number) low = middle + 1;
      else high = middle;
    }
    return low;
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

  /** As `sequenceOf`, of many: UIDs ascend. */
  sequencesOfAll(uids: Uint32Array): Uint32Array {
    const sequences = new Uint32Array(uids.length);
    const { blocks, bits } = this;
    let block = 0;
    let counted = -1;
    /** Bytes of the block that were counted, and the messages before the next one. */
    let byte = 0;
    let before = 0;
    for (let i = 0; i < uids.length; i++) {
      const uid = uids[i]!;
      const number = uid >>> uidBlockShift;
      while (block < blocks.length && blocks[block]! < number) block++;
      if (blocks[block] !== number) continue;
      if (counted !== block) {
        counted = block;
        byte = 0;
        before = this.#before[block]!;
      }
      const slot = uid & (uidBlockSlots - 1);
      const start = block * blockBytes;
      for (; byte < slot >> 3; byte++) before += bitCounts[bits[start + byte]!]!;
      const own = bits[start + byte]!;
      const bit = 1 << (slot & 7);
      if ((own & bit) !== 0) sequences[i] = before + bitCounts[own & (bit - 1)]! + 1;
    }
    return sequences;
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

  /** The sequence number of the first message from a UID on; 0: there is none. */
  firstFrom(uid: number): number {
    const first = this.countBelow(uid) + 1;
    return first > this.count ? 0 : first;
  }

  /** Messages whose UID is lower. */
  countBelow(uid: number): number {
    const number = Math.floor(uid / uidBlockSlots);
    const block = this.blockFrom(number);
    let count = this.#before[block]!;
    if (this.blocks[block] !== number) return count;
    const slot = uid & (uidBlockSlots - 1);
    const byteAt = block * blockBytes + (slot >> 3);
    for (let at = block * blockBytes; at < byteAt; at++) count += bitCounts[this.bits[at]!]!;
    return count + bitCounts[this.bits[byteAt]! & ((1 << (slot & 7)) - 1)]!;
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
function findBlock(blocks: Uint32Array, number: number, count = blocks.length): number {
  let low = 0;
  let high = count - 1;
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
  /** Ascending; `#count` of them. */
  #blocks: Uint32Array;
  #bits: Uint8Array;
  #count: number;

  constructor(from?: View) {
    this.#blocks = from?.blocks.slice() ?? new Uint32Array(blocksFew);
    this.#bits = from?.bits.slice() ?? new Uint8Array(blocksFew * blockBytes);
    this.#count = from?.blocks.length ?? 0;
  }

  /** Adds the messages a block's bitmap shows, from UID `from` to below `to`. */
  addBlock(number: number, exists: Uint8Array, from: number, to: number): void {
    const first = number * uidBlockSlots;
    const at = this.#bitsOf(number);
    const bits = this.#bits;
    if (first >= from && first + uidBlockSlots <= to) {
      for (let i = 0; i < blockBytes; i++) bits[at + i]! |= exists[i]!;
      return;
    }
    for (let slot = 0; slot < uidBlockSlots; slot++) {
      const uid = first + slot;
      if (uid < from || uid >= to) continue;
      bits[at + (slot >> 3)]! |= exists[slot >> 3]! & (1 << (slot & 7));
    }
  }

  addUids(uids: IdRanges, from: number, to: number): void {
    for (const uid of idsOf(uids)) {
      if (uid < from || uid >= to) continue;
      const slot = uid & (uidBlockSlots - 1);
      const at = this.#bitsOf(uid >>> uidBlockShift) + (slot >> 3);
      this.#bits[at]! |= 1 << (slot & 7);
    }
  }

  removeUids(uids: IdRanges): void {
    for (const uid of idsOf(uids)) {
      const block = findBlock(this.#blocks, uid >>> uidBlockShift, this.#count);
      const slot = uid & (uidBlockSlots - 1);
      if (block >= 0) this.#bits[block * blockBytes + (slot >> 3)]! &= ~(1 << (slot & 7));
    }
  }

  /** The builder is used up. */
  build(modseq: number, uidNext: number): View {
    const blocks = this.#blocks;
    const bits = this.#bits;
    let kept = 0;
    for (let block = 0; block < this.#count; block++) {
      const at = block * blockBytes;
      if (isEmpty(bits, at)) continue;
      if (kept < block) {
        blocks[kept] = blocks[block]!;
        bits.copyWithin(kept * blockBytes, at, at + blockBytes);
      }
      kept++;
    }
    return new View(modseq, uidNext, blocks.slice(0, kept), bits.slice(0, kept * blockBytes));
  }

  /** Where the block's bits begin; they are made where there are none. */
  #bitsOf(number: number): number {
    const count = this.#count;
    // Blocks come in order as a rule.
    const isLast = count === 0 || this.#blocks[count - 1]! < number;
    const found = isLast ? -1 : findBlock(this.#blocks, number, count);
    return (found >= 0 ? found : this.#insert(number)) * blockBytes;
  }

  #insert(number: number): number {
    const count = this.#count;
    if (count === this.#blocks.length) this.#grow();
    let place = count;
    while (place > 0 && this.#blocks[place - 1]! > number) place--;
    this.#blocks.copyWithin(place + 1, place, count);
    this.#bits.copyWithin((place + 1) * blockBytes, place * blockBytes, count * blockBytes);
    this.#blocks[place] = number;
    this.#bits.fill(0, place * blockBytes, (place + 1) * blockBytes);
    this.#count++;
    return place;
  }

  #grow(): void {
    const room = Math.max(blocksFew, this.#blocks.length * 2);
    const blocks = new Uint32Array(room);
    blocks.set(this.#blocks);
    const bits = new Uint8Array(room * blockBytes);
    bits.set(this.#bits);
    this.#blocks = blocks;
    this.#bits = bits;
  }
}

function isEmpty(bits: Uint8Array, at: number): boolean {
  for (let i = at; i < at + blockBytes; i++) if (bits[i] !== 0) return false;
  return true;
}
