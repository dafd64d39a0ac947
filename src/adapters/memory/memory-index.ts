/**
 * The shard index as a sorted array in memory: for tests, simulations and as the model of the LMDB one.
 *
 * Runs in:   any thread. Nothing outlives the process.
 * Invariant: `#keys` is sorted by unsigned bytes; `#values` runs beside it.
 */

import { Buffer } from 'node:buffer';
import { assert } from '../../base/assert.ts';
import { mebibyte } from '../../base/units.ts';
import type {
  EntryVisit,
  IndexChange,
  IndexEntry,
  IndexRange,
  IndexSnapshot,
  ShardIndex,
} from '../../ports/shard-index.ts';

const keyBytesMax = 1_978;
const valueBytesMax = 32 * mebibyte;

export class MemoryIndex implements ShardIndex {
  #keys: Buffer[] = [];
  #values: Uint8Array[] = [];
  #scratch = new Uint8Array(2_048);

  get(key: Uint8Array): Uint8Array | undefined {
    const place = this.#placeOf(key);
    return this.#isAt(place, key) ? this.#values[place]?.slice() : undefined;
  }

  /** Into one buffer that the next read writes over, as LMDB does: who keeps it is found out by tests. */
  peek(key: Uint8Array): Uint8Array | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (value.byteLength > this.#scratch.byteLength)
      this.#scratch = new Uint8Array(value.byteLength);
    this.#scratch.fill(0xff);
    this.#scratch.set(value);
    return this.#scratch.subarray(0, value.byteLength);
  }

  range(range: IndexRange): readonly IndexEntry[] {
    const first = this.#placeOf(range.from);
    const end = Math.max(first, this.#placeOf(range.to));
    const count = Math.min(end - first, range.limit ?? Number.POSITIVE_INFINITY);
    const entries: IndexEntry[] = [];
    for (let i = 0; i < count; i++) {
      const place = range.reverse === true ? end - 1 - i : first + i;
      entries.push({
        key: Uint8Array.from(this.#keys[place]!),
        value: Uint8Array.from(this.#values[place]!),
      });
    }
    return entries;
  }

  each(from: Uint8Array, to: Uint8Array, visit: EntryVisit): void {
    for (const { key } of this.range({ from, to })) {
      const value = this.peek(key);
      if (value !== undefined && !visit(key, value)) return;
    }
  }

  snapshot(): IndexSnapshot {
    const twin = this.copy();
    return {
      get: (key) => twin.get(key),
      range: (range) => twin.range(range),
      release: () => {},
    };
  }

  async commit(changes: readonly IndexChange[]): Promise<void> {
    for (const change of changes) {
      if (!('put' in change)) continue;
      assert(
        change.put.byteLength >= 1 && change.put.byteLength <= keyBytesMax,
        'index key within its limit',
      );
      assert(change.value.byteLength <= valueBytesMax, 'index value within its limit');
    }
    for (const change of changes) this.#apply(change);
  }

  async clear(): Promise<void> {
    this.#keys = [];
    this.#values = [];
  }

  async close(): Promise<void> {}

  /** Everything in it, in order: what tests compare tables by. */
  entries(): readonly IndexEntry[] {
    return this.#keys.map((key, i) => ({ key, value: this.#values[i]! }));
  }

  /** A table with the same entries: a committed state to put back later. */
  copy(): MemoryIndex {
    const twin = new MemoryIndex();
    twin.#keys = [...this.#keys];
    twin.#values = [...this.#values];
    return twin;
  }

  #apply(change: IndexChange): void {
    if ('put' in change) {
      const place = this.#placeOf(change.put);
      const value = Uint8Array.from(change.value);
      if (this.#isAt(place, change.put)) this.#values[place] = value;
      else {
        this.#keys.splice(place, 0, Buffer.from(change.put));
        this.#values.splice(place, 0, value);
      }
      return;
    }
    const isRange = 'removeFrom' in change;
    const first = this.#placeOf(isRange ? change.removeFrom : change.remove);
    const end = isRange
      ? this.#placeOf(change.to)
      : first + (this.#isAt(first, change.remove) ? 1 : 0);
    if (end <= first) return;
    this.#keys.splice(first, end - first);
    this.#values.splice(first, end - first);
  }

  #isAt(place: number, key: Uint8Array): boolean {
    return this.#keys[place]?.equals(key) === true;
  }

  /** Where `key` is, or would go. */
  #placeOf(key: Uint8Array): number {
    let low = 0;
    let high = this.#keys.length;
    // Rows mostly arrive in order: the end is tried first.
    if (high > 0 && this.#keys[high - 1]!.compare(key) < 0) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]!.compare(key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
