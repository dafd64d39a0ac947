/**
 * Messages of a set with their documents, and quick questions whether a message is of a set.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 */

import { uidBlockKey, uidBlockShift, uidBlockSlots } from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { BlockColumns, slotsOf } from './block-columns.ts';
import type { Place } from './messages.ts';
import type { Slices } from './slices.ts';
import { blockBytes, type View } from './view.ts';

/** Ascending by UID. Messages that are gone are left out. */
export interface Members {
  readonly uids: Uint32Array;
  readonly documents: Uint32Array;
}

/** Those of `set` from UID `from` up. */
export async function membersOf(
  shard: MailboxShard,
  { account, mailbox }: Place,
  set: View,
  slices: Slices,
  from = 0,
): Promise<Members> {
  const uids = new Uint32Array(set.count);
  const documents = new Uint32Array(set.count);
  let count = 0;
  for (let i = 0; i < set.blocks.length; i++) {
    const number = set.blocks[i]!;
    const base = number * uidBlockSlots;
    if (base + uidBlockSlots <= from) continue;
    const row = shard.peek(uidBlockKey(account, mailbox, number));
    if (row === undefined) continue;
    const block = new BlockColumns(row);
    for (const slot of slotsOf(set.bits.subarray(i * blockBytes, (i + 1) * blockBytes))) {
      if (base + slot < from || (block.exists[slot >> 3]! & (1 << (slot & 7))) === 0) continue;
      uids[count] = base + slot;
      documents[count++] = block.documentAt(slot);
    }
    if (slices.isOver) await slices.next();
  }
  return { uids: uids.subarray(0, count), documents: documents.subarray(0, count) };
}

/** The document of a UID, or 0. */
export function documentOf(
  shard: Pick<MailboxShard, 'peek'>,
  { account, mailbox }: Place,
  uid: number,
): number {
  const row = shard.peek(uidBlockKey(account, mailbox, uid >>> uidBlockShift));
  if (row === undefined) return 0;
  const block = new BlockColumns(row);
  const slot = uid & (uidBlockSlots - 1);
  return (block.exists[slot >> 3]! & (1 << (slot & 7))) === 0 ? 0 : block.documentAt(slot);
}

/** Whether UIDs are of a set: for many of them. */
export class Membership {
  readonly #set: View;
  readonly #first: number;
  /** Blocks follow each other without a gap. */
  readonly #isDense: boolean;

  constructor(set: View) {
    const { blocks } = set;
    this.#set = set;
    this.#first = blocks[0] ?? 0;
    this.#isDense = blocks.length > 0 && blocks.at(-1)! - this.#first === blocks.length - 1;
  }

  has(uid: number): boolean {
    if (!this.#isDense) return this.#set.sequenceOf(uid) > 0;
    const at = (uid >>> uidBlockShift) - this.#first;
    if (at < 0) return false;
    const slot = uid & (uidBlockSlots - 1);
    return ((this.#set.bits[at * blockBytes + (slot >> 3)] ?? 0) & (1 << (slot & 7))) !== 0;
  }
}
