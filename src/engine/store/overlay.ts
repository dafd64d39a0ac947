/**
 * Index changes that are journaled but not yet in the index: reads see the index through them.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    `changeCount` is what `overlayChangesMax` bounds; the shard waits there (shard.ts). `missingMax` names.
 * Invariant: two layers at most: one being committed, one filling. A key's newest change wins; a
 *            layer's range removals lie under its keys.
 */

import { Buffer } from 'node:buffer';
import { assert } from '../../base/assert.ts';
import { view } from '../../base/bytes.ts';
import type {
  EntryVisit,
  IndexChange,
  IndexEntry,
  IndexRange,
  ShardIndex,
} from '../../ports/shard-index.ts';
import type { ShardReader } from './record.ts';
import { compareKeys, SortedKeys } from './sorted-keys.ts';

interface RemovedRange {
  readonly from: string;
  readonly to: string;
  readonly change: IndexChange;
}

/** The first byte of a key. */
function tableOf(key: string): number {
  return key.charCodeAt(0);
}

/** Keys as Latin-1 text: compared by code unit, they sort as their bytes do. */
class Layer {
  readonly removed: RemovedRange[] = [];
  /** `undefined` is a removal. */
  readonly values = new Map<string, Uint8Array | undefined>();
  /** By table, of those that a range was read of: sorting all anew after each change would cost more. */
  readonly #sorted = new Map<number, SortedKeys>();

  get changeCount(): number {
    return this.removed.length + this.values.size;
  }

  add(change: IndexChange): void {
    if ('put' in change) {
      this.#set(text(change.put), change.value);
    } else if ('remove' in change) {
      this.#set(text(change.remove), undefined);
    } else {
      const from = text(change.removeFrom);
      const to = text(change.to);
      for (const key of this.values.keys()) if (key >= from && key < to) this.values.delete(key);
      this.#sorted.clear();
      this.removed.push({ from, to, change });
    }
  }

  hides(key: string): boolean {
    for (const range of this.removed) if (key >= range.from && key < range.to) return true;
    return false;
  }

  /** Keys among which all of a range are, ascending. */
  sortedKeys(from: string, to: string): readonly string[] {
    const table = tableOf(from);
    // A range over several tables is an operator's: nothing is kept for the next one.
    if (!(to <= String.fromCharCode(table + 1))) return [...this.values.keys()].sort(compareKeys);
    let keys = this.#sorted.get(table);
    if (keys === undefined) {
      keys = new SortedKeys();
      for (const key of this.values.keys()) if (tableOf(key) === table) keys.add(key);
      this.#sorted.set(table, keys);
    }
    return keys.all();
  }

  changes(): IndexChange[] {
    const changes = this.removed.map((range) => range.change);
    for (const [key, value] of this.values) {
      const bytes = Buffer.from(key, 'latin1');
      changes.push(value === undefined ? { remove: bytes } : { put: bytes, value });
    }
    return changes;
  }

  #set(key: string, value: Uint8Array | undefined): void {
    if (this.#sorted.size > 0 && !this.values.has(key)) this.#sorted.get(tableOf(key))?.add(key);
    this.values.set(key, value);
  }
}

/** Names of rows that the index has not, remembered: a delivery asks twice whether a Message-ID is known. */
const missingMax = 1_024;

/** Entries read beyond those asked for: some may be hidden by a layer. */
const pageSpareCount = 8;

export class Overlay implements ShardReader {
  readonly #index: ShardIndex;
  readonly #onAdded: ((changes: readonly IndexChange[]) => void) | undefined;
  #filling = new Layer();
  #committing: Layer | undefined;
  /** Keys the index was asked for in vain since its last commit; whatever came since is in a layer. */
  readonly #missing = new Set<string>();

  constructor(index: ShardIndex, onAdded?: (changes: readonly IndexChange[]) => void) {
    this.#index = index;
    this.#onAdded = onAdded;
  }

  get changeCount(): number {
    return this.#filling.changeCount + (this.#committing?.changeCount ?? 0);
  }

  /** Changes that no commit has taken yet. */
  get fillingCount(): number {
    return this.#filling.changeCount;
  }

  /** Keeps the value's bytes: the caller does not change them afterwards. */
  add(changes: readonly IndexChange[]): void {
    for (const change of changes) this.#filling.add(change);
    this.#onAdded?.(changes);
  }

  /** What to commit next: the same again after a failure, until `committed` is called. */
  take(): readonly IndexChange[] {
    if (this.#committing === undefined) {
      this.#committing = this.#filling;
      this.#filling = new Layer();
    }
    return this.#committing.changes();
  }

