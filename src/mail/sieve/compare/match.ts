/**
 * Match types: how values of a message are compared with the keys of a script.
 *
 * Runs in:   anywhere; pure; hot.
 * Specs:     RFC 5228 §2.7, RFC 5231 (:count, :value), draft-ietf-sieve-regex, RFC 6134 (:list, done by its caller).
 */

import type { Comparator } from './comparator.ts';
import { type Captures, Glob } from './glob.ts';
import { Regex } from './regex.ts';
import { hasSubstring } from './substring.ts';

export type Relation = 'gt' | 'ge' | 'lt' | 'le' | 'eq' | 'ne';

export type MatchType = 'is' | 'contains' | 'matches' | 'regex' | 'value' | 'count' | 'list';

export const relations: readonly string[] = ['gt', 'ge', 'lt', 'le', 'eq', 'ne'];

/** How a test compares. */
export interface Matching {
  readonly type: MatchType;
  readonly relation: Relation;
  readonly comparator: Comparator;
}

/** A key, ready to be compared with any number of values. */
export interface Key {
  readonly text: string;
  /** Of a character, against that of a plain comparison; more where what matched is wanted. */
  readonly cost: number;
  readonly captureCost: number;
  /** What the wildcards stood for where that is wanted, or "yes"; undefined: no match. */
  match(value: string, wantsCaptures: boolean): Captures | true | undefined;
}

/** As measured: what stands for what makes a glob four times as dear, and an expression much more. */
const globCost = 4;
const regexCaptureCost = 16;
const plain = { cost: 1, captureCost: 1 };

export function makeKey(text: string, matching: Matching): Key {
  const { type, comparator } = matching;
  if (type === 'matches') {
    const glob = new Glob(text, comparator);
    return { text, cost: globCost, captureCost: globCost, match: (value) => glob.match(value) };
  }
  if (type === 'regex') {
    const regex = new Regex(text, comparator);
    const { cost } = regex;
    const match = (value: string, wants: boolean) => regex.match(value, wants);
    return { text, cost, captureCost: cost * regexCaptureCost, match };
  }
  const folded = comparator.fold(text);
  if (type === 'contains') {
    const match = (value: string) => hasSubstring(comparator.fold(value), folded) || undefined;
    return { text, ...plain, match };
  }
  if (type === 'is') {
    return { text, ...plain, match: (value) => comparator.fold(value) === folded || undefined };
  }
  const { relation } = matching;
  return {
    text,
    ...plain,
    match: (value) => isSo(relation, comparator.order(comparator.fold(value), folded)) || undefined,
  };
}

function isSo(relation: Relation, order: number): boolean {
  if (relation === 'gt') return order > 0;
  if (relation === 'ge') return order >= 0;
  if (relation === 'lt') return order < 0;
  if (relation === 'le') return order <= 0;
  return relation === 'eq' ? order === 0 : order !== 0;
}
