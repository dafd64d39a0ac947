/**
 * Parts of sets: the results of a search from one place to another, as ranges.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9394 §3.1 (PARTIAL), RFC 5267 §3.2 (ranges of SORT's results ascend).
 */

import type { PartialRange } from './parse-window.ts';
import { normaliseSet } from './sequence-set.ts';

/** Of ascending ranges, the numbers at the places given. */
export function partOf(ranges: ArrayLike<number>, part: PartialRange): number[] {
  const [first, last] = placesOf(part, countOf(ranges));
  const found: number[] = [];
  let before = 0;
  for (let i = 0; i < ranges.length && before < last; i += 2) {
    const from = ranges[i]!;
    const length = ranges[i + 1]! - from + 1;
    const start = Math.max(first - before, 1);
    const end = Math.min(last - before, length);
    if (start <= end) found.push(from + start - 1, from + end - 1);
    before += length;
  }
  return found;
}

/** Places from 1 on, counted from the beginning; none: the first is above the last. */
function placesOf({ first, last, isFromEnd }: PartialRange, count: number): [number, number] {
  return isFromEnd
    ? [Math.max(1, count - last + 1), count - first + 1]
    : [first, Math.min(last, count)];
}

function countOf(ranges: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < ranges.length; i += 2) count += ranges[i + 1]! - ranges[i]! + 1;
  return count;
}

/** What is in any of them. */
export function joinSets(sets: readonly ArrayLike<number>[]): number[] {
  const ranges = sets.flatMap((set) => Array.from(set));
  return normaliseSet({ ranges, isSaved: false }, 0);
}

/** A list in its order as ranges that ascend. */
export function orderedRanges(numbers: ArrayLike<number>): number[] {
  const ranges: number[] = [];
  for (let i = 0; i < numbers.length; i++) {
    const end = ranges.length - 1;
    if (end > 0 && ranges[end] === numbers[i]! - 1) ranges[end] = numbers[i]!;
    else ranges.push(numbers[i]!, numbers[i]!);
  }
  return ranges;
}
