/**
 * Sets of message numbers and UIDs: as a client writes them, and against a mailbox as ascending ranges.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9051 §9 (sequence-set, seq-range), §6.4.9 (`*` and UIDs); RFC 5182 (`$`).
 * Limits:    `rangesMax` ranges; a set's numbers are never written out, so 1:4294967295 costs what 1 costs.
 * Invariant: normalised ranges `[first, last, first, last, …]` ascend, do not overlap and do not touch.
 */

import { type Cursor, fail } from './cursor.ts';
import { rangesMax } from './limits.ts';
import { asterisk, colon, comma, dollar } from './octets.ts';
import { parseNzNumber, takeOctet } from './parse-strings.ts';

/** `*`: no message has this number. */
export const star = 0;

export interface SequenceSet {
  /** As written: pairs in any order and direction, with `star`. Empty for `$`. */
  readonly ranges: readonly number[];
  /** `$`: what the last SEARCH saved. */
  readonly isSaved: boolean;
}

const savedSet: SequenceSet = { ranges: [], isSaved: true };

export function parseSequenceSet(cursor: Cursor): SequenceSet | undefined {
  if (takeOctet(cursor, dollar)) return savedSet;
  const ranges: number[] = [];
  do {
    const first = parseSequenceNumber(cursor);
    if (first < 0) return undefined;
    const last = takeOctet(cursor, colon) ? parseSequenceNumber(cursor) : first;
    if (last < 0) return undefined;
    if (ranges.push(first, last) > rangesMax * 2) {
      return fail(cursor, 'A set has too many ranges', 'limit');
    }
  } while (takeOctet(cursor, comma));
  return { ranges, isSaved: false };
}

/** A set where neither `*` nor `$` may stand (known UIDs of QRESYNC, RFC 7162 §7). */
export function parseKnownSet(cursor: Cursor): SequenceSet | undefined {
  const from = cursor.at;
  const set = parseSequenceSet(cursor);
  if (set === undefined) return undefined;
  if (!set.isSaved && !set.ranges.includes(star)) return set;
  cursor.at = from;
  return fail(cursor, 'A set of known numbers has * or $ in it');
}

function parseSequenceNumber(cursor: Cursor): number {
  return takeOctet(cursor, asterisk) ? star : parseNzNumber(cursor);
}

/**
 * Ranges of a set where `*` is `largest` (0: there is none, and `*` stands for nothing). Numbers above `largest`
 * stay: of UIDs they are harmless; of message numbers `largestOf` tells that they are a fault.
 */
export function normaliseSet(set: SequenceSet, largest: number): number[] {
  const { ranges } = set;
  if (ranges.length === 2) {
    const pair: number[] = [];
    pushPair(pair, ranges[0]!, ranges[1]!, largest);
    return pair;
  }
  const pairs: number[] = [];
  let isAscending = true;
  for (let i = 0; i < ranges.length; i += 2) {
    const before = pairs.length === 0 ? 0 : pairs[pairs.length - 1]!;
    const length = pairs.length;
    pushPair(pairs, ranges[i]!, ranges[i + 1]!, largest);
    if (pairs.length > length && pairs[length]! <= before + 1) isAscending = false;
  }
  return isAscending ? pairs : joinPairs(pairs);
}

function pushPair(pairs: number[], first: number, last: number, largest: number): void {
  const from = first === star ? largest : first;
  const to = last === star ? largest : last;
  // RFC 9051 §6.4.9: 559:* names the last message even where its UID is below 559; of an empty mailbox, nothing.
  if (from === 0 || to === 0) return;
  if (from <= to) pairs.push(from, to);
  else pairs.push(to, from);
}

function joinPairs(pairs: readonly number[]): number[] {
  const order = Array.from({ length: pairs.length / 2 }, (_, i) => i * 2);
  order.sort((a, b) => pairs[a]! - pairs[b]!);
  const joined: number[] = [];
  for (const i of order) {
    const end = joined.length - 1;
    if (end > 0 && pairs[i]! <= joined[end]! + 1) {
      if (pairs[i + 1]! > joined[end]!) joined[end] = pairs[i + 1]!;
    } else {
      joined.push(pairs[i]!, pairs[i + 1]!);
    }
  }
  return joined;
}

/** The largest number of normalised ranges; 0 where there is none. */
export function largestOf(ranges: readonly number[]): number {
  return ranges.length === 0 ? 0 : ranges[ranges.length - 1]!;
}

/** Normalised ranges without what is above `largest`. */
export function cutRanges(ranges: readonly number[], largest: number): number[] {
  const cut: number[] = [];
  for (let i = 0; i < ranges.length && ranges[i]! <= largest; i += 2) {
    cut.push(ranges[i]!, Math.min(ranges[i + 1]!, largest));
  }
  return cut;
}

/** The part of ascending ranges from a number up. */
export function rangesFrom(ranges: readonly number[], first: number): readonly number[] {
  if (ranges.length === 0 || ranges[0]! >= first) return ranges;
  const rest: number[] = [];
  for (let i = 0; i < ranges.length; i += 2) {
    const last = ranges[i + 1]!;
    if (last >= first) rest.push(Math.max(first, ranges[i]!), last);
  }
  return rest;
}
