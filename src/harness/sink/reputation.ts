/**
 * What a provider thinks of a network: a score that falls with complaints, invalid recipients and haste, rises with
 * mail that was wanted, and comes back with time.
 *
 * Runs in:   sink; pure (chance and time are arguments).
 * Limits:    `networksMax` networks; those long unseen start again.
 */

import { isIP } from 'node:net';
import { plainAddress } from '../../base/networks.ts';
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

/** What providers hold together: the /24 of an IPv4 address, the /64 of an IPv6 one. */
export function networkOf(given: string): string {
  const address = plainAddress(given);
  switch (isIP(address)) {
    case 4:
      return `${address.slice(0, address.lastIndexOf('.'))}.0/24`;
    case 6:
      return `${firstGroups(address)}::/64`;
    default:
      return given;
  }
}

function firstGroups(address: string): string {
  const [head = '', tail] = address.toLowerCase().split('%')[0]!.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...new Array<string>(zeros).fill('0'), ...right].slice(0, 4).join(':');
}
