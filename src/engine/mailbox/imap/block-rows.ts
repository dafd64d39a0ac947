/**
 * Blocks of UIDs with their rows, page by page, from either end.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 */

import { lastU32, uidBlockRange, uidBlockShift } from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { IdRanges } from '../rows/uid-ranges.ts';
import type { Place } from './messages.ts';

/** Blocks read at a time. */
const pageBlocksMax = 64;

export interface BlockRow {
  readonly number: number;
  readonly row: Uint8Array;
}

/** Blocks with messages that hold one of the UIDs, each once. */
export function* blockRowsIn(
  shard: Pick<MailboxShard, 'range'>,
  { account, mailbox }: Place,
  uids: IdRanges,
  isFromEnd: boolean,
): IterableIterator<BlockRow> {
  const spans = blockSpans(uids);
  if (isFromEnd) spans.reverse();
  for (const [first, last] of spans) {
    let [from, to] = [first, last];
    // A search that finds enough at once reads few.
    let limit = 4;
    while (from <= to) {
      const range = uidBlockRange(account, mailbox, from, to);
      const rows = shard.range({ ...range, limit, ...(isFromEnd ? { reverse: true } : {}) });
      for (const { key, value } of rows) yield { number: lastU32(key), row: value };
      if (rows.length < limit) break;
      const end = lastU32(rows.at(-1)!.key);
      if (isFromEnd) to = end - 1;
      else from = end + 1;
      limit = Math.min(pageBlocksMax, 2 * limit);
    }
  }
}

/** First and last numbers of blocks, ascending, apart from each other. */
function blockSpans(uids: IdRanges): [number, number][] {
  const spans: [number, number][] = [];
  for (let i = 0; i < uids.length; i += 2) {
    const first = blockOf(uids[i]!);
    const last = blockOf(uids[i + 1]!);
    const before = spans.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else spans.push([first, last]);
  }
  return spans;
}

function blockOf(uid: number): number {
  return Math.floor(uid / 2 ** uidBlockShift);
}
