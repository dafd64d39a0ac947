/**
 * An index that can be put back to any copy it ever committed: what a power cut may do to one that
 * is not durable.
 */

import { MemoryIndex } from '../../src/adapters/memory/memory-index.ts';
import {
  type EntryVisit,
  type IndexChange,
  type IndexEntry,
  IndexError,
  type IndexRange,
  type IndexSnapshot,
  type ShardIndex,
} from '../../src/ports/shard-index.ts';

export class RewindableIndex implements ShardIndex {
  readonly #now = new MemoryIndex();
  /** All commits since the table was empty. */
  #history: (readonly IndexChange[])[] = [];
  /** Asked before each commit: true makes it fail. */
  fails: () => boolean = () => false;

  get commitCount(): number {
    return this.#history.length;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#now.get(key);
  }

  peek(key: Uint8Array): Uint8Array | undefined {
    return this.#now.peek(key);
  }

  range(range: IndexRange): readonly IndexEntry[] {
    return this.#now.range(range);
  }

  each(from: Uint8Array, to: Uint8Array, visit: EntryVisit): void {
    this.#now.each(from, to, visit);
  }

  snapshot(): IndexSnapshot {
    return this.#now.snapshot();
  }

  async commit(changes: readonly IndexChange[]): Promise<void> {
    await null;
    if (this.fails()) throw new IndexError('planned');
    this.#history.push(changes.map(copy));
    await this.#now.commit(changes);
  }

  async clear(): Promise<void> {
    this.#history = [];
    await this.#now.clear();
  }

  async close(): Promise<void> {}

  /** The table as it was after so many commits. */
  async copyAt(commitCount: number): Promise<RewindableIndex> {
    const copied = new RewindableIndex();
    for (const changes of this.#history.slice(0, commitCount)) await copied.commit(changes);
    return copied;
  }
}

function copy(change: IndexChange): IndexChange {
  if ('put' in change) return { put: change.put.slice(), value: change.value.slice() };
  if ('remove' in change) return { remove: change.remove.slice() };
  return { removeFrom: change.removeFrom.slice(), to: change.to.slice() };
}

/** Every row but the store's own, as text to compare. */
export function tableText(index: ShardIndex): string {
  const rows = index.range({ from: Uint8Array.of(0x20), to: Uint8Array.of(0xff) });
  return rows
    .map(
      ({ key, value }) =>
        `${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`,
    )
    .join('\n');
}
