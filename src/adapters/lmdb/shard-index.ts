/**
 * The shard index in LMDB: one environment per shard, in the shard's `index` folder.
 *
 * Runs in:   the engine thread that owns the shard; no other thread or process writes to it.
 * Limits:    keys `keyBytesMax`, values `valueBytesMax`; address space `mapBytes`, which is not memory.
 * Invariant: the shard is at a committed state after the death of the process; after a power cut too, because
 *            commits are synced (decision 0020 has the figures). No read transaction outlives a call, but a
 *            snapshot's.
 */

import { Buffer } from 'node:buffer';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { assert } from '../../base/assert.ts';
import { gibibyte, mebibyte } from '../../base/units.ts';
import {
  type EntryVisit,
  type IndexChange,
  type IndexEntry,
  IndexError,
  type IndexRange,
  type IndexSnapshot,
  type ShardIndex,
} from '../../ports/shard-index.ts';
import { tableFault } from './file-check.ts';

const keyBytesMax = 1_978;
/** LMDB takes far more; the largest are queue rows, 0.6 kB a recipient at most. */
const valueBytesMax = 32 * mebibyte;
/** Address space reserved once: a later growth remaps and would stop readers. LMDB grows on past it if it must. */
const mapBytesDefault = 16 * gibibyte;

export interface LmdbTableOptions {
  /** A folder of its own; made where it is missing. */
  readonly path: string;
  readonly mapBytes?: number;
}

export interface LmdbShardIndexOptions extends LmdbTableOptions {
  /** Hears why what was there was thrown away. */
  readonly onDiscard?: (reason: string) => void;
}

/** Opens a shard's index. One that is damaged is thrown away: the shard makes it again from its journal. */
export function openLmdbShardIndex(options: LmdbShardIndexOptions): ShardIndex {
  const fault = tableFault(options.path);
  if (fault !== undefined) {
    options.onDiscard?.(fault);
    for (const name of ['data.mdb', 'lock.mdb']) rmSync(join(options.path, name), { force: true });
  }
  return openLmdbTable(options);
}

/** Opens a table that nothing can make again. @throws IndexError for one that is damaged. */
export function openLmdbTable(options: LmdbTableOptions): ShardIndex {
  const fault = tableFault(options.path);
  if (fault !== undefined) throw new IndexError(`${options.path}: ${fault}`);
  try {
    mkdirSync(options.path, { recursive: true, mode: 0o700 });
    return new LmdbShardIndex(
      open<Uint8Array, Uint8Array>({
        path: options.path,
        // A folder whose name has a dot would else be taken for a file.
        noSubdir: false,
        mapSize: options.mapBytes ?? mapBytesDefault,
        maxDbs: 1,
        keyEncoding: 'binary',
        encoding: 'binary',
        // With overlapping syncs `flushed` resolved before its own commit (lmdb-js 3.5.6: 980 of 4,770).
        overlappingSync: false,
        // Commits are batches already; a turn's batch adds a promise that no one holds when its commit fails.
        eventTurnBatching: false,
        // Without it a transaction callback overtakes puts made before it, or falls behind later ones.
        strictAsyncOrder: true,
      }),
    );
  } catch (error) {
    throw new IndexError(`cannot open ${options.path}: ${textOf(error)}`, { cause: error });
  }
}

/** Rows are mostly shorter. */
const viewedBytesMax = 4_096;

class LmdbShardIndex implements ShardIndex {
  readonly #table: RootDatabase<Uint8Array, Uint8Array>;
  /** LMDB's buffer, one for all reads until a value needs a larger one, and views of it by their length. */
  #shared: Uint8Array | undefined;
  #views: (Uint8Array | undefined)[] = [];

  /** The same table, read in order without a copy of each key and value. */
  readonly #walked: Database<Uint8Array, Uint8Array>;
  /** Where LMDB writes the key it came to, and views of it by their length. */
  #keyBytes: Uint8Array | undefined;
  #keys: (Uint8Array | undefined)[] = [];

  constructor(table: RootDatabase<Uint8Array, Uint8Array>) {
    this.#table = table;
    const readKey = (target: Uint8Array, start: number, end: number) => {
      if (target !== this.#keyBytes) {
        this.#keyBytes = target;
        this.#keys = [];
      }
      this.#keys[end - start] ??= target.subarray(start, end);
      return this.#keys[end - start]!;
    };
    const writeKey = (key: Uint8Array, target: Uint8Array, start: number) => {
      target.set(key, start);
      return start + key.byteLength;
    };
    const options = {
      encoding: 'binary' as const,
      keyEncoder: { writeKey, readKey },
      encoder: {
        encode: (value: Uint8Array) => value,
        decode: (bytes: Buffer) => this.#view(bytes),
      },
    };
    // `null` is the one table there is.
    this.#walked = table.openDB(null as unknown as string, options);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const bytes = this.peek(key);
    // Half the price of LMDB's own copy, which allocates outside V8's heap each time: a small Buffer has a pool.
    return bytes === undefined ? undefined : Buffer.from(bytes);
  }

  peek(key: Uint8Array): Uint8Array | undefined {
    try {
      const shared = this.#table.getBinaryFast(key) as Uint8Array | undefined;
      return shared === undefined ? undefined : this.#view(shared);
    } catch (error) {
      throw translated(error);
    }
  }

