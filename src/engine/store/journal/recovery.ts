/**
 * Finds out what a journal folder holds: which segments belong to it, where each one's valid
 * records end, what was torn and may be cut, and what is damaged.
 *
 * Runs in:   engine threads and offline commands.
 * Invariant: reads only. Only the last parcel may be torn; anything else that is not whole is
 *            damage.
 *
 * The tail is the highest segment that was born (header and first parcel whole: they are synced
 * before anything else is written). Each header names the segment before it and where that one
 * ends, so a torn parcel, or one that was copied forward, stays cut for ever, and a file outside
 * the chain was never answered from.
 */

import type { Buffer } from 'node:buffer';
import { view } from '../../../base/bytes.ts';
import { kibibyte } from '../../../base/units.ts';
import type { Disk, DiskFile } from '../../../ports/disk.ts';
import { sideName, sideOfName } from '../side/format.ts';
import type { SideFile } from '../side/side-segments.ts';
import {
  decodeSegmentHeader,
  isSpareName,
  type SegmentHeader,
  seedOf,
  segmentHeaderBytes,
  segmentName,
  segmentOfName,
} from './format.ts';
import { findLaterSeal, parcels, type RecordHit, type ScanRange, salvage } from './scan.ts';

/**
 * A failed sync may have spoiled the page it shares with parcels synced before: those that reach
 * into this many bytes before the last parcel are copied with it. 64 kB is the largest page of any
 * platform we run on.
 */
export const suspectBytes = 64 * kibibyte;

export interface SegmentFacts {
  readonly header: SegmentHeader;
  readonly seed: number;
  readonly path: string;
  readonly fileBytes: number;
  /**
   * Where valid records end. `undefined`: the segment after it is gone, so only a scan can tell.
   */
  readonly end: number | undefined;
}

export interface Damage {
  readonly segment: number;
  readonly offset: number;
  readonly reason: string;
  /** Records that can be named although they cannot be read. */
  readonly hit: readonly RecordHit[];
}

export interface Recovered {
  /** Ascending by number; the last is the tail. */
  readonly segments: readonly SegmentFacts[];
  /** Files with one large body each. */
  readonly sides: readonly SideFile[];
  /** Segment files that belong to nothing. */
  readonly garbage: readonly string[];
  /** Highest number any file name carries; 0 for none. */
  readonly numberMax: number;
  readonly epochMax: number;
  /** Of the last whole record; 0 for none. */
  readonly lastSequence: number;
  /** First parcel that must be copied forward before anything is served. */
  readonly suspectStart: number;
  readonly damage: readonly Damage[];
}

interface Candidate {
  readonly number: number;
  readonly path: string;
  readonly fileBytes: number;
  readonly header: SegmentHeader | undefined;
  /** The bytes are a whole header, but of another segment or shard. */
  readonly isForeign: boolean;
}

interface Tail {
  readonly end: number;
  readonly suspectStart: number;
  readonly lastSequence: number;
  readonly damage: readonly Damage[];
}

export async function recover(disk: Disk, folder: string, shard: number): Promise<Recovered> {
  const names = await disk.list(folder);
  const candidates = await readCandidates(disk, folder, names, shard);
  // Spares of an earlier process too: a half-durable rename may have made one a second name of a
  // live segment.
  const garbage = names.filter(isSpareName).map((name) => `${folder}/${name}`);
  const damage: Damage[] = [];
  const segments: SegmentFacts[] = [];
  let expected = 0;
  let previousEnd: number | undefined;
  let tail: Tail | undefined;
  for (const candidate of candidates) {
    const { header, number } = candidate;
    if (tail === undefined) {
      const found = await examineTail(disk, candidate);
      if (found === undefined) {
        garbage.push(candidate.path);
        continue;
      }
      damage.push(...found.damage);
      if (header === undefined) continue;
      tail = found;
      segments.push(factsOf(candidate, header, tail.end));
    } else if (candidate.isForeign || number > expected) {
      garbage.push(candidate.path);
      continue;
    } else if (header === undefined) {
      damage.push({ segment: number, offset: 0, reason: 'segment header is damaged', hit: [] });
      expected = number - 1;
      continue;
    } else {
      const end = number === expected ? previousEnd : undefined;
      segments.push(factsOf(candidate, header, end));
    }
    expected = header.previousSegment;
    previousEnd = header.previousEnd;
  }
  segments.reverse();
  return {
    segments,
    sides: await readSides(disk, folder, names),
    garbage,
    numberMax: candidates[0]?.number ?? 0,
    epochMax: segments.at(-1)?.header.epoch ?? 0,
    lastSequence: tail?.lastSequence ?? 0,
    suspectStart: tail?.suspectStart ?? 0,
    damage,
  };
}

