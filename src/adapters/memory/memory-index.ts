/**
 * The shard index as sorted arrays in memory: for tests, simulations and as the model of the LMDB one.
 *
 * Runs in:   any thread. Nothing outlives the process.
 * Limits:    a chunk has at most `chunkCountMax` entries, so that a change of a large table moves few of them.
 * Invariant: keys are sorted by unsigned bytes, within a chunk and from one to the next; no chunk is empty.
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

/** Entries that stand together; values run beside their keys. */
interface Chunk {
  readonly keys: Buffer[];
  readonly values: Uint8Array[];
}

const chunkCountMax = 512;

export class MemoryIndex implements ShardIndex {
  #chunks: Chunk[] = [];
  #scratch = new Uint8Array(2_048);

  get(key: Uint8Array): Uint8Array | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)];
    if (chunk === undefined) return undefined;
    const at = placeOf(chunk, key);
    return isAt(chunk, at, key) ? chunk.values[at]!.slice() : undefined;
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
    const limit = range.limit ?? Number.POSITIVE_INFINITY;
    return range.reverse === true ? this.#backward(range, limit) : this.#forward(range, limit);
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
    this.#chunks = [];
  }

  async close(): Promise<void> {}

  /** Everything in it, in order: what tests compare tables by. */
  entries(): readonly IndexEntry[] {
    return this.#chunks.flatMap(({ keys, values }) =>
      keys.map((key, i) => ({ key, value: values[i]! })),
    );
  }

  /** A table with the same entries: a committed state to put back later. */
  copy(): MemoryIndex {
    const twin = new MemoryIndex();
    twin.#chunks = this.#chunks.map(({ keys, values }) => ({
      keys: [...keys],
      values: [...values],
    }));
    return twin;
  }

  #forward({ from, to }: IndexRange, limit: number): IndexEntry[] {
    const entries: IndexEntry[] = [];
    let number = this.#chunkOf(from);
    let at = number < this.#chunks.length ? placeOf(this.#chunks[number]!, from) : 0;
    for (; number < this.#chunks.length; number++, at = 0) {
      const chunk = this.#chunks[number]!;
      for (; at < chunk.keys.length; at++) {
        if (entries.length >= limit || chunk.keys[at]!.compare(to) >= 0) return entries;
        entries.push(entryAt(chunk, at));
      }
    }
    return entries;
  }

  #backward({ from, to }: IndexRange, limit: number): IndexEntry[] {
    const entries: IndexEntry[] = [];
    let number = this.#chunkOf(to);
    let at = number < this.#chunks.length ? placeOf(this.#chunks[number]!, to) - 1 : -1;
    for (;;) {
      const chunk = this.#chunks[number];
      for (; chunk !== undefined && at >= 0; at--) {
        if (entries.length >= limit || chunk.keys[at]!.compare(from) < 0) return entries;
        entries.push(entryAt(chunk, at));
      }
      number--;
      if (number < 0) return entries;
      at = this.#chunks[number]!.keys.length - 1;
    }
  }

  #apply(change: IndexChange): void {
    if ('put' in change) this.#put(change.put, new Uint8Array(change.value));
    else if ('remove' in change) this.#remove(change.remove);
    else this.#removeRange(change.removeFrom, change.to);
  }

  #put(key: Uint8Array, value: Uint8Array): void {
    if (this.#chunks.length === 0) {
      this.#chunks.push({ keys: [keptKey(key)], values: [value] });
      return;
    }
    const number = this.#chunkOf(key);
    const chunk = this.#chunks[number]!;
    const at = placeOf(chunk, key);
    if (isAt(chunk, at, key)) {
      chunk.values[at] = value;
      return;
    }
    chunk.keys.splice(at, 0, keptKey(key));
    chunk.values.splice(at, 0, value);
    if (chunk.keys.length <= chunkCountMax) return;
    const half = chunkCountMax >>> 1;
    const rest = { keys: chunk.keys.splice(half), values: chunk.values.splice(half) };
    this.#chunks.splice(number + 1, 0, rest);
  }

  #remove(key: Uint8Array): void {
    const number = this.#chunkOf(key);
    const chunk = this.#chunks[number];
    if (chunk === undefined) return;
    const at = placeOf(chunk, key);
    if (isAt(chunk, at, key)) this.#cut(number, at, at + 1);
  }

  #removeRange(from: Uint8Array, to: Uint8Array): void {
    let number = this.#chunkOf(from);
    while (number < this.#chunks.length) {
      const chunk = this.#chunks[number]!;
      const end = placeOf(chunk, to);
      const isLast = end < chunk.keys.length;
      if (!this.#cut(number, placeOf(chunk, from), end)) number++;
      if (isLast) return;
    }
  }

  /** True when nothing is left of the chunk, which is gone then. */
  #cut(number: number, from: number, end: number): boolean {
    const { keys, values } = this.#chunks[number]!;
    if (end > from) {
      keys.splice(from, end - from);
      values.splice(from, end - from);
    }
    if (keys.length > 0) return false;
    this.#chunks.splice(number, 1);
    return true;
  }

  /** The last chunk that begins with `key` or before it; the first one where none does. */
  #chunkOf(key: Uint8Array): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]!.keys[0]!.compare(key) <= 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** Not of Node's pool: a key would keep all of its 8 KiB. */
function keptKey(key: Uint8Array): Buffer {
  const kept = Buffer.allocUnsafeSlow(key.byteLength);
  kept.set(key);
  return kept;
}

function entryAt({ keys, values }: Chunk, at: number): IndexEntry {
  return { key: new Uint8Array(keys[at]!), value: new Uint8Array(values[at]!) };
}

function isAt({ keys }: Chunk, at: number, key: Uint8Array): boolean {
  return keys[at]?.equals(key) === true;
}

/** Where `key` is, or would go. */
function placeOf({ keys }: Chunk, key: Uint8Array): number {
  let low = 0;
  let high = keys.length;
  // Rows mostly arrive in order: the end is tried first.
  if (high > 0 && keys[high - 1]!.compare(key) < 0) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]!.compare(key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
