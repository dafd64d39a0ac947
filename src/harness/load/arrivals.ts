/**
 * Arrival schedules of an open loop: when each message ought to start, whatever the server does.
 *
 * Runs in:   load generator; pure (chance is an argument).
 * Invariant: instants never go back.
 */

import type { Random } from '../../ports/random.ts';

export const arrivalKinds = ['constant', 'poisson'] as const;
export type ArrivalKind = (typeof arrivalKinds)[number];

/** Gives intended starts one after the other, in milliseconds since the run began. */
export class Arrivals {
  readonly #kind: ArrivalKind;
  readonly #gapMs: number;
  readonly #random: Random;
  #index = 0;
  #atMs = 0;

  constructor(kind: ArrivalKind, perSecond: number, random: Random) {
    this.#kind = kind;
    this.#gapMs = 1000 / perSecond;
    this.#random = random;
    if (kind === 'poisson') this.#atMs = this.#exponentialMs();
  }

  /** The next intended start, not yet taken. */
  get nextMs(): number {
    return this.#atMs;
  }

  take(): number {
    const atMs = this.#atMs;
    this.#index++;
    // Counted from the start for a constant rate, so that rounding never adds up.
    if (this.#kind === 'constant') this.#atMs = this.#index * this.#gapMs;
    else this.#atMs += this.#exponentialMs();
    return atMs;
  }

  #exponentialMs(): number {
    return -Math.log(1 - this.#random.fraction()) * this.#gapMs;
  }
}