async function readSides(
  disk: Disk,
  folder: string,
  names: readonly string[],
): Promise<SideFile[]> {
  const sides: SideFile[] = [];
  for (const name of names) {
    const number = sideOfName(name);
    if (number === undefined) continue;
    const file = await disk.open(`${folder}/${sideName(number)}`, 'read');
    try {
      sides.push({ number, fileBytes: await file.size() });
    } finally {
      await file.close();
    }
  }
  return sides;
}

function factsOf(
  candidate: Candidate,
  header: SegmentHeader,
  end: number | undefined,
): SegmentFacts {
  const { path, fileBytes } = candidate;
  return { header, seed: seedOf(header), path, fileBytes, end };
}

/** Descending by number. */
async function readCandidates(
  disk: Disk,
  folder: string,
  names: readonly string[],
  shard: number,
): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  for (const name of names) {
    const number = segmentOfName(name);
    if (number === undefined) continue;
    const path = `${folder}/${segmentName(number)}`;
    const file = await disk.open(path, 'read');
    try {
      const fileBytes = await file.size();
      const header = decodeSegmentHeader(view(await file.read(0, segmentHeaderBytes)) as Buffer);
      const isOurs = header !== undefined && header.segment === number && header.shard === shard;
      candidates.push({
        number,
        path,
        fileBytes,
        header: isOurs ? header : undefined,
        isForeign: header !== undefined && !isOurs,
      });
    } finally {
      await file.close();
    }
  }
  return candidates.sort((a, b) => b.number - a.number);
}

/** `undefined`: this file was never answered from. */
async function examineTail(disk: Disk, candidate: Candidate): Promise<Tail | undefined> {
  if (candidate.isForeign) return undefined;
  const file = await disk.open(candidate.path, 'read');
  try {
    return candidate.header === undefined
      ? await examineHeadless(file, candidate)
      : await scanTail(file, candidate, candidate.header);
  } finally {
    await file.close();
  }
}

/**
 * A bad header over a later parcel: the segment was born, so the header is damaged and not torn.
 */
async function examineHeadless(file: DiskFile, candidate: Candidate): Promise<Tail | undefined> {
  const { number: segment, fileBytes } = candidate;
  const from = segmentHeaderBytes;
  const found = await findLaterSeal({ file, segment, seed: undefined, from, to: fileBytes });
  if (found === undefined) return undefined;
  const damage = [{ segment, offset: 0, reason: 'segment header is damaged', hit: [] }];
  return { end: 0, suspectStart: 0, lastSequence: 0, damage };
}

async function scanTail(
  file: DiskFile,
  candidate: Candidate,
  header: SegmentHeader,
): Promise<Tail | undefined> {
  const range: ScanRange = {
    file,
    segment: candidate.number,
    seed: seedOf(header),
    from: segmentHeaderBytes,
    to: candidate.fileBytes,
  };
  // Starts of the parcels near the end, oldest first; each reaches up to the next start.
  const starts: number[] = [];
  const damage: Damage[] = [];
  let end = segmentHeaderBytes;
  let lastSequence = 0;
  for (let from: number | undefined = end; from !== undefined; ) {
    for await (const parcel of parcels({ ...range, from })) {
      starts.push(parcel.start);
      end = parcel.end;
      lastSequence = parcel.records.at(-1)!.place.sequence;
      while (starts.length > 1 && starts[1]! <= parcel.start - suspectBytes) starts.shift();
    }
    const later = await findLaterSeal({ ...range, from: end });
    from = undefined;
    if (later !== undefined) {
      damage.push(await damageAt({ ...range, from: end, to: later.seal.parcelStart }));
      from = later.seal.parcelStart;
      if (from <= end) from = undefined;
      else end = from;
    }
  }
  if (end === segmentHeaderBytes && damage.length === 0) return undefined;
  return { end, suspectStart: starts[0] ?? end, lastSequence, damage };
}

/** What stands between two parcels that are whole. */
export async function damageAt(range: ScanRange): Promise<Damage> {
  const { hit } = await salvage(range);
  const reason = 'a parcel before a later one is not whole';
  return { segment: range.segment, offset: range.from, reason, hit };
}
