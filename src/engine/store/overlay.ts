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
import type {
  EntryVisit,
  IndexChange,
  IndexEntry,
  IndexRange,
  ShardIndex,
} from '../../ports/shard-index.ts';
import { isBefore, isOver, Layer, OverlaidKeys, text } from './layer.ts';
import type { ShardReader } from './record.ts';

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
    if (isOver(this.#filling, name)) return this.#filling;
    const older = this.#committing;
    return older !== undefined && isOver(older, name) ? older : undefined;
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
      layers.length === 0 ||
      (layers.every(({ removed }) => removed.length === 0) &&
        new OverlaidKeys(layers, text(from), text(to), false).key === undefined);
    if (isBare) this.#index.each(from, to, visit);
    else for (const { key, value } of this.range({ from, to })) if (!visit(key, value)) return;
  }

  range(range: IndexRange): readonly IndexEntry[] {
    const layers = this.#layers().filter((layer) => layer.changeCount > 0);
    if (layers.length === 0) return this.#index.range(range);
    const from = text(range.from);
    const to = text(range.to);
    const isReverse = range.reverse === true;
    const over = new OverlaidKeys(layers, from, to, isReverse);
    const isBare = over.key === undefined && layers.every(({ removed }) => removed.length === 0);
    if (isBare) return this.#index.range(range);
    const limit = range.limit ?? Number.POSITIVE_INFINITY;
    const found: IndexEntry[] = [];
    if (limit === 0) return found;
    for (const entry of this.#indexed(range)) {
      const key = text(entry.key);
      while (over.key !== undefined && isBefore(over.key, key, isReverse)) {
        over.take(found);
        if (found.length === limit) return found;
      }
      if (over.key === key) over.take(found);
      else if (!layers.some((layer) => layer.hides(key))) found.push(entry);
      if (found.length === limit) return found;
    }
    while (over.key !== undefined && found.length < limit) over.take(found);
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

  #layers(): Layer[] {
    return this.#committing === undefined ? [this.#filling] : [this.#filling, this.#committing];
  }
}
