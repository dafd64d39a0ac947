/**
 * What filters found about a stranger, and what it adds up to.
 *
 * Runs in:   edge (main thread); pure.
 * Limits:    `wordsMax` words are told onwards, of `wordCharsMax` characters each.
 */

import type { FilterMarks } from '../../actors/asks/reception.ts';
import type { Judgement } from '../../settings/filters.ts';

const wordsMax = 32;
const wordCharsMax = 80;

export interface Finding {
  /** For logs, metrics and scores, as `list:zen` or `helo.bareAddress`. */
  readonly word: string;
  readonly judgement: Judgement;
  /** What a refused client hears, without its code. */
  readonly why: string;
  /** Of a list: the name whose TXT record says more. */
  readonly textAt?: string;
}

export interface Verdict {
  readonly marks: FilterMarks;
  /** It refuses the client; undefined: nothing does. */
  readonly refusedBy: Finding | undefined;
}

/** `rejectPoints`: from how many on a client is refused; 0: points refuse nobody. */
export function verdictOf(findings: readonly Finding[], rejectPoints: number): Verdict {
  let points = 0;
  let most = 0;
  let heaviest: Finding | undefined;
  let rejecting: Finding | undefined;
  for (const finding of findings) {
    const { judgement } = finding;
    if (judgement === 'reject') {
      rejecting ??= finding;
    } else {
      points += judgement;
      if (judgement > most) heaviest = finding;
      most = Math.max(most, judgement);
    }
  }
  const marks = { points, words: wordsOf(findings) };
  if (rejecting !== undefined) return { marks, refusedBy: rejecting };
  const isTooMuch = rejectPoints > 0 && points >= rejectPoints;
  return { marks, refusedBy: isTooMuch ? heaviest : undefined };
}

function wordsOf(findings: readonly Finding[]): readonly string[] {
  return findings
    .slice(0, wordsMax)
    .map(({ word, judgement }) => `${word.slice(0, wordCharsMax - 8)}=${judgement}`);
}
