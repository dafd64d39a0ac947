/**
 * Sorts a long list a step at a time: short runs first, then two runs merged into one.
 *
 * Runs in:   engine threads; pure.
 * Limits:    between two steps `runLength` items are sorted or `mergedMax` merged.
 * Invariant: equal items stay in their order.
 */

const runLength = 1_024;
const mergedMax = 4_096;

export type Compare<T> = (a: T, b: T) => number;

/** In place. */
export function* sortSteps<T>(list: T[], compare: Compare<T>): Generator<void, void, void> {
  const { length } = list;
  if (length <= runLength) {
    list.sort(compare);
    return;
  }
  let from: T[] = [];
  for (let start = 0; start < length; start += runLength) {
    for (const item of list.slice(start, start + runLength).sort(compare)) from.push(item);
    yield;
  }
  let to = from.slice();
  yield;
  for (let width = runLength; width < length; width *= 2) {
    yield* mergeSteps(from, to, width, compare);
    [from, to] = [to, from];
  }
  for (let i = 0; i < length; i++) list[i] = from[i]!;
}

/** Runs of `width` in `from` become runs twice as long in `to`. */
function* mergeSteps<T>(
  from: readonly T[],
  to: T[],
  width: number,
  compare: Compare<T>,
): Generator<void, void, void> {
  const { length } = from;
  for (let start = 0; start < length; start += 2 * width) {
    const middle = Math.min(length, start + width);
    const end = Math.min(length, start + 2 * width);
    let [i, j] = [start, middle];
    for (let at = start; at < end; at++) {
      const isLeft = i < middle && (j >= end || compare(from[i]!, from[j]!) <= 0);
      to[at] = isLeft ? from[i++]! : from[j++]!;
      if (at % mergedMax === 0) yield;
    }
  }
}
