/**
 * The learning classifier, trained one message at a time: logistic regression over hashed features (FTRL-proximal, per
 * coordinate), and how often each feature was in spam and in ham. They err on different mail.
 *
 * Runs in:   engine threads and jobs; pure. A model belongs to one thread.
 * Limits:    four float32 a place of the table (4 MB); `rememberedMax` messages of each kind are remembered as places.
 * Invariant: trained in one order, a model is the same everywhere. Of a message only places of the table are kept: no
 *            text can be read out of a model.
 */

import { loudness, oddsAt } from './evidence.ts';
import { FeatureGather, gatherFeatures, tableSize } from './features.ts';
import type { Reading } from './reading.ts';

const alpha = 1;
const beta = 1;
const l1 = 0.02;
const l2 = 0.01;
/** What a message's features weigh together: each `norm / √count`, so that long mail does not shout. */
const norm = 25;
/** Remembered of each kind, so that thousands of one kind in a row do not drown the other. */
export const rememberedMax = 512;
/** Remembered messages of each kind that are gone through again with a new one. */
const reminders = 3;
/** A message learnt so well already teaches nothing: less to write, and no drift. */
const surenessMax = 0.999;

/** What is remembered of messages of one kind. */
export interface Memory {
  /** Messages ever trained of this kind. */
  count: number;
  readonly messages: Uint32Array[];
}

export class SpamModel {
  readonly z: Float32Array;
  readonly n: Float32Array;
  readonly inSpam: Float32Array;
  readonly inHam: Float32Array;
  readonly ham: Memory = { count: 0, messages: [] };
  readonly spam: Memory = { count: 0, messages: [] };

  constructor() {
    this.z = new Float32Array(tableSize);
    this.n = new Float32Array(tableSize);
    this.inSpam = new Float32Array(tableSize);
    this.inHam = new Float32Array(tableSize);
  }

  get spamCount(): number {
    return this.spam.count;
  }

  get hamCount(): number {
    return this.ham.count;
  }
}

/** Teaches the model one message, and reminds it of some of both kinds. */
export function train(model: SpamModel, reading: Reading, isSpam: boolean): void {
  const places = gatherFeatures(reading, new FeatureGather(false));
  const [own, other] = isSpam ? [model.spam, model.ham] : [model.ham, model.spam];
  const seen = isSpam ? model.inSpam : model.inHam;
  for (const place of places) seen[place]!++;
  step(model, places, isSpam);
  for (let i = 0; i < reminders; i++) {
    const number = own.count * reminders + i;
    const reminder = chosen(other, number);
    if (reminder !== undefined) step(model, reminder, !isSpam);
    const again = chosen(own, number + 0x10000000);
    if (again !== undefined) step(model, again, isSpam);
  }
  remember(own, places);
}

/** One of those remembered; which, follows from the number alone. */
function chosen({ messages }: Memory, number: number): Uint32Array | undefined {
  return messages[scattered(number) % Math.max(1, messages.length)];
}

/** A sample of all there were, each as likely as any other (reservoir), without chance. */
function remember(memory: Memory, places: Uint32Array): void {
  memory.count++;
  if (memory.messages.length < rememberedMax) memory.messages.push(places);
  else {
    const slot = scattered(memory.count ^ 0x5bd1e995) % memory.count;
    if (slot < rememberedMax) memory.messages[slot] = places;
  }
}

function scattered(number: number): number {
  let hash = Math.imul(number ^ 0x9e3779b9, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function step(model: SpamModel, places: Uint32Array, isSpam: boolean): void {
  const value = norm / Math.sqrt(Math.max(1, places.length));
  const probability = sigmoid(logitOf(model, places));
  if ((isSpam ? probability : 1 - probability) > surenessMax) return;
  const gradient = (probability - (isSpam ? 1 : 0)) * value;
  const { z, n } = model;
  for (const place of places) {
    const before = n[place]!;
    const after = before + gradient * gradient;
    const sigma = (Math.sqrt(after) - Math.sqrt(before)) / alpha;
    z[place] = z[place]! + gradient - sigma * weightAt(model, place);
    n[place] = after;
  }
}

function weightAt({ z, n }: SpamModel, place: number): number {
  const pull = z[place]!;
  if (pull <= l1 && pull >= -l1) return 0;
  return -(pull - (pull < 0 ? -l1 : l1)) / ((beta + Math.sqrt(n[place]!)) / alpha + l2);
}

/** Log odds that it is spam; 0: nothing is known. */
function logitOf(model: SpamModel, places: Uint32Array): number {
  let sum = 0;
  for (const place of places) sum += weightAt(model, place);
  return (sum * norm) / Math.sqrt(Math.max(1, places.length));
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** Points of a logit of the regression, and of what features say alone (decision 0155). */
const pointsPerLogit = 0.05;
const pointsPerEvidence = 0.5;

export interface Strength {
  /** As `word:viagra`. */
  readonly feature: string;
  /** Points it adds; above 0 speaks for spam. */
  readonly weight: number;
}

export interface Classification {
  /** 0: nothing is known; above, it looks like spam. */
  readonly points: number;
  /** The strongest first; none where nobody wants to explain. */
  readonly strongest: readonly Strength[];
}

const strongestMax = 8;
/** Of each kind: with fewer a model knows next to nothing. */
const halfTrustedCount = { global: 20, tenant: 50, user: 20 } as const;

export interface Models {
  readonly global?: SpamModel | undefined;
  readonly tenant?: SpamModel | undefined;
  readonly user?: SpamModel | undefined;
}

/** The narrower a model, the more it counts, as far as it has seen enough of both kinds. */
export function classify(models: Models, reading: Reading, isExplained = true): Classification {
  const gather = new FeatureGather(isExplained);
  const places = gatherFeatures(reading, gather);
  const value = norm / Math.sqrt(Math.max(1, places.length));
  const logits = new Float64Array(places.length);
  const odds = new Float64Array(places.length);
  for (const level of ['global', 'tenant', 'user'] as const) {
    const model = models[level];
    if (model === undefined) continue;
    const share = trustIn(model, level);
    places.forEach((place, i) => {
      logits[i] = logits[i]! * (1 - share) + weightAt(model, place) * value * share;
      odds[i] = odds[i]! * (1 - share) + oddsAt(model, place) * share;
    });
  }
  const loud = loudness(odds) * pointsPerEvidence;
  const weights = logits.map((logit, i) => logit * pointsPerLogit + odds[i]! * loud);
  const points = weights.reduce((sum, weight) => sum + weight, 0);
  if (!isExplained) return { points, strongest: [] };
  const order = Array.from(weights.keys()).sort(
    (a, b) => Math.abs(weights[b]!) - Math.abs(weights[a]!),
  );
  const strongest = order
    .slice(0, strongestMax)
    .filter((i) => weights[i] !== 0)
    .map((i) => ({ feature: gather.names!.get(places[i]!)!, weight: weights[i]! }));
  return { points, strongest };
}

/** From 0 to 1. */
function trustIn({ ham, spam }: SpamModel, level: keyof Models): number {
  const count = Math.min(ham.count, spam.count);
  return count / (count + halfTrustedCount[level]);
}
