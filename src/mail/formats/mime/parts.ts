/**
 * All parts of a message in the order they stand, those of enclosed messages with them.
 *
 * Runs in:   engine threads and jobs; pure.
 */

import type { Part } from './structure.ts';

export function allParts(root: Part): readonly Part[] {
  const found: Part[] = [];
  const waiting: Part[] = [root];
  while (waiting.length > 0) {
    const part = waiting.pop()!;
    found.push(part);
    for (let i = part.children.length - 1; i >= 0; i--) waiting.push(part.children[i]!);
    if (part.message !== undefined) waiting.push(part.message.root);
  }
  return found;
}
