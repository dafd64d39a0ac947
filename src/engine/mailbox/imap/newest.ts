/**
 * The newest messages of sets, and a mailbox in batches: what clients that bound their commands need to know.
 *
 * Runs in: the engine thread that owns the shard; no message is looked at, its view alone.
 * Specs:   RFC 9738 §3.1 (from the highest UID down); RFC 10022 §3.1 (UIDBATCHES).
 * Limits:  what it costs grows with ranges and batches, not with messages.
 */

import type { UidRanges } from '../../../actors/asks/imap-asks.ts';
import type { PackedBatches, PackedNewest } from '../../../actors/asks/imap-search-asks.ts';
import { commonRanges, type IdRanges } from '../rows/uid-ranges.ts';
import { changedWithin } from './changed-uids.ts';
import type { ImapDesk } from './desk.ts';
import { uidRangesOf } from './messages.ts';
import type { View } from './view.ts';

type Desk = Pick<ImapDesk, 'shard' | 'views'>;

/** The newest `countMax` of the messages that are in all of the sets; null: there are no more than that. */
export async function newest(desk: Desk, packed: PackedNewest): Promise<UidRanges | null> {
  const [account, [mailbox, modseq, uidNext], sets, countMax, changedSince] = packed;
  const view = await desk.views.view({ account, mailbox, modseq, uidNext });
  let ranges: IdRanges = uidNext > 1 ? [1, uidNext - 1] : [];
  for (const [isUid, set] of sets) ranges = commonRanges(ranges, uidRangesOf(view, set, isUid));
  if (changedSince >= 0) {
    ranges = changedWithin(desk.shard, { account, mailbox }, changedSince, ranges);
  }
  return newestIn(view, ranges, countMax);
}

/** Of ascending ranges of UIDs; the first UID of the answer is a message's. */
export function newestIn(view: View, ranges: IdRanges, countMax: number): number[] | null {
  const kept: number[] = [];
  let left = countMax;
  for (let i = ranges.length - 2; i >= 0; i -= 2) {
    const [first, last] = [ranges[i]!, ranges[i + 1]!];
    const before = view.countBelow(first);
    const upTo = view.countBelow(last + 1);
    const count = upTo - before;
    if (count > left) {
      if (left > 0) kept.push(last, view.uidOf(upTo - left + 1));
      return kept.reverse();
    }
    if (count > 0) kept.push(last, view.uidOf(before + 1));
    left -= count;
  }
  return null;
}

/** Pairs of UIDs `[highest, lowest, …]`, the newest batch first; all batches are all UIDs up to the last message's. */
export async function batches(desk: Desk, packed: PackedBatches): Promise<readonly number[]> {
  const [account, [mailbox, modseq, uidNext], size, first, last] = packed;
  const view = await desk.views.view({ account, mailbox, modseq, uidNext });
  return batchesOf(view, size, first, last);
}

export function batchesOf(view: View, size: number, first: number, last: number): number[] {
  const { count } = view;
  // RFC 10022 §3.1.4: the last one ends with UID 1, which says that it is the last.
  const lowestOf = (batch: number) =>
    batch * size >= count ? 1 : view.uidOf(count - batch * size + 1);
  const pairs: number[] = [];
  const end = Math.min(last, Math.ceil(count / size));
  let above = first === 1 || first > end ? view.lastUid + 1 : lowestOf(first - 1);
  for (let batch = first; batch <= end; batch++) {
    const lowest = lowestOf(batch);
    pairs.push(above - 1, lowest);
    above = lowest;
  }
  return pairs;
}
