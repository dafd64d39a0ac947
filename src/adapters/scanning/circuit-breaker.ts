/**
 * Leaves alone what fails again and again: without it each message would wait for a scanner that is down.
 *
 * Runs in:   engine threads, one each for a scanner.
 * Limits:    `failuresMax` failures in a row open the circuit for `pauseMsFirst`, twice as long each time, `pauseMsMax`
 *            at most.
 * Invariant: half open, one trial is under way and no other call passes; a trial that is given up counts as a failure.
 */

import type { Clock } from '../../ports/clock.ts';

export const failuresMax = 5;
export const pauseMsFirst = 1_000;
export const pauseMsMax = 30_000;

export const circuitStates = ['closed', 'open', 'half-open'] as const;
export type CircuitState = (typeof circuitStates)[number];

export class CircuitBreaker {
  readonly #clock: Clock;
  #failures = 0;
  #pauseMs = 0;
  #untilMs = 0;
  #isTried = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get state(): CircuitState {
    if (this.#pauseMs === 0) return 'closed';
    return this.#isTried || this.#clock.monotonicMs() >= this.#untilMs ? 'half-open' : 'open';
  }

  /** Undefined: no call may be made now. Else who calls says once how it ended. */
  begin(): ((isGood: boolean) => void) | undefined {
    if (this.#pauseMs === 0) return (isGood) => this.#ended(isGood, false);
    if (this.#isTried || this.#clock.monotonicMs() < this.#untilMs) return undefined;
    this.#isTried = true;
    return (isGood) => this.#ended(isGood, true);
  }

  #ended(isGood: boolean, isTrial: boolean): void {
    if (isTrial) this.#isTried = false;
    if (isGood) {
      this.#failures = 0;
      this.#pauseMs = 0;
      return;
    }
    this.#failures++;
    // Calls from before it opened, which end while it is open, make no pause longer.
    const isOpening = this.#pauseMs === 0 && this.#failures >= failuresMax;
    if (!isOpening && !isTrial) return;
    this.#pauseMs = isOpening ? pauseMsFirst : Math.min(pauseMsMax, 2 * this.#pauseMs);
    this.#untilMs = this.#clock.monotonicMs() + this.#pauseMs;
  }
}
