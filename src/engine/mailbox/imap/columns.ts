/**
 * What searches and sorts were told of messages, kept by mailbox and block: dates and sizes, and texts as they compare.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Limits:    one column of a mailbox takes `columnBytesMax` of the memory that all shards of the thread share; one that
 *            would take more keeps what came first.
 * Invariant: a column that is forgotten is made again: keeping it or not is the same.
 */

import { mebibyte } from '../../../base/units.ts';
import type { DerivedMemory } from '../derived-memory.ts';
import type { Place } from './messages.ts';

const columnBytesMax = 64 * mebibyte;
/** Of a column with few blocks, about. */
const overheadBytes = 400;

interface Block {
  /** Of memory held. */
  readonly bytes: number;
}

/** One column of a mailbox, block by block. */
export class MailboxColumn<Kind extends Block> {
  readonly key: string;
  readonly blocks = new Map<number, Kind>();
  bytes = overheadBytes;
  isKept = false;
  /** It was kept once. Who has it may read on in it. */
  isForgotten = false;
  /** The memory took its room back. */
  forget: () => void = () => {};

  constructor(key: string) {
    this.key = key;
  }
}

export class Columns {
  readonly #memory: DerivedMemory;
  readonly #bytesMax: number;
  readonly #kept = new Map<string, MailboxColumn<Block>>();
  #isClosed = false;

  constructor(memory: DerivedMemory, bytesMax = columnBytesMax) {
    this.#memory = memory;
    this.#bytesMax = bytesMax;
  }

  /** What is kept of a column. Each name stands for blocks of one kind. */
  of<Kind extends Block>({ account, mailbox }: Place, name: string): MailboxColumn<Kind> {
    const key = `${account} ${mailbox} ${name}`;
    const kept = this.#kept.get(key);
    if (kept === undefined) return new MailboxColumn<Kind>(key);
    this.#memory.used(kept);
    return kept as MailboxColumn<Kind>;
  }

  /** Keeps a block, in place of what was there, as far as there is room. */
  keep<Kind extends Block>(column: MailboxColumn<Kind>, number: number, block: Kind): void {
    const before = column.blocks.get(number)?.bytes ?? 0;
    const bytes = column.bytes + block.bytes - before;
    if (bytes > this.#bytesMax || !this.#begin(column as unknown as MailboxColumn<Block>)) return;
    this.#memory.remove(column);
    column.blocks.set(number, block);
    column.bytes = bytes;
    if (!this.#memory.add(column)) column.forget();
  }

  /** The shard goes: nothing is kept any more, whatever still runs. */
  close(): void {
    this.#isClosed = true;
    for (const column of this.#kept.values()) {
      this.#memory.remove(column);
      column.forget();
    }
  }

  /** False: it was forgotten, or somebody else has begun the same. */
  #begin(column: MailboxColumn<Block>): boolean {
    if (column.isKept) return true;
    if (this.#isClosed || column.isForgotten || this.#kept.has(column.key)) return false;
    column.isKept = true;
    column.forget = () => {
      column.isKept = false;
      column.isForgotten = true;
      this.#kept.delete(column.key);
    };
    this.#kept.set(column.key, column);
    return true;
  }
}
