/**
 * What one account's own examples say of a message: a small logistic model, made anew of the examples whenever they change.
 *
 * Runs in:   engine threads; pure. A model of `examplesMax` examples of each kind takes some milliseconds to make.
 * Limits:    `examplePlacesMax` places of an example, `examplesMax` examples of each kind.
 * Invariant: the same examples in the same order make the same model. Without `examplesMin` of both kinds nothing is
 *            said: common marks of all mail would be taken for marks of one kind.
 */

import { FeatureGather, gatherFeatures } from './features.ts';
import type { Reading } from './reading.ts';

/** Header, shape and addresses of the web come first, then as many words as there is room for. */
export const examplePlacesMax = 400;
/** Of each kind. */
export const examplesMax = 32;
const examplesMin = 2;

/** Fully believed with so many of the rarer kind. */
const trustedCount = 4;
/** Points a model adds or takes away at most: more than from surely ham to spam, less than a rule of an operator. */
const pointsMax = 6;
/** Of mail that was not among 32 examples of each kind, one ham in 200 gets more than 2.5. */
const pointsPerLogit = 2;
const passes = 3;
const norm = 8;
const rate = 0.5;
const decay = 0.001;

export interface Example {
  readonly isSpam: boolean;
  readonly places: Uint32Array;
}

export interface PersonalModel {
  /** Ascending. */
  readonly places: Uint32Array;
  readonly weights: Float32Array;
  /** From 0 to 1. */
  readonly trust: number;
}

export function placesOf(reading: Reading): Uint32Array {
  return gatherFeatures(reading, new FeatureGather(false, examplePlacesMax)).sort();
}

/** Undefined: there are too few examples. */
export function personalModel(examples: readonly Example[]): PersonalModel | undefined {
  const spamCount = examples.filter(({ isSpam }) => isSpam).length;
  const fewer = Math.min(spamCount, examples.length - spamCount);
  if (fewer < examplesMin) return undefined;
  const numbers = new Map<number, number>();
  const slotted = examples.map(({ isSpam, places }): Slotted => {
    const slots = places.map((place) => {
      const known = numbers.get(place) ?? numbers.size;
      numbers.set(place, known);
      return known;
    });
    return { isSpam, slots };
  });
  const weights = trained(slotted, numbers.size);
  const places = Uint32Array.from(numbers.keys()).sort();
  const sorted = Float32Array.from(places, (place) => weights[numbers.get(place)!]!);
  return { places, weights: sorted, trust: Math.min(1, fewer / trustedCount) };
}

/** Its places by the numbers of their weights. */
interface Slotted {
  readonly isSpam: boolean;
  readonly slots: Uint32Array;
}

function trained(examples: readonly Slotted[], size: number): Float64Array {
  const weights = new Float64Array(size);
  const squares = new Float64Array(size);
  const spams = examples.filter(({ isSpam }) => isSpam);
  const hams = examples.filter(({ isSpam }) => !isSpam);
  const longer = Math.max(spams.length, hams.length);
  for (let pass = 0; pass < passes; pass++) {
    // The rarer kind is shown as often as the other.
    for (let i = 0; i < longer; i++) {
      step(weights, squares, spams[i % spams.length]!);
      step(weights, squares, hams[i % hams.length]!);
    }
  }
  return weights;
}

/** Adaptive gradient steps, per place. */
function step(weights: Float64Array, squares: Float64Array, { slots, isSpam }: Slotted): void {
  const value = norm / Math.sqrt(Math.max(1, slots.length));
  let logit = 0;
  for (let i = 0; i < slots.length; i++) logit += weights[slots[i]!]! * value;
  const gradient = (1 / (1 + Math.exp(-logit)) - (isSpam ? 1 : 0)) * value;
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i]!;
    const own = gradient + decay * weights[slot]!;
    squares[slot]! += own * own;
    weights[slot]! -= (rate * own) / Math.sqrt(1 + squares[slot]!);
  }
}

/** What is to be added to a message's points; below 0 speaks for it. */
export function personalPoints(model: PersonalModel, reading: Reading): number {
  const places = placesOf(reading);
  const value = norm / Math.sqrt(Math.max(1, places.length));
  let logit = 0;
  let at = 0;
  for (const place of places) {
    at = firstNotBelow(model.places, place, at);
    if (model.places[at] === place) logit += model.weights[at]! * value;
  }
  const points = logit * pointsPerLogit * model.trust;
  return Math.max(-pointsMax, Math.min(pointsMax, points));
}

export function firstNotBelow(places: Uint32Array, wanted: number, from: number): number {
  let [low, high] = [from, places.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (places[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
