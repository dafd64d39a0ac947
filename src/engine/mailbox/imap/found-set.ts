/**
 * A set of messages found: bits by block of UIDs, as ranges of UIDs or of a session's numbers.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Limits:    24 bytes a block of 128 UIDs with a message found.
 */

import { uidBlockSlots } from '../../store/keys.ts';
import { bitCounts } from '../rows/uid-block.ts';
import { blockBytes, View } from './view.ts';

export class FoundSet {
  readonly #numbers: number[] = [];
  #bits = new Uint8Array(64 * blockBytes);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Each block once; all ascending, or all descending. */
  add(number: number, bits: Uint8Array): void {
    const count = popcount(bits);
    if (count === 0) return;
    const at = this.#numbers.length * blockBytes;
    if (at === this.#bits.length) {
      const larger = new Uint8Array(2 * at);
      larger.set(this.#bits);
      this.#bits = larger;
    }
    this.#numbers.push(number);
    this.#bits.set(bits, at);
    this.#count += count;
  }

  /** As a view: it tells members, counts and places. */
  view(): View {
    const count = this.#numbers.length;
    const isDescending = count > 1 && this.#numbers[0]! > this.#numbers[1]!;
    const blocks = Uint32Array.from(isDescending ? this.#numbers.reverse() : this.#numbers);
    const bits = this.#bits.slice(0, count * blockBytes);
    if (isDescending) {
      for (let i = 0; i < count; i++) {
        const from = (count - 1 - i) * blockBytes;
        bits.set(this.#bits.subarray(from, from + blockBytes), i * blockBytes);
      }
    }
    return new View(0, 0, blocks, bits);
  }
}

function popcount(bits: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < blockBytes; i++) count += bitCounts[bits[i]!]!;
  return count;
}

/** Ranges of UIDs: pairs of first and last. */
export function uidsOf({ blocks, bits, count }: View): Uint32Array {
  const ranges = new Uint32Array(2 * count);
  let length = 0;
  let last = -1;
  for (let block = 0; block < blocks.length; block++) {
    const base = blocks[block]! * uidBlockSlots;
    const start = block * blockBytes;
    for (let i = 0; i < blockBytes; i++) {
      for (let byte = bits[start + i]!; byte !== 0; byte &= byte - 1) {
        const uid = base + i * 8 + 31 - Math.clz32(byte & -byte);
        if (uid !== last + 1) {
          ranges[length] = uid;
          length += 2;
        }
        ranges[length - 1] = uid;
        last = uid;
      }
    }
  }
  return ranges.subarray(0, length);
}

/** Ranges of the numbers a session knows the messages by; all of them are in its view. */
export function numbersOf(found: View, session: View): Uint32Array {
  const ranges = new Uint32Array(2 * found.count);
  let length = 0;
  let last = -1;
  let at = 0;
  for (let block = 0; block < found.blocks.length; block++) {
    while (session.blocks[at]! < found.blocks[block]!) at++;
    let before = session.countBefore(at);
    for (let i = 0; i < blockBytes; i++) {
      const known = session.bits[at * blockBytes + i]!;
      for (let byte = found.bits[block * blockBytes + i]!; byte !== 0; byte &= byte - 1) {
        const number = before + bitCounts[known & ((byte & -byte) - 1)]! + 1;
        if (number !== last + 1) {
          ranges[length] = number;
          length += 2;
        }
        ranges[length - 1] = number;
        last = number;
      }
      before += bitCounts[known]!;
    }
  }
  return ranges.subarray(0, length);
}

/** The set of all messages in ranges of UIDs, as bits of one block. */
export function maskInto(ranges: readonly number[], base: number, bits: Uint8Array): void {
  bits.fill(0);
  const end = base + uidBlockSlots;
  for (let i = firstRange(ranges, base); i < ranges.length && ranges[i]! < end; i += 2) {
    const from = Math.max(0, ranges[i]! - base);
    const to = Math.min(uidBlockSlots - 1, ranges[i + 1]! - base);
    if (from === 0 && to === uidBlockSlots - 1) bits.fill(0xff);
    else for (let slot = from; slot <= to; slot++) bits[slot >> 3]! |= 1 << (slot & 7);
  }
}

/** Index of the first range that ends at or above `uid`. */
function firstRange(ranges: readonly number[], uid: number): number {
  let low = 0;
  let high = ranges.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle * 2 + 1]! < uid) low = middle + 1;
    else high = middle;
  }
  return low * 2;
}
