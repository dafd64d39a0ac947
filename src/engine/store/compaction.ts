/**
 * Copies the live bodies of a segment that is mostly dead to the end of the journal, so that the
 * segment can go.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    `batchBytesMax` an append, so that mail passes between two.
 * Invariant: a body's rows name its copy only after the copy was synced (they are changes of the
 *            `moved` record), and its old place is let go in that same turn. The segment itself
 *            goes by upkeep's rule, later.
 */

import { kibibyte } from '../../base/units.ts';
import type { Disk } from '../../ports/disk.ts';
import { type Applier, movedDraft } from './applier.ts';
import { segmentHeaderBytes } from './journal/format.ts';
import type { Segment } from './journal/segments.ts';
import type { JournalRecord, RecordDraft, RecordPlace } from './record.ts';
import { walkSegment } from './replay.ts';
import { isSide } from './side/format.ts';

const batchBytesMax = 128 * kibibyte;

export interface CompactionParts {
  readonly disk: Disk;
  readonly applier: Applier;
  readonly append: (drafts: readonly RecordDraft[]) => Promise<readonly RecordPlace[]>;
}

/** False when a body in it is of a kind that cannot be moved: nothing was copied then. */
export async function compactSegment(parts: CompactionParts, segment: Segment): Promise<boolean> {
  const { applier } = parts;
  let canMove = true;
  await walk(parts, segment, (record) => {
    if (applier.isLive(record) === undefined) canMove = false;
    return undefined;
  });
  if (!canMove) return false;
  let batch: RecordDraft[] = [];
  let batchBytes = 0;
  await walk(parts, segment, (record) => {
    if (applier.isLive(record) !== true) return undefined;
    batch.push(movedDraft(record));
    batchBytes += record.place.bytes;
    if (batchBytes < batchBytesMax) return undefined;
    const full = batch;
    batch = [];
    batchBytes = 0;
    return parts.append(full);
  });
  if (batch.length > 0) await parts.append(batch);
  return true;
}

/** Records of kinds as they were first written, those that an earlier compaction moved included. */
async function walk(
  parts: CompactionParts,
  segment: Segment,
  see: (record: JournalRecord) => Promise<unknown> | undefined,
): Promise<void> {
  await walkSegment({
    disk: parts.disk,
    segment,
    from: segmentHeaderBytes,
    to: segment.end,
    async visit(records) {
      for (const record of records) {
        // A body in a side segment keeps no journal segment, and is never copied.
        if (!isSide(record.place.segment)) await see(parts.applier.asWritten(record));
      }
    },
  });
}
