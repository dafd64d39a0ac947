/**
 * How far the event files came, as they tell it themselves: the last event that a record tells.
 *
 * Runs in:   the engine thread that owns the shard, once at an opening.
 * Limits:    one footer and one batch are in memory.
 */

import { type EventTail, hasTail, tailOf } from '../../actors/asks/trace-asks.ts';
import { view } from '../../base/bytes.ts';
import type { Disk } from '../../ports/disk.ts';
import { eventsOf } from './frames.ts';
import { lastOffsetOf } from './key-index.ts';
import { type ClosedSegment, closeQuietly, readBatch } from './segment.ts';

/**
 * `old`: what stands there is from before records told events. Undefined: the segment was not closed, or its last batch
 * has none that a record tells. Else everything of the journal up to the record before it stands in the files, and of
 * that record the parts up to this one, if all segments before are whole. @throws DiskError
 */
export async function lastEventOf(
  disk: Disk,
  { path, seed, trailer }: ClosedSegment,
): Promise<EventTail | 'old' | undefined> {
  if (trailer === undefined) return undefined;
  const file = await disk.open(path, 'read');
  try {
    const batch = await readBatch(file, await lastOffsetOf(file, trailer), seed);
    if (batch === undefined) return undefined;
    const events = eventsOf(view(batch));
    if (!events.some(hasTail)) return 'old';
    return events.map(tailOf).findLast(({ sequence }) => sequence > 0);
  } finally {
    await closeQuietly(file);
  }
}
