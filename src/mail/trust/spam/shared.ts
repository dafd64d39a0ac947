/**
 * What the examples of many accounts say of a message: how often each feature was in spam and in ham (`evidence.ts`).
 *
 * Runs in:   engine threads; pure.
 * Invariant: the order of examples does not matter. Without `examplesMin` of both kinds nothing is said.
 */

import { oddsOf } from './evidence.ts';
import { type Example, firstNotBelow, placesOf } from './personal.ts';
import type { Reading } from './reading.ts';

const examplesMin = 5;
/** Fully believed with so many of the rarer kind. */
const trustedCount = 20;
/** Half of what an account's own model may say. */
const pointsMax = 3;
/** As the server's model (decision 0155), of features that are fewer. */
const pointsPerEvidence = 0.35;

export interface SharedModel {
  /** Ascending. */
  readonly places: Uint32Array;
  readonly inSpam: Uint16Array;
  readonly inHam: Uint16Array;
  readonly spamCount: number;
  readonly hamCount: number;
}

/** Gathers examples, as many at a time as a turn has room for. */
export class SharedGather {
  /** Seen in spam × 2^16 + in ham, by place. */
  readonly #seen = new Map<number, number>();
  #spamCount = 0;
  #hamCount = 0;

  /** At most 65,535 of each kind. */
  add({ isSpam, places }: Example): void {
    if (isSpam) this.#spamCount++;
    else this.#hamCount++;
    const one = isSpam ? 0x1_0000 : 1;
    for (const place of places) this.#seen.set(place, (this.#seen.get(place) ?? 0) + one);
  }

  /** Undefined: there are too few examples. */
  model(): SharedModel | undefined {
    const [spamCount, hamCount] = [this.#spamCount, this.#hamCount];
    if (Math.min(spamCount, hamCount) < examplesMin) return undefined;
    const places = Uint32Array.from(this.#seen.keys()).sort();
    const inSpam = Uint16Array.from(places, (place) => this.#seen.get(place)! >>> 16);
    const inHam = Uint16Array.from(places, (place) => this.#seen.get(place)! & 0xffff);
    return { places, inSpam, inHam, spamCount, hamCount };
  }
}

/** What is to be added to a message's points; below 0 speaks for it. */
export function sharedPoints(model: SharedModel, reading: Reading): number {
  const { places, inSpam, inHam, spamCount, hamCount } = model;
  let [sum, speaking, at] = [0, 0, 0];
  for (const place of placesOf(reading)) {
    at = firstNotBelow(places, place, at);
    if (places[at] !== place) continue;
    const odds = oddsOf(inSpam[at]!, inHam[at]!, spamCount, hamCount);
    sum += odds;
    if (odds !== 0) speaking++;
  }
  const trust = Math.min(1, Math.min(spamCount, hamCount) / trustedCount);
  const points = (sum / Math.sqrt(Math.max(1, speaking))) * pointsPerEvidence * trust;
  return Math.max(-pointsMax, Math.min(pointsMax, points));
}
