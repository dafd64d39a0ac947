/**
 * One layer of changes over the index, and a walk over the keys that two of them changed in a range.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Invariant: a key's newest change wins; a layer's range removals lie under its keys. Keys are Latin-1 text: compared
 *            by code unit, they sort as their bytes do.
 */

import { Buffer } from 'node:buffer';
import { view } from '../../base/bytes.ts';
import type { IndexChange, IndexEntry } from '../../ports/shard-index.ts';
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

export class Layer {
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

/** A layer's keys in a range, one after the other; those outside are never looked at. */
class LayerKeys {
  readonly layer: Layer;
  readonly #keys: readonly string[];
  readonly #step: number;
  readonly #end: number;
  #at: number;
  key: string | undefined;

  constructor(layer: Layer, from: string, to: string, isReverse: boolean) {
    this.layer = layer;
    this.#keys = layer.sortedKeys(from, to);
    const first = firstAtOrAfter(this.#keys, from);
    const end = Math.max(first, firstAtOrAfter(this.#keys, to));
    this.#step = isReverse ? -1 : 1;
    this.#at = isReverse ? end - 1 : first;
    this.#end = isReverse ? first - 1 : end;
    this.key = this.#at === this.#end ? undefined : this.#keys[this.#at];
  }

  next(): void {
    this.#at += this.#step;
    this.key = this.#at === this.#end ? undefined : this.#keys[this.#at];
  }
}

/**
 * Keys changed in a range, in its order, with their newest value. Found one by one: who wants the first entry of a
 * long range does not pay for all changes in it.
 */
export class OverlaidKeys {
  readonly #newest: LayerKeys;
  readonly #older: LayerKeys | undefined;
  readonly #isReverse: boolean;
  #current: LayerKeys;
  /** The next one; undefined behind the last. */
  key: string | undefined;

  constructor([newest, older]: readonly Layer[], from: string, to: string, isReverse: boolean) {
    this.#newest = new LayerKeys(newest!, from, to, isReverse);
    this.#older = older === undefined ? undefined : new LayerKeys(older, from, to, isReverse);
    this.#isReverse = isReverse;
    this.#current = this.#newest;
    this.#choose();
  }

  /** Adds the entry under `key`, unless it was removed, and goes on to the next key. */
  take(found: IndexEntry[]): void {
    const key = this.key!;
    const value = this.#current.layer.values.get(key);
    if (value !== undefined) found.push({ key: Buffer.from(key, 'latin1'), value });
    this.#current.next();
    this.#choose();
  }

  #choose(): void {
    const newest = this.#newest;
    const older = this.#older;
    while (older?.key !== undefined && isOver(newest.layer, older.key)) older.next();
    const isOlderNext =
      older?.key !== undefined &&
      (newest.key === undefined || isBefore(older.key, newest.key, this.#isReverse));
    this.#current = isOlderNext ? older! : newest;
    this.key = this.#current.key;
  }
}

/** The layer decides on the key: it has its value, or removed it. */
export function isOver(layer: Layer, key: string): boolean {
  return layer.values.has(key) || layer.hides(key);
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

export function isBefore(key: string, other: string, isReverse: boolean): boolean {
  return isReverse ? key > other : key < other;
}

export function text(key: Uint8Array): string {
  return view(key).toString('latin1');
}
