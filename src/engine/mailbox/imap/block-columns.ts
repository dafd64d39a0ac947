/**
 * A UID block's columns as they stand in its row: nothing is decoded before somebody asks.
 *
 * Runs in:   the engine thread that owns the shard; hot: a search of a million messages looks at 8,000 blocks.
 * Invariant: reads the layout that `rows/uid-block.ts` writes; keeps the row's bytes.
 */

import { Buffer } from 'node:buffer';
import { assert } from '../../../base/assert.ts';
import { uidBlockSlots } from '../../store/keys.ts';

const version = 1;
const bitmapBytes = uidBlockSlots / 8;
const headBytes = 12 + bitmapBytes;

export class BlockColumns {
  readonly exists: Uint8Array;
  readonly #row: Buffer;
  readonly #mask: number;

  constructor(row: Uint8Array) {
    assert(row[0] === version, 'a uid block of a known version');
    this.#row = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
    this.#mask = row[2]!;
    this.exists = row.subarray(12, headBytes);
  }

  /** By the flag's bit; undefined where no message has it. */
  flag(bit: number): Uint8Array | undefined {
    if ((this.#mask & (1 << bit)) === 0) return undefined;
    const at = headBytes + bitCount(this.#mask & ((1 << bit) - 1)) * bitmapBytes;
    return this.#row.subarray(at, at + bitmapBytes);
  }

  /** Of a slot that exists. */
  documentAt(slot: number): number {
    return this.#row.readUInt32BE(this.#slotsAt() + slot * 4);
  }

  /** Of a slot that exists. */
  modseqAt(slot: number): number {
    const row = this.#row;
    const lowest = row.readUInt32BE(4) * 2 ** 32 + row.readUInt32BE(8);
    return lowest + row.readUInt32BE(this.#slotsAt() + (row[1]! + slot) * 4);
  }

  #slotsAt(): number {
    const keywordBytes = this.#row[3]! * (bitmapBytes + 2);
    return headBytes + bitCount(this.#mask) * bitmapBytes + keywordBytes;
  }
}

function bitCount(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Slots whose bit is set, ascending. */
export function* slotsOf(bits: Uint8Array): IterableIterator<number> {
  for (let i = 0; i < bitmapBytes; i++) {
    for (let byte = bits[i]!; byte !== 0; byte &= byte - 1) {
      yield i * 8 + 31 - Math.clz32(byte & -byte);
    }
  }
}
