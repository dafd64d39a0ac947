/**
 * What scanners said of a message, as it stands in its header.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5235 §2.2 (spamtest).
 * Invariant: only where scanners are asked: elsewhere the fields are anybody's words.
 */

import type { HeaderList } from '../../../mail/sieve/message/header-list.ts';
import type { SieveVerdict } from '../../../mail/sieve/run/host.ts';
import { suspectField } from '../../pipeline/suspect-field.ts';

/** Why mail is kept apart: its score, or what a scanner decided by a policy of its own. */
export type QuarantineKind = 'spam' | 'policy';

export interface TrustMarks {
  /**
   * The worst of its scores, as a percentage of what its scanner calls spam; not below 100 where it said that it is,
   * not above 99 where it said that it is not. Absent: no score.
   */
  readonly spamPercent?: number;
  /** Somebody without a score says that it is spam. */
  readonly isCalledSpam: boolean;
  readonly quarantine?: QuarantineKind;
}

export const noMarks: TrustMarks = { isCalledSpam: false };

const statusPattern = /^(Yes|No), score=(-?\d+(?:\.\d+)?) required=(\d+(?:\.\d+)?)/;

export function readMarks(headers: Pick<HeaderList, 'texts'>): TrustMarks {
  let worst: number | undefined;
  let flagged = headers.texts('x-spam-flag').filter((value) => value === 'YES').length;
  for (const value of headers.texts('x-spam-status')) {
    const [, word, score, required] = statusPattern.exec(value) ?? [];
    if (!(Number(required) > 0)) continue;
    const percent = (Number(score) / Number(required)) * 100;
    const said = word === 'Yes' ? Math.max(100, percent) : Math.min(99, percent);
    if (word === 'Yes') flagged--;
    worst = Math.max(worst ?? 0, said);
  }
  const held = heldWord(headers);
  return {
    ...(worst === undefined ? {} : { spamPercent: worst }),
    isCalledSpam: flagged > 0,
    ...(held === undefined ? {} : { quarantine: held.startsWith('spam') ? 'spam' : 'policy' }),
  };
}

/** Why it is kept apart, in the words of who says so; a policy's before a score's, which its reader may overrule. */
export function heldWord(headers: Pick<HeaderList, 'texts'>): string | undefined {
  const words = headers.texts('x-quarantine');
  return words.find((word) => !word.startsWith('spam')) ?? words[0];
}

/** Whose word it is stands in it: mail that another server marked and sent on is not marked by us. */
export function isSuspect(headers: Pick<HeaderList, 'texts'>, authservId: string): boolean {
  const [said] = suspectField(authservId).trimEnd().split(': ').slice(1);
  return headers.texts('x-dmarc-outcome').some((value) => value === said);
}

/** RFC 9989 §5.4: its author's domain asks that it is not taken as any other. */
export function suspectMarks(marks: TrustMarks, outcome: 'junk' | 'quarantine'): TrustMarks {
  if (outcome === 'junk') return { ...marks, isCalledSpam: true };
  return { ...marks, quarantine: marks.quarantine ?? 'spam' };
}

/** Of what the own score calls spam (docs/spam.md). */
const pointsOfSpam = 5;

/** Points of an account's own are as those of the own score. */
export function withPoints(marks: TrustMarks, points: number): TrustMarks {
  const percent = (marks.spamPercent ?? 0) + (points / pointsOfSpam) * 100;
  return { ...marks, spamPercent: Math.max(0, percent) };
}

/** A scanner's threshold is the middle, twice that is surely spam. */
export function spamVerdict({ spamPercent }: TrustMarks): SieveVerdict {
  return spamPercent === undefined ? {} : { spamPercent: Math.min(100, spamPercent / 2) };
}
