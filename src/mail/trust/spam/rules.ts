/**
 * What speaks for or against a message, as data: a name, points, words of why.
 *
 * Runs in:   engine threads and jobs; pure.
 * Limits:    those of the reading. No pattern comes from outside, and each is linear: no group that repeats holds one.
 */

import type { Verdicts } from '../verify.ts';
import { addressRules } from './address-rules.ts';
import { contentRules } from './content-rules.ts';
import type { Reading } from './reading.ts';

/** What the caller knows besides the message. */
export interface Surroundings {
  /** Who vouches for it; left out: nobody looked, and no rule of it holds. */
  readonly verdicts?: Verdicts | undefined;
  /** Domains of this server or tenant, in lower case. */
  readonly ownDomains?: readonly string[];
  readonly nowMs?: number;
}

export interface Rule {
  readonly name: string;
  /** Above 0 for spam. */
  readonly points: number;
  readonly why: string;
  readonly holds: (reading: Reading, around: Surroundings) => boolean;
}

export interface Hit {
  readonly rule: string;
  readonly points: number;
  readonly why: string;
}

export const rules: readonly Rule[] = [...addressRules, ...contentRules];

export function applyRules(reading: Reading, around: Surroundings): readonly Hit[] {
  return rules
    .filter(({ holds }) => holds(reading, around))
    .map(({ name, points, why }) => ({ rule: name, points, why }));
}
