/**
 * A set of UIDs (or other ids) as ascending ranges: `[first, last, first, last, …]`, both ends included.
 *
 * Runs in:   engine threads; pure.
 * Invariant: ranges ascend, do not overlap and do not touch; packed, each is a gap and a length in base 128.
 */

import { Buffer } from 'node:buffer';

export type IdRanges = readonly number[];

/** Ranges of ascending ids. */
export function rangesOf(ids: Iterable<number>): number[] {
  const ranges: number[] = [];
  for (const id of ids) addId(ranges, id);
  return ranges;
}

/** Appends an id that is above all before it. */
export function addId(ranges: number[], id: number): void {
  const end = ranges.length - 1;
  if (end > 0 && ranges[end] === id - 1) ranges[end] = id;
  else ranges.push(id, id);
}

/** Appends a range that is above all before it. */
export function addRange(ranges: number[], first: number, last: number): void {
  const end = ranges.length - 1;
  if (end > 0 && ranges[end] === first - 1) ranges[end] = last;
  else ranges.push(first, last);
}

export function* idsOf(ranges: ArrayLike<number>): IterableIterator<number> {
  for (let i = 0; i < ranges.length; i += 2) {
    for (let id = ranges[i]!; id <= ranges[i + 1]!; id++) yield id;
  }
}

export function countOf(ranges: IdRanges): number {
  let count = 0;
  for (let i = 0; i < ranges.length; i += 2) count += ranges[i + 1]! - ranges[i]! + 1;
  return count;
}

export function isWithin(ranges: IdRanges, uid: number): boolean {
  let low = 0;
  let high = ranges.length / 2 - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle * 2 + 1]! < uid) low = middle + 1;
    else if (ranges[middle * 2]! > uid) high = middle - 1;
    else return true;
  }
  return false;
}

/** What two sets of ascending ranges have in common. */
export function commonRanges(these: IdRanges, those: IdRanges): number[] {
  const ranges: number[] = [];
  let a = 0;
  let b = 0;
  while (a < these.length && b < those.length) {
    const first = Math.max(these[a]!, those[b]!);
    const last = Math.min(these[a + 1]!, those[b + 1]!);
    if (first <= last) ranges.push(first, last);
    if (these[a + 1]! < those[b + 1]!) a += 2;
    else b += 2;
  }
  return ranges;
}

/** The first `countMax` ids, and what is left. */
export function splitRanges(ranges: IdRanges, countMax: number): [number[], number[]] {
  const head: number[] = [];
  const tail: number[] = [];
  let room = countMax;
  for (let i = 0; i < ranges.length; i += 2) {
    const first = ranges[i]!;
    const last = ranges[i + 1]!;
    const taken = Math.min(room, last - first + 1);
    room -= taken;
    if (taken > 0) head.push(first, first + taken - 1);
    if (first + taken <= last) tail.push(first + taken, last);
  }
  return [head, tail];
}

export function packRanges(ranges: IdRanges): Buffer {
  const bytes = Buffer.allocUnsafe(ranges.length * 5);
  let at = 0;
  let next = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    at = writeBase128(bytes, ranges[i]! - next, at);
    at = writeBase128(bytes, ranges[i + 1]! - ranges[i]!, at);
    next = ranges[i + 1]! + 1;
  }
  return bytes.subarray(0, at);
}

export function unpackRanges(bytes: Uint8Array): number[] {
  const ranges: number[] = [];
  let next = 0;
  let at = 0;
  const read = () => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  };
  while (at < bytes.byteLength) {
    const first = next + read();
    const last = first + read();
    ranges.push(first, last);
    next = last + 1;
  }
  return ranges;
}

function writeBase128(bytes: Buffer, value: number, at: number): number {
  let rest = value;
  let place = at;
  while (rest > 0x7f) {
    bytes[place++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  bytes[place++] = rest;
  return place;
}