  committed(): void {
    assert(this.#committing !== undefined, 'nothing was being committed');
    this.#committing = undefined;
    this.#missing.clear();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.changeCount === 0) return this.#index.get(key);
    const name = text(key);
    const over = this.#overlaying(name);
    return over === undefined ? this.#lookUp(key, name) : over.values.get(name);
  }

  /** As `get`; the bytes are only good until the next read. */
  peek(key: Uint8Array): Uint8Array | undefined {
    if (this.changeCount === 0) return this.#index.peek(key);
    const name = text(key);
    const over = this.#overlaying(name);
    return over === undefined ? this.#index.peek(key) : over.values.get(name);
  }

  /** The layer that decides on a key: it has its value, or removed it. */
  #overlaying(name: string): Layer | undefined {
    if (this.#filling.values.has(name) || this.#filling.hides(name)) return this.#filling;
    const older = this.#committing;
    if (older === undefined) return undefined;
    return older.values.has(name) || older.hides(name) ? older : undefined;
  }

  #lookUp(key: Uint8Array, name: string): Uint8Array | undefined {
    if (this.#missing.has(name)) return undefined;
    const value = this.#index.get(key);
    if (value === undefined) {
      if (this.#missing.size >= missingMax) this.#missing.clear();
      this.#missing.add(name);
    }
    return value;
  }

  /** As `range`; the bytes are only good until `visit` returns or reads. */
  each(from: Uint8Array, to: Uint8Array, visit: EntryVisit): void {
    const layers = this.#layers().filter((layer) => layer.changeCount > 0);
    const isBare =
      layers.every(({ removed }) => removed.length === 0) &&
      (layers.length === 0 || this.#overlaid(layers, text(from), text(to)).length === 0);
    if (isBare) this.#index.each(from, to, visit);
    else for (const { key, value } of this.range({ from, to })) if (!visit(key, value)) return;
  }

  range(range: IndexRange): readonly IndexEntry[] {
    const layers = this.#layers().filter((layer) => layer.changeCount > 0);
    if (layers.length === 0) return this.#index.range(range);
    const from = text(range.from);
    const to = text(range.to);
    const over = this.#overlaid(layers, from, to);
    const isBare = over.length === 0 && layers.every(({ removed }) => removed.length === 0);
    if (isBare) return this.#index.range(range);
    const isReverse = range.reverse === true;
    if (isReverse) over.reverse();
    const limit = range.limit ?? Number.POSITIVE_INFINITY;
    const found: IndexEntry[] = [];
    let next = 0;
    for (const entry of this.#indexed(range)) {
      const key = text(entry.key);
      while (next < over.length && isBefore(over[next]![0], key, isReverse)) {
        push(found, over[next++]!);
      }
      if (next < over.length && over[next]![0] === key) push(found, over[next++]!);
      else if (!layers.some((layer) => layer.hides(key))) found.push(entry);
      if (found.length >= limit) return found.slice(0, limit);
    }
    while (next < over.length && found.length < limit) push(found, over[next++]!);
    return found;
  }

  /** Index entries in pages that grow: with a limit, most calls need only the first. */
  *#indexed(range: IndexRange): Iterable<IndexEntry> {
    if (range.limit === undefined) {
      yield* this.#index.range(range);
      return;
    }
    let limit = range.limit + pageSpareCount;
    let page = this.#index.range({ ...range, limit });
    for (;;) {
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < limit) return;
      limit *= 2;
      page = this.#index.range(
        range.reverse === true
          ? { ...range, limit, to: last.key }
          : { ...range, limit, from: Buffer.concat([last.key, Buffer.of(0)]) },
      );
    }
  }

  /** Keys changed in the range with their newest value, ascending. */
  #overlaid(
    layers: readonly Layer[],
    from: string,
    to: string,
  ): [string, Uint8Array | undefined][] {
    const [newest, older] = layers;
    const over = slice(newest!, from, to);
    if (older === undefined) return over;
    for (const entry of slice(older, from, to)) {
      if (!newest!.values.has(entry[0]) && !newest!.hides(entry[0])) over.push(entry);
    }
    return over.sort((a, b) => compareKeys(a[0], b[0]));
  }

  #layers(): Layer[] {
    return this.#committing === undefined ? [this.#filling] : [this.#filling, this.#committing];
  }
}

function slice(layer: Layer, from: string, to: string): [string, Uint8Array | undefined][] {
  const keys = layer.sortedKeys(from, to);
  const found: [string, Uint8Array | undefined][] = [];
  for (let i = firstAtOrAfter(keys, from); i < keys.length && keys[i]! < to; i++) {
    found.push([keys[i]!, layer.values.get(keys[i]!)]);
  }
  return found;
}

function firstAtOrAfter(keys: readonly string[], from: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

function push(found: IndexEntry[], [key, value]: [string, Uint8Array | undefined]): void {
  if (value !== undefined) found.push({ key: Buffer.from(key, 'latin1'), value });
}

function isBefore(key: string, other: string, isReverse: boolean): boolean {
  return isReverse ? key > other : key < other;
}

function text(key: Uint8Array): string {
  return view(key).toString('latin1');
}
