/**
 * Reads every record of a journal and says what is not as it was written.
 *
 * Runs in:   engine threads beside the shard's work, and offline commands.
 * Limits:    reads one parcel at a time; nothing is written and no index is looked at.
 */

import type { Disk } from '../../ports/disk.ts';
import { segmentHeaderBytes } from './journal/format.ts';
import { type Damage, recover } from './journal/recovery.ts';
import type { Segment } from './journal/segments.ts';
import { walkSegment } from './replay.ts';

export interface VerifyReport {
  readonly segmentCount: number;
  readonly recordCount: number;
  readonly bytes: number;
  /** Empty when all is well. `hit` names the records that cannot be read. */
  readonly damage: readonly Damage[];
}

/** One step through the segments of an open shard. */
export interface SegmentReport extends VerifyReport {
  /** Absent: none was left, and `damage` is what is known past the last one. */
  readonly segment?: number;
}

/** Segments of a stopped shard's folder. */
export async function verifyFolder(
  disk: Disk,
  shardFolder: string,
  shard: number,
): Promise<VerifyReport> {
  const recovered = await recover(disk, `${shardFolder}/journal`, shard);
  const segments = recovered.segments.map(({ header, seed, path, fileBytes, end }, i) => {
    const next = recovered.segments[i + 1];
    const lastSequence =
      next === undefined ? recovered.lastSequence : next.header.firstSequence - 1;
    const live = { liveBodies: 0, liveBytes: 0, leases: 0 };
    return { number: header.segment, header, seed, path, fileBytes, end, lastSequence, ...live };
  });
  return verifySegments(disk, segments, recovered.damage);
}

export async function verifySegments(
  disk: Disk,
  segments: readonly Segment[],
  known: readonly Damage[],
): Promise<VerifyReport> {
  const damage = [...known];
  let recordCount = 0;
  let bytes = 0;
  for (const segment of segments) {
    const found = await walkSegment({
      disk,
      segment,
      from: segmentHeaderBytes,
      to: segment.end,
      visit(records) {
        recordCount += records.length;
        for (const { place } of records) bytes += place.bytes;
        return undefined;
      },
    });
    for (const one of found) {
      const at = damage.findIndex(
        (other) => other.segment === one.segment && other.offset === one.offset,
      );
      if (at === -1) damage.push(one);
      // What was found at open may name fewer records: it went only as far as it had to.
      else if (one.hit.length > damage[at]!.hit.length) damage[at] = one;
    }
  }
  return { segmentCount: segments.length, recordCount, bytes, damage };
}
