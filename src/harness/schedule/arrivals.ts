/**
 * Arrival schedules of an open loop: when each job ought to start, whatever the server does.
 *
 * Runs in:   load generator; pure (chance is an argument).
 * Limits:    `traceCountMax` instants of a trace.
 * Invariant: instants never go back; a schedule divided among threads gives together what it gives undivided.
 */

import type { Random } from '../../ports/random.ts';

export const arrivalKinds = ['constant', 'poisson'] as const;
export type ArrivalKind = (typeof arrivalKinds)[number];

const traceCountMax = 10_000_000;

/** A rate that goes evenly from one value to another; equal values: a step. */
export interface RateStage {
  readonly seconds: number;
  readonly fromPerSecond: number;
  readonly toPerSecond: number;
}

/** Plain data, so that it can be handed to threads. */
export type ArrivalPlan =
  | { readonly kind: ArrivalKind; readonly stages: readonly RateStage[] }
  | { readonly kind: 'trace'; readonly atMs: readonly number[] };

/** Gives intended starts one after the other, in milliseconds since the run began. */
export interface Arrivals {
  /** The next intended start, not yet taken; Infinity when there is none. */
  readonly nextMs: number;
  take(): number;
}

/** A part of the whole load, for one of several threads. */
export interface Share {
  readonly index: number;
  readonly count: number;
}

export const wholeShare: Share = { index: 0, count: 1 };

export function steadyPlan(kind: ArrivalKind, perSecond: number): ArrivalPlan {
  const stage = { seconds: Infinity, fromPerSecond: perSecond, toPerSecond: perSecond };
  return { kind, stages: [stage] };
}

export function createArrivals(plan: ArrivalPlan, random: Random, share = wholeShare): Arrivals {
  if (plan.kind === 'trace') return new TraceArrivals(plan.atMs, share);
  return new RateArrivals(plan.kind, plan.stages, random, share);
}

/**
 * Arrivals by a rate that changes. Time is counted in expected arrivals (the integral of the rate), where all
 * schedules have rate 1: constant arrivals are whole numbers there, Poisson ones have exponential gaps of mean 1.
 */
class RateArrivals implements Arrivals {
  readonly #isPoisson: boolean;
  readonly #stages: readonly RateStage[];
  readonly #random: Random;
  readonly #share: Share;
  #stage = 0;
  /** Of the stage under way: when it began, and how many arrivals were expected before it. */
  #stageMs = 0;
  #stageCount = 0;
  #index = 0;
  #expected = 0;
  nextMs = 0;

  constructor(kind: ArrivalKind, stages: readonly RateStage[], random: Random, share: Share) {
    this.#isPoisson = kind === 'poisson';
    this.#stages = stages;
    this.#random = random;
    this.#share = share;
    if (this.#isPoisson) this.#expected = this.#gap();
    else this.#expected = share.index;
    this.nextMs = this.#instantOf(this.#expected);
  }

  take(): number {
    const atMs = this.nextMs;
    this.#index++;
    // Counted from the start for a constant rate, so that rounding never adds up.
    if (this.#isPoisson) this.#expected += this.#gap();
    else this.#expected = this.#index * this.#share.count + this.#share.index;
    this.nextMs = this.#instantOf(this.#expected);
    return atMs;
  }

  /** A Poisson stream dealt out by chance to n threads is n Poisson streams of an n-th of the rate. */
  #gap(): number {
    return -Math.log(1 - this.#random.fraction()) * this.#share.count;
  }

  #instantOf(expected: number): number {
    for (;;) {
      const stage = this.#stages[this.#stage];
      if (stage === undefined) return Infinity;
      const count = expected - this.#stageCount;
      const whole = stageCount(stage);
      if (count < whole) return this.#stageMs + secondsUntil(stage, count) * 1000;
      this.#stage++;
      this.#stageMs += stage.seconds * 1000;
      this.#stageCount += whole;
    }
  }
}

/** Arrivals expected in all of a stage. */
function stageCount({ seconds, fromPerSecond, toPerSecond }: RateStage): number {
  const perSecond = (fromPerSecond + toPerSecond) / 2;
  return perSecond === 0 ? 0 : perSecond * seconds;
}

/** When `count` arrivals are expected: the solution of from·t + (to − from)·t² / 2·seconds = count. */
function secondsUntil({ seconds, fromPerSecond, toPerSecond }: RateStage, count: number): number {
  if (count === 0) return 0;
  if (fromPerSecond === toPerSecond) return count / fromPerSecond;
  const slope = (toPerSecond - fromPerSecond) / seconds;
  const root = Math.sqrt(Math.max(0, fromPerSecond * fromPerSecond + 2 * slope * count));
  // The form that loses no digits when the two are close to each other.
  return (2 * count) / (fromPerSecond + root);
}

class TraceArrivals implements Arrivals {
  readonly #atMs: readonly number[];
  readonly #step: number;
  #index: number;

  constructor(atMs: readonly number[], share: Share) {
    this.#atMs = atMs;
    this.#step = share.count;
    this.#index = share.index;
  }

  get nextMs(): number {
    return this.#atMs[this.#index] ?? Infinity;
  }

  take(): number {
    const atMs = this.nextMs;
    this.#index += this.#step;
    return atMs;
  }
}

/** A date may have a blank before its time, as in logs. */
const instantPattern = /^(?:\d{4}-\d\d-\d\d \d\d:[\d:.]+(?:Z|[+-]\d\d:?\d\d)?|[^\s,;]+)/;

/**
 * Reads a trace: one instant a line, in seconds since any begin or as ISO 8601; what follows a comma or blank on a line
 * is not read, nor are empty lines and lines that begin with #. The first instant becomes 0.
 */
export function parseTrace(text: string, from: string): readonly number[] {
  const instants: number[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const word = instantPattern.exec(line.trim())?.[0];
    if (word === undefined || word.startsWith('#')) continue;
    const seconds = Number(word);
    const atMs = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(word);
    if (Number.isNaN(atMs)) {
      throw new Error(`${from}, line ${index + 1}: "${word}" is neither seconds nor a date`);
    }
    if (instants.push(atMs) > traceCountMax)
      throw new Error(`${from}: over ${traceCountMax} lines`);
  }
  if (instants.length === 0) throw new Error(`${from} holds no instants`);
  instants.sort((a, b) => a - b);
  const firstMs = instants[0]!;
  return instants.map((atMs) => atMs - firstMs);
}
