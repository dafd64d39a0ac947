/**
 * Bodies that lie near each other, by few reads: what was journaled together is searched together.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    one read is of `spanBytesMax` at most, unless a single body is larger; `gapBytesMax` between two bodies are
 *            read along.
 * Invariant: each place gets its own bytes, or undefined where they are gone. Nothing is checked against a CRC.
 */

import { kibibyte, mebibyte } from '../../base/units.ts';
import type { RecordPlace } from './record.ts';

const spanBytesMax = mebibyte;
const gapBytesMax = 16 * kibibyte;

interface Wanted {
  /** Among the places given. */
  readonly index: number;
  readonly segment: number;
  readonly from: number;
  readonly to: number;
}

/** Undefined: they are gone. */
export type FoundBytes = Uint8Array | undefined;

export type ReadSpan = (segment: number, from: number, length: number) => Promise<FoundBytes>;

/** The first bytes of each body, `bytesMax` at most. */
export async function readNear(
  places: readonly RecordPlace[],
  bytesMax: number,
  read: ReadSpan,
): Promise<readonly FoundBytes[]> {
  const wanted = places
    .map(({ segment, bodyOffset, bodyBytes }, index): Wanted => {
      return { index, segment, from: bodyOffset, to: bodyOffset + Math.min(bytesMax, bodyBytes) };
    })
    .sort((a, b) => a.segment - b.segment || a.from - b.from);
  const found: FoundBytes[] = new Array(places.length).fill(undefined);
  const reads: Promise<void>[] = [];
  for (let start = 0; start < wanted.length; ) {
    const end = endOfSpan(wanted, start);
    reads.push(readSpan(wanted.slice(start, end), found, read));
    start = end;
  }
  await Promise.all(reads);
  return found;
}

/** After the last of those that one read covers. */
function endOfSpan(wanted: readonly Wanted[], start: number): number {
  const { segment, from } = wanted[start]!;
  let { to } = wanted[start]!;
  let end = start + 1;
  for (; end < wanted.length; end++) {
    const next = wanted[end]!;
    if (next.segment !== segment || next.from - to > gapBytesMax) break;
    if (next.to - from > spanBytesMax) break;
    to = Math.max(to, next.to);
  }
  return end;
}

async function readSpan(
  wanted: readonly Wanted[],
  found: FoundBytes[],
  read: ReadSpan,
): Promise<void> {
  const { segment, from } = wanted[0]!;
  let end = from;
  for (const { to } of wanted) end = Math.max(end, to);
  const bytes = await read(segment, from, end - from);
  if (bytes === undefined) return;
  for (const { index, from: start, to } of wanted) {
    if (to - from <= bytes.length) found[index] = bytes.subarray(start - from, to - from);
  }
}
