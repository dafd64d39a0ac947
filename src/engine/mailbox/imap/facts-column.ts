/**
 * When a block's messages came, how large they are, and their conversations: columns of numbers.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Limits:    24 bytes a slot.
 * Invariant: none of it ever changes for a message. A message that is gone has 0 for all of it.
 */

import { tables, uidBlockSlots } from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { documentFacts } from '../rows/document-row.ts';
import { DocumentRows } from '../rows/document-rows.ts';
import { RowCursor } from '../rows/row-cursor.ts';
import type { Columns, MailboxColumn } from './columns.ts';
import type { Place } from './messages.ts';
import { blockBytes } from './view.ts';

const overheadBytes = 300;

export class FactsColumn {
  /** Slots whose messages were looked at. */
  readonly covered = new Uint8Array(blockBytes);
  readonly #values = new Float64Array(3 * uidBlockSlots);

  /** Of memory held. */
  get bytes(): number {
    return overheadBytes + this.#values.byteLength;
  }

  set(slot: number, internalMs: number, size: number, thread: number): void {
    this.#values[slot] = internalMs;
    this.#values[uidBlockSlots + slot] = size;
    this.#values[2 * uidBlockSlots + slot] = thread;
    this.covered[slot >> 3]! |= 1 << (slot & 7);
  }

  internalMs(slot: number): number {
    return this.#values[slot]!;
  }

  size(slot: number): number {
    return this.#values[uidBlockSlots + slot]!;
  }

  thread(slot: number): number {
    return this.#values[2 * uidBlockSlots + slot]!;
  }
}

/** Facts of one mailbox's messages: of a kept column, or of their rows. */
export class Facts {
  readonly #columns: Columns;
  readonly #column: MailboxColumn<FactsColumn>;
  readonly #rows: DocumentRows;
  readonly #cursor = new RowCursor();

  constructor(shard: MailboxShard, columns: Columns, place: Place) {
    this.#columns = columns;
    this.#column = columns.of(place, 'facts');
    this.#rows = new DocumentRows(shard, place.account);
  }

  block(number: number): FactsColumn {
    const kept = this.#column.blocks.get(number);
    if (kept !== undefined) return kept;
    const made = new FactsColumn();
    this.#columns.keep(this.#column, number, made);
    return made;
  }

  /** Looks at the messages of slots; `documents` are theirs. */
  cover(block: FactsColumn, slots: readonly number[], documents: readonly number[]): void {
    this.#rows.each(tables.document, documents, 0, slots.length, (at, row) => {
      if (row === undefined) block.set(slots[at]!, 0, 0, 0);
      else {
        const { internalMs, size, thread } = documentFacts(row, this.#cursor);
        block.set(slots[at]!, internalMs, size, thread);
      }
      return true;
    });
  }
}
