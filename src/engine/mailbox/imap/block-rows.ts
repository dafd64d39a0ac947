/**
 * Which blocks of a session's view a search looks at, from either end.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 */

import { uidBlockShift } from '../../store/keys.ts';
import type { IdRanges } from '../rows/uid-ranges.ts';

/** Numbers of blocks that may hold one of the UIDs, each once. `blocks` ascend. */
export function* blocksWithin(
  blocks: Uint32Array,
  uids: IdRanges,
  isFromEnd: boolean,
): IterableIterator<number> {
  const spans = blockSpans(uids);
  if (isFromEnd) spans.reverse();
  for (const [first, last] of spans) {
    const from = firstAtOrAbove(blocks, first);
    const end = firstAtOrAbove(blocks, last + 1);
    if (isFromEnd) for (let at = end - 1; at >= from; at--) yield blocks[at]!;
    else for (let at = from; at < end; at++) yield blocks[at]!;
  }
}

/** First and last numbers of blocks, ascending, apart from each other. */
function blockSpans(uids: IdRanges): [number, number][] {
  const spans: [number, number][] = [];
  for (let i = 0; i < uids.length; i += 2) {
    const first = blockOf(uids[i]!);
    const last = blockOf(uids[i + 1]!);
    const before = spans.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else spans.push([first, last]);
  }
  return spans;
}

function blockOf(uid: number): number {
  return Math.floor(uid / 2 ** uidBlockShift);
}

function firstAtOrAbove(blocks: Uint32Array, number: number): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (blocks[middle]! < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
