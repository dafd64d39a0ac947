/**
 * Brings an index up to its journal at open: where to start, and the run through the records from
 * there.
 *
 * Runs in:   engine threads.
 * Invariant: an applied position the journal does not bear out is never trusted: the index is made
 *            again.
 */

import { MailError } from '../../base/errors.ts';
import type { Disk } from '../../ports/disk.ts';
import { segmentHeaderBytes } from './journal/format.ts';
import type { Journal, JournalPosition } from './journal/journal.ts';
import { type Damage, damageAt } from './journal/recovery.ts';
import { findLaterSeal, parcels, type ScannedRecord, salvage } from './journal/scan.ts';
import type { Segment } from './journal/segments.ts';

export type ReplayStart =
  | { readonly kind: 'from'; readonly position: JournalPosition }
  | { readonly kind: 'rebuild'; readonly reason: string };

/** The place in the journal from which the index lacks records. */
export function replayStart(journal: Journal, applied: JournalPosition | undefined): ReplayStart {
  const segments = journal.segments.all();
  if (applied === undefined) return { kind: 'rebuild', reason: 'the index is empty' };
  const at = segments.findIndex((segment) => segment.number === applied.segment);
  const segment = segments[at];
  const copy = segment === undefined ? copyOfWhole(segments, applied) : undefined;
  if (copy !== undefined) return { kind: 'from', position: startOf(copy) };
  if (segment === undefined || segment.header.epoch !== applied.epoch) {
    return { kind: 'rebuild', reason: 'its applied position is not in the journal' };
  }
  for (let i = at + 1; i < segments.length; i++) {
    if (segments[i]!.header.previousSegment === segments[i - 1]!.number) continue;
    return { kind: 'rebuild', reason: 'segments after its applied position are gone' };
  }
  if (segment.end !== undefined && applied.offset <= segment.end) {
    return { kind: 'from', position: applied };
  }
  // The parcels past the cut were copied into the next segment, if it knew of them: start over
  // there.
  const next = segments[at + 1];
  if (next === undefined || !bearsOut(next, applied)) {
    return { kind: 'rebuild', reason: 'its applied position is past the journal' };
  }
  return { kind: 'from', position: startOf(next) };
}

/** The segment that took over all of the one the index had applied, which left the chain. */
function copyOfWhole(segments: readonly Segment[], applied: JournalPosition): Segment | undefined {
  const at = segments.findIndex((segment) => segment.number > applied.segment);
  const next = segments[at];
  if (next === undefined || next.header.previousSegment >= applied.segment) return undefined;
  const isChained = segments
    .slice(at + 1)
    .every((segment, i) => segment.header.previousSegment === segments[at + i]!.number);
  const isCopied = applied.sequence >= next.header.firstSequence - 1;
  return isChained && isCopied && bearsOut(next, applied) ? next : undefined;
}

/**
 * Whether all up to a position that was cut out of the chain before `next` was in the journal when
 * it was cut, and so stands in what `next` took over. An opening knows what it found: all that the
 * epoch before it may keep. Of older epochs it may only keep what no opening between had lost: their
 * sequences were given to other records since.
 */
function bearsOut({ header }: Segment, { epoch, sequence }: JournalPosition): boolean {
  if (epoch >= header.epoch) return false;
  const isOfEpochBefore = epoch === header.epoch - 1;
  return sequence <= (isOfEpochBefore ? header.knownSequence : header.keptSequence);
}

function startOf({ number: segment, header }: Segment): JournalPosition {
  const { epoch, firstSequence } = header;
  return { epoch, segment, offset: segmentHeaderBytes, sequence: firstSequence - 1 };
}

export interface Walk {
  readonly disk: Disk;
  readonly segment: Segment;
  readonly from: number;
  /** Up to here; to the first parcel that is not whole where `undefined`. */
  readonly to: number | undefined;
  /** Called once a parcel; awaited when it gives a promise. */
  readonly visit: (records: readonly ScannedRecord[], end: number) => Promise<void> | undefined;
}

/** Visits the records of one segment in order. Damage is stepped over and reported. */
export async function walkSegment(walk: Walk): Promise<readonly Damage[]> {
  const { segment, visit } = walk;
  const file = await openSegmentFile(walk.disk, segment);
  const damage: Damage[] = [];
  try {
    const to = walk.to ?? segment.fileBytes;
    const range = { file, segment: segment.number, seed: segment.seed, to };
    // Where the segment after this one is gone, and with it the place of the cut, the sequence
    // still tells.
    const isValid = (record: ScannedRecord) => record.place.sequence <= segment.lastSequence;
    for (let from = walk.from; from < to; ) {
      for await (const parcel of parcels({ ...range, from })) {
        await visit(parcel.records.filter(isValid), parcel.end);
        from = parcel.end;
      }
      if (from >= to) break;
      const later = await findLaterSeal({ ...range, from });
      // Without an end to reach, what is not whole was torn; with one, all before it was answered
      // for.
      if (later === undefined && walk.to === undefined) break;
      const next = later?.seal.parcelStart ?? to;
      const bad = { ...range, from, to: next };
      damage.push(await damageAt(bad));
      await visit((await salvage(bad)).whole.filter(isValid), next);
      from = next;
    }
    return damage;
  } finally {
    await file.close();
  }
}

async function openSegmentFile(disk: Disk, segment: Segment) {
  try {
    return await disk.open(segment.path, 'read');
  } catch (error) {
    throw new MailError('store-failed', `cannot read ${segment.path}`, { cause: error });
  }
}
