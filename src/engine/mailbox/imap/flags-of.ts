/**
 * The flags of one message, as responses write them.
 *
 * Runs in:   engine threads; hot: once per message of a FETCH.
 */

import { systemFlags, type UidBlock } from '../rows/uid-block.ts';

/** By place in `systemFlags`. */
export function systemFlagsOf(block: UidBlock, slot: number): number {
  const byte = slot >> 3;
  const bit = 1 << (slot & 7);
  let mask = 0;
  for (let flag = 0; flag < systemFlags.length; flag++) {
    const column = block.flags[flag];
    if (column !== undefined && (column[byte]! & bit) !== 0) mask |= 1 << flag;
  }
  return mask;
}

const none: readonly string[] = [];

/** `names` are the mailbox's keywords, by number. */
export function keywordsOf(
  block: UidBlock,
  slot: number,
  names: readonly string[],
): readonly string[] {
  if (block.keywords.size === 0) return none;
  const keywords: string[] = [];
  for (const number of block.keywords.keys()) {
    if (block.hasKeyword(slot, number)) keywords.push(names[number]!);
  }
  return keywords;
}

/** False: the message has a keyword that came after `names` were read. */
export function areNamed(block: UidBlock, slot: number, names: readonly string[]): boolean {
  for (const number of block.keywords.keys()) {
    if (number >= names.length && block.hasKeyword(slot, number)) return false;
  }
  return true;
}
