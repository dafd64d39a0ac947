/**
 * Reads every record of a journal and says what is not as it was written.
 *
 * Runs in:   engine threads beside the shard's work.
 * Limits:    reads one parcel at a time; nothing is written and no index is looked at.
 */

import { type Disk, DiskError } from '../../ports/disk.ts';
import { segmentHeaderBytes } from './journal/format.ts';
import type { Journal } from './journal/journal.ts';
import type { Damage } from './journal/recovery.ts';
import type { ScannedRecord } from './journal/scan.ts';
import type { Segment } from './journal/segments.ts';
import type { SideBody } from './record.ts';
import { walkSegment } from './replay.ts';
import { isSideBodyRight, readSideHeader } from './side/body-reader.ts';
import { isSameSide, sideName } from './side/format.ts';

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

type VerifiedJournal = Pick<Journal, 'segments' | 'damage'>;

/** All of it as it stands now; it goes on meanwhile. */
export async function verifyJournal(
  disk: Disk,
  { segments, damage }: VerifiedJournal,
): Promise<VerifyReport> {
  const leases = segments.all().map((segment) => ({
    // The end is as of now: the tail goes on growing.
    segment: { ...segment },
    lease: segments.lease(segment.number),
  }));
  try {
    const all = leases.map(({ segment }) => segment);
    return await verifySegments(disk, all, damage);
  } finally {
    for (const { lease } of leases) lease.release();
  }
}

/** The first segment after number `after`. */
export async function verifyNext(
  disk: Disk,
  { segments, damage }: VerifiedJournal,
  after: number,
): Promise<SegmentReport> {
  const segment = segments.all().find(({ number }) => number > after);
  const last = segment?.number ?? Number.POSITIVE_INFINITY;
  const isKnown = (one: Damage) => one.segment > after && one.segment <= last;
  const known = damage.filter(isKnown);
  if (segment === undefined) return await verifySegments(disk, [], known);
  const lease = segments.lease(segment.number);
  try {
    const report = await verifySegments(disk, [{ ...segment }], known);
    return { ...report, segment: segment.number };
  } finally {
    lease.release();
  }
}

async function verifySegments(
  disk: Disk,
  segments: readonly Segment[],
  known: readonly Damage[],
): Promise<VerifyReport> {
  const damage = [...known];
  let recordCount = 0;
  let bytes = 0;
  for (const segment of segments) {
    const spoiled: Damage[] = [];
    const found = await walkSegment({
      disk,
      segment,
      from: segmentHeaderBytes,
      to: segment.end,
      visit(records) {
        recordCount += records.length;
        for (const { place } of records) bytes += place.bytes;
        if (!records.some(({ side }) => side !== undefined)) return undefined;
        return checkSides(disk, segment, records, spoiled);
      },
    });
    for (const one of [...found, ...spoiled]) {
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

/** Bodies in side segments. One that is gone or emptied is no fault here: it may have died, and rows alone know. */
async function checkSides(
  disk: Disk,
  segment: Segment,
  records: readonly ScannedRecord[],
  spoiled: Damage[],
): Promise<void> {
  for (const { side, place, type, meta } of records) {
    if (side === undefined || (await isSideSound(disk, segment, side))) continue;
    const { sequence, offset } = place;
    const hit = [{ segment: side.segment, offset, sequence, type, meta: Uint8Array.from(meta) }];
    const reason = 'the body in a side segment is not what was written';
    spoiled.push({ segment: side.segment, offset, reason, hit });
  }
}

async function isSideSound(
  disk: Disk,
  { path, header }: Segment,
  side: SideBody,
): Promise<boolean> {
  const folder = path.slice(0, path.lastIndexOf('/'));
  try {
    const file = await disk.open(`${folder}/${sideName(side.segment)}`, 'read');
    try {
      const known = await readSideHeader(file, header.shard);
      const isRight =
        known !== undefined && isSameSide(known, side) && (await isSideBodyRight(file, side));
      return isRight || (await file.size()) === 0;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof DiskError && error.fault === 'missing') return true;
    throw error;
  }
}
