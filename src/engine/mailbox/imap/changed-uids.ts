/**
 * Which messages changed after a modseq, from the rows of changes instead of a look at every message.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 7162 §3.1.4.1 (CHANGEDSINCE), §3.2.5 (QRESYNC).
 * Limits:    `rowsMax` rows are gathered; a client that missed more has every message looked at, as
 *            has one that comes from below the mailbox's floor.
 */

import { modseqsSince, tables } from '../../store/keys.ts';
import { floorsOf } from '../mailbox-reader.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { commonRanges, type IdRanges, unpackRanges } from '../rows/uid-ranges.ts';
import type { Place } from './messages.ts';

/** About 10 ms. */
const rowsMax = 5_000;

/** Of ascending ranges of UIDs, those in which something may have changed after `modseq`: none that did is left out. */
export function changedWithin(
  shard: Pick<MailboxShard, 'get' | 'range'>,
  { account, mailbox }: Place,
  modseq: number,
  ranges: IdRanges,
): IdRanges {
  if (modseq < floorsOf(shard, account, mailbox).modseqFloor) return ranges;
  const rows = shard.range({
    ...modseqsSince(tables.byModseq, account, mailbox, modseq),
    limit: rowsMax + 1,
  });
  if (rows.length > rowsMax) return ranges;
  const changed: (readonly [first: number, last: number])[] = [];
  for (const { value } of rows) {
    const uids = unpackRanges(value);
    for (let i = 0; i < uids.length; i += 2) changed.push([uids[i]!, uids[i + 1]!]);
  }
  changed.sort((a, b) => a[0] - b[0]);
  return commonRanges(ranges, joined(changed));
}

/** Ranges that ascend by their first become ascending ranges without overlaps. */
function joined(ascending: readonly (readonly [first: number, last: number])[]): number[] {
  const ranges: number[] = [];
  for (const [first, last] of ascending) {
    const end = ranges.length - 1;
    if (end > 0 && first <= ranges[end]! + 1) ranges[end] = Math.max(ranges[end]!, last);
    else ranges.push(first, last);
  }
  return ranges;
}
