/**
 * EXPUNGE: takes out of a mailbox what is marked \Deleted.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 9051 §6.4.3 (EXPUNGE), RFC 4315 §2.1 (UID EXPUNGE), RFC 9738 §3.1 (the newest of them alone).
 * Invariant: blocks are looked through from the newest down, and no further once all that the mailbox counts as
 *            deleted is found: what is deleted is new as a rule, and a mailbox may have thousands of blocks.
 */

import {
  lastU32,
  uidBlockKey,
  uidBlockRange,
  uidBlockShift,
  uidBlockSlots,
} from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { decodeUidBlock, deletedFlag, hasFlagColumn } from '../rows/uid-block.ts';
import { type IdRanges, isWithin, rangesOf } from '../rows/uid-ranges.ts';
import type { Owner } from '../tree.ts';
import type { ImapDesk } from './desk.ts';
import type { Place } from './messages.ts';

const pageBlocks = 64;

/** At most `countMax`, the newest; the lowest UID taken out where there were more, else 0. */
export async function expungeDeleted(
  desk: Pick<ImapDesk, 'reader' | 'shard' | 'mailboxes'>,
  { account, tenant }: Owner,
  mailbox: number,
  uids: IdRanges,
  countMax = Number.POSITIVE_INFINITY,
): Promise<number> {
  const row = desk.reader.mailbox(account, mailbox);
  if (row === undefined || row.deleted === 0 || uids.length === 0) return 0;
  const [first, last] = [uids[0]!, uids.at(-1)!];
  const gone: number[] = [];
  let left = row.deleted;
  let isMore = false;
  for (const { uid } of deletedDown(desk.shard, { account, mailbox }, first, last)) {
    if (isWithin(uids, uid)) {
      isMore = gone.length === countMax;
      if (isMore) break;
      gone.push(uid);
    }
    if (--left === 0) break;
  }
  if (gone.length === 0) return 0;
  const lowest = gone.at(-1)!;
  await desk.mailboxes.expunge(account, tenant, mailbox, rangesOf(gone.reverse()));
  return isMore ? lowest : 0;
}

/** Messages marked \Deleted, highest UID first. */
export function* deletedDown(
  shard: Pick<MailboxShard, 'range'>,
  { account, mailbox }: Place,
  first: number,
  last: number,
): IterableIterator<{ readonly uid: number; readonly document: number }> {
  const range = uidBlockRange(account, mailbox, first >>> uidBlockShift, last >>> uidBlockShift);
  let { to } = range;
  for (;;) {
    const rows = shard.range({ from: range.from, to, reverse: true, limit: pageBlocks });
    for (const { key, value } of rows) {
      if (!hasFlagColumn(value, deletedFlag)) continue;
      const base = lastU32(key) * uidBlockSlots;
      const block = decodeUidBlock(value);
      for (let slot = uidBlockSlots - 1; slot >= 0; slot--) {
        if (!block.hasFlag(slot, deletedFlag)) continue;
        yield { uid: base + slot, document: block.documents[slot]! };
      }
    }
    if (rows.length < pageBlocks) return;
    to = uidBlockKey(account, mailbox, lastU32(rows.at(-1)!.key));
  }
}
