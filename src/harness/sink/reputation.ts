/**
 * What a provider thinks of a network: a score that falls with complaints, invalid recipients and haste, rises with
 * mail that was wanted, and comes back with time.
 *
 * Runs in:   sink; pure (chance and time are arguments).
 * Limits:    `networksMax` networks; those long unseen start again.
 */

import { RecentMap } from '../../base/recent-map.ts';
import { hourMs } from '../../base/units.ts';
import type { Random } from '../../ports/random.ts';
import { type Glob, globPattern } from './glob.ts';
import type { ReputationEvent, ReputationRules } from './model.ts';

const networksMax = 100_000;
const scoreMax = 100;

interface Standing {
  score: number;
  atMs: number;
}

export class Reputation {
  readonly #rules: ReputationRules;
  readonly #random: Random;
  readonly #standings = new RecentMap<string, Standing>(networksMax);
  readonly #complainers: Glob | undefined;

  constructor(rules: ReputationRules, random: Random) {
    this.#rules = rules;
    this.#random = random;
    this.#complainers =
      rules.complainers === undefined ? undefined : globPattern(rules.complainers);
  }

  score(network: string, nowMs: number): number {
    return this.#standing(network, nowMs).score;
  }

  note(event: ReputationEvent, network: string, nowMs: number): void {
    const { perInvalid, perLimited, perComplaint } = this.#rules;
    const points = { invalid: perInvalid, limited: perLimited, complaint: perComplaint }[event];
    this.#move(network, points, nowMs);
  }

  /** A copy was taken; its reader may complain. */
  taken(network: string, recipient: string, nowMs: number): void {
    const { perAccepted, complaintShare } = this.#rules;
    this.#move(network, perAccepted, nowMs);
    const complains =
      this.#complainers?.test(recipient) === true ||
      (complaintShare > 0 && this.#random.fraction() < complaintShare);
    if (complains) this.note('complaint', network, nowMs);
  }

  #move(network: string, points: number, nowMs: number): void {
    const standing = this.#standing(network, nowMs);
    standing.score = Math.min(scoreMax, Math.max(0, standing.score + points));
  }

  #standing(network: string, nowMs: number): Standing {
    const { start, perHour } = this.#rules;
    const known = this.#standings.get(network);
    if (known === undefined) {
      const standing = { score: start, atMs: nowMs };
      this.#standings.set(network, standing);
      return standing;
    }
    if (known.score < start) {
      known.score = Math.min(start, known.score + (perHour * (nowMs - known.atMs)) / hourMs);
    }
    known.atMs = nowMs;
    return known;
  }
}
