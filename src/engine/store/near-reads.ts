/**
 * Bodies that lie near each other, by few reads: what was journaled together is searched together.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    one read is of `spanBytesMax` at most (at once `nowSpanBytesMax`), unless a single body is larger;
 *            `gapBytesMax` between two bodies are read along.
 * Invariant: each place gets its own bytes, or undefined where they are gone. Nothing is checked against a CRC.
 */

import { kibibyte, mebibyte } from '../../base/units.ts';
import type { RecordPlace } from './record.ts';

const spanBytesMax = mebibyte;
const nowSpanBytesMax = 128 * kibibyte;
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
/** Fills `into` at once; false: it cannot. */
export type ReadSpanNow = (segment: number, from: number, into: Uint8Array) => boolean;

/** The first bytes of each body, `bytesMax` at most. */
export async function readNear(
  places: readonly RecordPlace[],
  bytesMax: number,
  read: ReadSpan,
): Promise<readonly FoundBytes[]> {
  const wanted = wantedOf(places, bytesMax);
  const found: FoundBytes[] = new Array(places.length).fill(undefined);
  const reads: Promise<void>[] = [];
  for (let start = 0; start < wanted.length; ) {
    const end = endOfSpan(wanted, start, spanBytesMax);
    reads.push(readSpan(wanted.slice(start, end), found, read));
    start = end;
  }
  await Promise.all(reads);
  return found;
}

/** As `readNear`, at once and into the caller's bytes. Undefined: it takes waiting, more room, or one of them is gone. */
export function readNearNow(
  places: readonly RecordPlace[],
  bytesMax: number,
  into: Uint8Array,
  read: ReadSpanNow,
): readonly Uint8Array[] | undefined {
  const wanted = wantedOf(places, bytesMax);
  const found: Uint8Array[] = new Array(places.length);
  let used = 0;
  for (let start = 0; start < wanted.length; ) {
    const end = endOfSpan(wanted, start, nowSpanBytesMax);
    const { segment, from } = wanted[start]!;
    const bytes = into.subarray(used, used + endOfBytes(wanted, start, end) - from);
    used += bytes.byteLength;
    if (used > into.byteLength || !read(segment, from, bytes)) return undefined;
    for (let i = start; i < end; i++) {
      const { index, from: first, to } = wanted[i]!;
      if (to - from > bytes.byteLength) return undefined;
      found[index] = bytes.subarray(first - from, to - from);
    }
    start = end;
  }
  return found;
}

function wantedOf(places: readonly RecordPlace[], bytesMax: number): Wanted[] {
  return places
    .map(({ segment, bodyOffset, bodyBytes }, index): Wanted => {
      return { index, segment, from: bodyOffset, to: bodyOffset + Math.min(bytesMax, bodyBytes) };
    })
    .sort((a, b) => a.segment - b.segment || a.from - b.from);
}

/** Where the last of their bytes ends. */
function endOfBytes(wanted: readonly Wanted[], start: number, end: number): number {
  let last = 0;
  for (let i = start; i < end; i++) last = Math.max(last, wanted[i]!.to);
  return last;
}

/** After the last of those that one read covers. */
function endOfSpan(wanted: readonly Wanted[], start: number, bytesMax: number): number {
  const { segment, from } = wanted[start]!;
  let { to } = wanted[start]!;
  let end = start + 1;
  for (; end < wanted.length; end++) {
    const next = wanted[end]!;
    if (next.segment !== segment || next.from - to > gapBytesMax) break;
    if (next.to - from > bytesMax) break;
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
  const bytes = await read(segment, from, endOfBytes(wanted, 0, wanted.length) - from);
  if (bytes === undefined) return;
  for (const { index, from: start, to } of wanted) {
    if (to - from <= bytes.length) found[index] = bytes.subarray(start - from, to - from);
  }
}
