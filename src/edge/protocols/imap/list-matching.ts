/**
 * Names matched against the patterns of one LIST or LSUB, a slice at a time.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §6.3.9.
 * Limits:    `matchStepsMax` steps a command, a step being a character of a name at one of a pattern; between slices of
 *            about 1 ms others have their turn. Who has ten thousand long names may ask with few patterns at a time.
 */

import { joinPattern, ListPattern } from '../../../mail/wire/imap/list-match.ts';
import type { ListCommand } from '../../../mail/wire/imap/parse-list.ts';

export const matchStepsMax = 100_000_000;
const sliceSteps = 200_000;

/** Those that match any of the patterns. Undefined: it would take too long. */
export async function matchedNames(
  names: Iterable<string>,
  { reference, patterns }: Pick<ListCommand, 'reference' | 'patterns'>,
): Promise<ReadonlySet<string> | undefined> {
  const asked = patterns.map((pattern) => joinPattern(reference, pattern));
  const all = new Set(names);
  let characters = 0;
  for (const name of all) characters += name.length;
  const patternCharacters = asked.reduce((sum, { length }) => sum + length, 0);
  if (characters * patternCharacters > matchStepsMax) return undefined;
  const ready = asked.map((text) => [new ListPattern(text), text.length] as const);
  const matched = new Set<string>();
  let steps = 0;
  for (const name of all) {
    for (const [pattern, length] of ready) {
      steps += name.length * length;
      if (pattern.matches(name)) matched.add(name);
      if (steps >= sliceSteps) {
        steps = 0;
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (matched.has(name)) break;
    }
  }
  return matched;
}
