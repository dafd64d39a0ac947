/**
 * What the examples of many accounts say of a message: how often each feature was in spam and in ham (`evidence.ts`).
 *
 * Runs in:   engine threads; pure.
 * Invariant: the order of examples does not matter. Without `examplesMin` of both kinds nothing is said. Of each kind no
 *            account gives more than one in `teachersMin` examples, and what one account alone says is not said.
 */

import { oddsOf } from './evidence.ts';
import { firstNotBelow, placesOf } from './personal.ts';
import type { Reading } from './reading.ts';

/** So many accounts make a model; of the examples of a kind each gives at most one in so many. */
export const teachersMin = 3;
/** A feature speaks for spam when so many accounts had it in spam, and for ham likewise. */
const teachersPerPlaceMin = 2;
const examplesMin = 5;
/** Fully believed with so many of the rarer kind. */
const trustedCount = 20;
/** Half of what an account's own model may say. */
const pointsMax = 3;
/** As the server's model (decision 0155), of features that are fewer. */
const pointsPerEvidence = 0.35;

export interface SharedModel {
  /** Ascending; only those that speak. */
  readonly places: Uint32Array;
  /** Log odds of each; above 0 for spam. */
  readonly odds: Float32Array;
  readonly spamCount: number;
  readonly hamCount: number;
}

/**
 * How many examples of one kind are taken of each account, `counts` being how many each has: as many as `max`, and so
 * few that none gives more than one in `teachersMin` of all that are taken. 0: too few accounts have any.
 */
export function examplesOfEach(counts: readonly number[], max: number): number {
  for (let each = max; each > 0; each--) {
    const taken = counts.reduce((sum, count) => sum + Math.min(count, each), 0);
    const most = Math.min(each, Math.max(0, ...counts));
    if (most > 0 && most * teachersMin <= taken) return each;
  }
  return 0;
}

/** Of one kind: examples that had it × 2^8 + accounts that had it, by place. */
type Seen = Map<number, number>;

/** Gathers examples, as many accounts at a time as a turn has room for. */
export class SharedGather {
  readonly #inSpam: Seen = new Map();
  readonly #inHam: Seen = new Map();
  #spamCount = 0;
  #hamCount = 0;

  /** All examples that are taken of one account and kind; of at most 255 accounts. */
  add(isSpam: boolean, examples: readonly Uint32Array[]): void {
    if (isSpam) this.#spamCount += examples.length;
    else this.#hamCount += examples.length;
    const own = new Map<number, number>();
    for (const places of examples) {
      for (const place of places) own.set(place, (own.get(place) ?? 0) + 1);
    }
    const seen = isSpam ? this.#inSpam : this.#inHam;
    for (const [place, count] of own) seen.set(place, (seen.get(place) ?? 0) + count * 256 + 1);
  }

  /** Undefined: there are too few examples. */
  model(): SharedModel | undefined {
    const [spamCount, hamCount] = [this.#spamCount, this.#hamCount];
    if (Math.min(spamCount, hamCount) < examplesMin) return undefined;
    const found = new Map<number, number>();
    for (const [of, sign] of [[this.#inSpam, 1] as const, [this.#inHam, -1] as const]) {
      for (const [place, seen] of of) {
        if ((seen & 0xff) < teachersPerPlaceMin) continue;
        const inSpam = (this.#inSpam.get(place) ?? 0) >>> 8;
        const inHam = (this.#inHam.get(place) ?? 0) >>> 8;
        const odds = oddsOf(inSpam, inHam, spamCount, hamCount);
        if (odds * sign > 0) found.set(place, odds);
      }
    }
    const places = Uint32Array.from(found.keys()).sort();
    const odds = Float32Array.from(places, (place) => found.get(place)!);
    return { places, odds, spamCount, hamCount };
  }
}

/** What is to be added to a message's points; below 0 speaks for it. */
export function sharedPoints(model: SharedModel, reading: Reading): number {
  const { places, odds, spamCount, hamCount } = model;
  let [sum, speaking, at] = [0, 0, 0];
  for (const place of placesOf(reading)) {
    at = firstNotBelow(places, place, at);
    if (places[at] !== place) continue;
    sum += odds[at]!;
    speaking++;
  }
  const trust = Math.min(1, Math.min(spamCount, hamCount) / trustedCount);
  const points = (sum / Math.sqrt(Math.max(1, speaking))) * pointsPerEvidence * trust;
  return Math.max(-pointsMax, Math.min(pointsMax, points));
}