  /** `length` is of the value, where all else of the buffer is of itself. A view costs a tenth of the look-up. */
  #view(shared: Uint8Array): Uint8Array {
    if (shared !== this.#shared) {
      this.#shared = shared;
      this.#views = [];
    }
    const { length } = shared;
    if (length > viewedBytesMax) return shared.subarray(0, length);
    this.#views[length] ??= shared.subarray(0, length);
    return this.#views[length];
  }

  range(range: IndexRange): readonly IndexEntry[] {
    if (range.reverse === true) return entriesOf(this.#table.getRange(bounds(range)));
    const entries: IndexEntry[] = [];
    try {
      // As in `get`: LMDB's own copies are two buffers of their own each, which the collector sees late.
      for (const { key, value } of this.#walked.getRange(bounds(range))) {
        entries.push({ key: Buffer.from(key), value: Buffer.from(value) });
      }
    } catch (error) {
      throw translated(error);
    }
    return entries;
  }

  each(from: Uint8Array, to: Uint8Array, visit: EntryVisit): void {
    let isVisited = false;
    try {
      for (const { key, value } of this.#walked.getRange({ start: from, end: to })) {
        isVisited = true;
        if (!visit(key, value)) return;
        isVisited = false;
      }
    } catch (error) {
      throw isVisited ? error : translated(error);
    }
  }

  snapshot(): IndexSnapshot {
    const table = this.#table;
    const transaction = table.useReadTransaction();
    return {
      get: (key) => table.get(key, { transaction }),
      range: (range) => entriesOf(table.getRange({ ...bounds(range), transaction })),
      release: () => transaction.done(),
    };
  }

  async commit(changes: readonly IndexChange[]): Promise<void> {
    if (changes.length === 0) return;
    const hasRange = changes.some((change) => 'removeFrom' in change);
    const owned = copied(changes, hasRange);
    try {
      // What a range holds is known only inside the transaction, after the changes before it: that needs JS under
      // the write lock. The common commit has no range and stays off this thread.
      if (hasRange) await this.#table.transaction(() => this.#applyNow(owned));
      else await this.#table.batch(() => this.#enqueue(owned));
    } catch (error) {
      throw translated(error);
    }
  }

  async clear(): Promise<void> {
    try {
      await this.#table.clearAsync();
    } catch (error) {
      throw translated(error);
    }
  }

  async close(): Promise<void> {
    await this.#table.close();
  }

  #enqueue(changes: readonly IndexChange[]): void {
    for (const change of changes) {
      if ('put' in change) this.#table.put(change.put, change.value);
      else if ('remove' in change) this.#table.remove(change.remove);
    }
  }

  #applyNow(changes: readonly IndexChange[]): void {
    for (const change of changes) {
      if ('put' in change) this.#table.putSync(change.put, change.value);
      else if ('remove' in change) this.#table.removeSync(change.remove);
      else {
        const start = change.removeFrom;
        const keys = [...this.#table.getKeys({ start, end: change.to })];
        for (const key of keys) this.#table.removeSync(key);
      }
    }
  }
}

function entriesOf(found: Iterable<IndexEntry>): readonly IndexEntry[] {
  const entries: IndexEntry[] = [];
  try {
    for (const { key, value } of found) entries.push({ key, value });
  } catch (error) {
    throw translated(error);
  }
  return entries;
}

function bounds(range: IndexRange) {
  const { from, to, limit } = range;
  const limited = limit === undefined ? {} : { limit };
  return range.reverse === true
    ? { start: to, end: from, reverse: true, exclusiveStart: true, inclusiveEnd: true, ...limited }
    : { start: from, end: to, ...limited };
}

/**
 * LMDB's writer thread reads values by address until the commit: all of them are copied into one slab. Keys are
 * copied by LMDB when they are enqueued, and by us (`withKeys`) where that happens later.
 */
function copied(changes: readonly IndexChange[], withKeys: boolean): readonly IndexChange[] {
  let slabBytes = 0;
  for (const change of changes) {
    if (!('put' in change)) continue;
    const keyBytes = change.put.byteLength;
    assert(keyBytes >= 1 && keyBytes <= keyBytesMax, 'index key within its limit');
    assert(change.value.byteLength <= valueBytesMax, 'index value within its limit');
    slabBytes += change.value.byteLength;
  }
  const slab = new Uint8Array(slabBytes);
  let offset = 0;
  return changes.map((change) => {
    if ('remove' in change) return withKeys ? { remove: ownBytes(change.remove) } : change;
    if ('removeFrom' in change) {
      return { removeFrom: ownBytes(change.removeFrom), to: ownBytes(change.to) };
    }
    const value = slab.subarray(offset, offset + change.value.byteLength);
    value.set(change.value);
    offset += change.value.byteLength;
    return { put: withKeys ? ownBytes(change.put) : change.put, value };
  });
}

/** Not `slice`: on a Buffer that shares memory. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function translated(error: unknown): IndexError {
  // lmdb-js gives the cause as a second, rejected promise, which nobody else would handle.
  const cause = (error as { commitError?: Promise<never> }).commitError;
  cause?.catch(() => {});
  return new IndexError(textOf(error), { cause: error });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
