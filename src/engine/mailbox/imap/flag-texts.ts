/**
 * Flags of messages as a FETCH response writes them.
 *
 * Runs in:   engine threads; hot: once per message of a FETCH.
 */

import { systemFlags, type UidBlock } from '../rows/uid-block.ts';

/** By mask of system flags. */
const systemTexts: readonly string[] = Array.from({ length: 1 << systemFlags.length }, (_, mask) =>
  systemFlags.filter((_flag, place) => ((mask >> place) & 1) === 1).join(' '),
);

/** `keywords` are the mailbox's, by number. */
export function flagsText(block: UidBlock, slot: number, keywords: readonly string[]): string {
  const byte = slot >> 3;
  const bit = 1 << (slot & 7);
  let mask = 0;
  for (let flag = 0; flag < systemFlags.length; flag++) {
    const column = block.flags[flag];
    if (column !== undefined && (column[byte]! & bit) !== 0) mask |= 1 << flag;
  }
  let text = systemTexts[mask]!;
  if (block.keywords.size === 0) return text;
  for (const [number, column] of block.keywords) {
    if ((column[byte]! & bit) === 0) continue;
    text += `${text === '' ? '' : ' '}${keywords[number]}`;
  }
  return text;
}
