/**
 * Messages of a mailbox by UID, block by block, and sets of them as a client names them.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Specs:     RFC 9051 §9 (sequence-set: `*` is the last message, ends may come in either order).
 */

import type { PackedSet } from '../../../actors/asks/imap-asks.ts';
import { MailError } from '../../../base/errors.ts';
import { cutRanges, largestOf, normaliseSet, star } from '../../../mail/wire/imap/sequence-set.ts';
import { lastU32, uidBlockRange, uidBlockShift, uidBlockSlots } from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { decodeUidBlock, type UidBlock } from '../rows/uid-block.ts';
import type { IdRanges } from '../rows/uid-ranges.ts';
import type { View } from './view.ts';

/** Blocks read at a time. */
const pageBlocks = 16;

export interface Place {
  readonly account: number;
  readonly mailbox: number;
}

/** Existing messages within the ranges, ascending; one object for all, changed between the steps. */
export interface MessageSlot {
  uid: number;
  slot: number;
  block: UidBlock;
}

export function* messagesIn(
  shard: Pick<MailboxShard, 'range'>,
  place: Place,
  ranges: IdRanges,
): IterableIterator<MessageSlot> {
  const current: MessageSlot = { uid: 0, slot: 0, block: decodeUidBlock(undefined) };
  for (const { base, block, first, last } of blocksIn(shard, place, ranges)) {
    current.block = block;
    const from = Math.max(0, first - base);
    const to = Math.min(uidBlockSlots - 1, last - base);
    for (let slot = from; slot <= to; slot++) {
      if (!block.has(slot)) continue;
      current.slot = slot;
      current.uid = base + slot;
      yield current;
    }
  }
}

export interface BlockSlice {
  /** UID of its first slot. */
  readonly base: number;
  readonly block: UidBlock;
  /** UIDs wanted, which may reach past the block. */
  readonly first: number;
  readonly last: number;
}

/** Blocks with messages, each with a range that was wanted; one block may come for several ranges. */
function* blocksIn(
  shard: Pick<MailboxShard, 'range'>,
  { account, mailbox }: Place,
  ranges: IdRanges,
): IterableIterator<BlockSlice> {
  let known = -1;
  let block = decodeUidBlock(undefined);
  for (let i = 0; i < ranges.length; i += 2) {
    const first = ranges[i]!;
    const last = ranges[i + 1]!;
    const lastBlock = last >>> uidBlockShift;
    let next = first >>> uidBlockShift;
    if (next === known) {
      yield { base: known * uidBlockSlots, block, first, last };
      next++;
    }
    while (next <= lastBlock) {
      const stop = Math.min(lastBlock, next + pageBlocks - 1);
      // Pages are by number where ranges are short, by count where blocks are sparse.
      const range = uidBlockRange(account, mailbox, next, lastBlock);
      const rows = shard.range({ ...range, limit: stop - next + 1 });
      for (const { key, value } of rows) {
        known = lastU32(key);
        block = decodeUidBlock(value);
        yield { base: known * uidBlockSlots, block, first, last };
      }
      if (rows.length < stop - next + 1) break;
      next = known + 1;
    }
  }
}

/**
 * A client's set as ascending ranges of UIDs, all within what the view could have.
 * @throws MailError `argument-invalid` for a sequence number the view has not (RFC 9051 §9: an error)
 */
export function uidRangesOf(view: View, set: PackedSet, isUid: boolean): number[] {
  const wanted = { ranges: set, isSaved: false };
  if (isUid) return cutRanges(normaliseSet(wanted, view.lastUid), view.uidNext - 1);
  const ranges = normaliseSet(wanted, view.count);
  if (largestOf(ranges) > view.count) {
    // Clients ask for 1:* of nothing, and mean nothing.
    if (view.count === 0 && set.includes(star)) return [];
    throw new MailError('argument-invalid', 'no such sequence number');
  }
  return ranges.map((sequence) => view.uidOf(sequence));
}
