/**
 * When a block's messages came, how large they are, and their conversations: columns of numbers.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Limits:    24 bytes a slot.
 * Invariant: none of it ever changes for a message. A message that is gone has 0 for all of it.
 */

import { uidBlockSlots } from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { Columns, MailboxColumn } from './columns.ts';
import { MessageRows } from './message-rows.ts';
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
  readonly #rows: MessageRows;

  constructor(shard: MailboxShard, columns: Columns, place: Place) {
    this.#columns = columns;
    this.#column = columns.of(place, 'facts');
    this.#rows = new MessageRows(shard, place.account);
  }

  block(number: number): FactsColumn {
    const kept = this.#column.blocks.get(number);
    if (kept !== undefined) return kept;
    const made = new FactsColumn();
    this.#columns.keep(this.#column, number, made);
    return made;
  }

  /** Makes sure that the slot's message was looked at. */
  cover(block: FactsColumn, slot: number, document: number): void {
    if ((block.covered[slot >> 3]! & (1 << (slot & 7))) !== 0) return;
    const { internalMs, size, thread } = this.#rows.open(document);
    block.set(slot, internalMs, size, thread);
  }
}
