/**
 * A page of a shard's queue.
 *
 * Runs in:   engine threads.
 * Limits:    `listCountMax` entries, `scanCountMax` rows looked at, in slices of the thread's time; the caller pages on
 *            by `scannedTo`.
 */

import type { QueueEntry } from '../../actors/asks/control.ts';
import type { QueueListAnswer, QueueListParams } from '../../actors/asks/queue-asks.ts';
import type { MessageId } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import { Slices } from '../mailbox/imap/slices.ts';
import type { OpenShard } from '../shards.ts';
import { entryOf, type QueueViewParts, Selected } from './queue-view.ts';
import { stepOn } from './queue-walk.ts';

const listCountMax = 1_000;
/** Rows looked at for one page. */
const scanCountMax = 500;

export interface QueueListParts extends QueueViewParts {
  readonly clock: Clock;
}

/** In order of ids. Rows past `scanCountMax` wait for the next page. */
export async function listQueue(
  parts: QueueListParts,
  shard: OpenShard,
  params: QueueListParams,
): Promise<QueueListAnswer> {
  const { after, selection } = params;
  const slices = new Slices(parts.clock);
  const selected = new Selected(parts.holds, selection, parts.clock.nowMs());
  if (selection.ids !== undefined && selection.ids.length <= listCountMax)
    return listNamed(parts, shard, { ...params, ids: selection.ids }, selected, slices);
  const limit = Math.min(params.limit, listCountMax);
  const entries: QueueEntry[] = [];
  let scannedTo = after;
  let scannedCount = 0;
  let isEnd = false;
  while (!isEnd && entries.length <= limit && scannedCount < scanCountMax) {
    if (slices.isOver) await slices.next();
    const step = stepOn(shard.spool, selected, scannedTo);
    for (const each of step.messages) entries.push(entryOf(parts, shard.store.id, each));
    scannedCount += step.scannedCount;
    isEnd = step.scannedTo === '';
    scannedTo = step.scannedTo;
  }
  const isComplete = isEnd && entries.length <= limit;
  const page = entries.slice(0, limit);
  return {
    entries: page,
    isComplete,
    scannedTo: page.length === limit || isComplete ? (page.at(-1)?.id ?? '') : scannedTo,
    queuedCount: shard.spool.queuedCount,
  };
}

/** Messages that are named are found by their names: no other row is looked at. */
async function listNamed(
  parts: QueueListParts,
  shard: OpenShard,
  { after, ids }: { readonly after: string; readonly ids: readonly string[] },
  selected: Selected,
  slices: Slices,
): Promise<QueueListAnswer> {
  const entries: QueueEntry[] = [];
  for (const id of [...new Set(ids)].sort()) {
    if (slices.isOver) await slices.next();
    const message = id > after ? shard.spool.find(id as MessageId) : undefined;
    if (message === undefined || !selected.has(message)) continue;
    entries.push(entryOf(parts, shard.store.id, message));
  }
  return { entries, isComplete: true, scannedTo: '', queuedCount: shard.spool.queuedCount };
}
