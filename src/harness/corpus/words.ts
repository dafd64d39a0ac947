/**
 * Words, phrases and paragraphs by chance, for messages that ought to look like mail.
 *
 * Runs in: load generator; pure (chance is an argument).
 */

import type { Random } from '../../ports/random.ts';

const words = (
  'harvest river market letter window garden station evening captain silver mountain winter ' +
  'bridge orchard lantern harbour village thunder meadow compass journey morning kettle ribbon ' +
  'copper island feather candle marble valley pepper saddle timber anchor barley clover dapple ' +
  'ember fennel ginger hazel indigo juniper kernel linen mallow nettle olive parsley quarry rowan ' +
  'sorrel thistle umber violet willow yarrow zephyr account invoice delivery schedule meeting report'
).split(' ');
const lineColumns = 72;

export function pick(random: Random, from: readonly string[] = words): string {
  return from[Math.floor(random.fraction() * from.length)]!;
}

/** `count` words, the first with a capital. */
export function phrase(random: Random, count: number): string {
  const text = Array.from({ length: count }, () => pick(random)).join(' ');
  return text[0]!.toUpperCase() + text.slice(1);
}

/** About `count` words in sentences, folded. */
export function paragraph(random: Random, count: number): string {
  const lines = [''];
  let left = count;
  while (left > 0) {
    const length = Math.min(left, 5 + Math.floor(random.fraction() * 8));
    left -= length;
    for (const word of `${phrase(random, length)}.`.split(' ')) {
      const line = lines[lines.length - 1]!;
      if (line.length + word.length >= lineColumns) lines.push(word);
      else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
    }
  }
  return lines.join('\r\n');
}

export function column(text: string, width: number): string {
  return text.slice(0, width).padEnd(width);
}
