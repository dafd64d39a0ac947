/**
 * How many connections a path stands: one more after enough went well, half as many when it says that it is too much.
 *
 * Runs in:   engine threads, the path's owner; pure (time is an argument).
 * Limits:    never below 1, never above the ceiling the path's rules give.
 * Invariant: refusals of one cohort (all that was under way when the first of them came) count once.
 *
 * Growth is additive, the fall multiplicative. It is quicker while the limit is well below where the path last
 * refused, and slow near it: that place is found again without running into it each time. A limit that is not used up
 * says nothing and does not grow.
 */

import { minuteMs, secondMs } from '../../../base/units.ts';

export interface ConcurrencyState {
  readonly limit: number;
  /** Where it refused last; 0: it never did. */
  readonly refusedAt: number;
}

/** Of the connections in use, what is left after a fall. */
const fallShare = 0.5;
/** Growth steps: far from the place that refused, near it, and past it. */
const stepMsFar = 5 * secondMs;
const stepMsNear = minuteMs;
/** From this share of it on, the place that refused is near. */
const nearShare = 0.8;
/** A message each is no proof: so many over each connection, since the last step. */
const successesPerConnection = 2;
const cohortMsMin = 2 * secondMs;
const cohortMsMax = minuteMs;
/** A cohort lasts as long as what was under way may take to be answered. */
const cohortServices = 4;
/** A place that refused so long ago is as good as forgotten. */
const forgetMs = 60 * minuteMs;

export class Concurrency {
  #limit: number;
  #ceiling: number;
  #refusedAt: number;
  #successes = 0;
  #changedMs: number;
  #fellMs = Number.NEGATIVE_INFINITY;
  #cohortMs = cohortMsMin;

  constructor(ceiling: number, nowMs: number, state?: ConcurrencyState) {
    this.#ceiling = ceiling;
    this.#limit = Math.max(1, Math.min(ceiling, state?.limit ?? ceiling));
    this.#refusedAt = state?.refusedAt ?? 0;
    this.#changedMs = nowMs;
    if (state !== undefined) this.#fellMs = nowMs;
  }

  get limit(): number {
    return this.#limit;
  }

  get ceiling(): number {
    return this.#ceiling;
  }

  get isHeldBack(): boolean {
    return this.#limit < this.#ceiling;
  }

  /** On the clock of the arguments. */
  get fellMs(): number {
    return this.#fellMs;
  }

  get state(): ConcurrencyState {
    return { limit: this.#limit, refusedAt: this.#refusedAt };
  }

  /** Rules changed: a path that was at its ceiling stays there. */
  setCeiling(ceiling: number): void {
    const wasHeldBack = this.isHeldBack;
    this.#ceiling = ceiling;
    this.#limit = wasHeldBack ? Math.min(this.#limit, ceiling) : ceiling;
  }

  /** `count` messages were taken while up to `inUse` connections were busy. Whether the limit changed. */
  succeeded(count: number, inUse: number, nowMs: number): boolean {
    if (!this.isHeldBack || inUse < this.#limit) return false;
    this.#successes += count;
    const isNear = this.#refusedAt > 0 && this.#limit + 1 > this.#refusedAt * nearShare;
    if (nowMs - this.#changedMs < (isNear ? stepMsNear : stepMsFar)) return false;
    if (this.#successes < this.#limit * successesPerConnection) return false;
    this.#set(this.#limit + 1, nowMs);
    if (nowMs - this.#fellMs > forgetMs) this.#refusedAt = 0;
    return true;
  }

  /** It refused for load, with so many connections in use, each message taking `serviceMs`. Whether it counts. */
  refused(inUse: number, serviceMs: number, nowMs: number): boolean {
    if (nowMs - this.#fellMs < this.#cohortMs) return false;
    const used = Math.max(1, Math.min(inUse, this.#limit));
    this.#refusedAt = used;
    this.#fellMs = nowMs;
    this.#cohortMs = Math.min(cohortMsMax, Math.max(cohortMsMin, serviceMs * cohortServices));
    this.#set(Math.max(1, Math.floor(used * fallShare)), nowMs);
    return true;
  }

  /** When it may grow by one, if it is used up meanwhile. */
  growsMs(): number {
    const isNear = this.#refusedAt > 0 && this.#limit + 1 > this.#refusedAt * nearShare;
    return this.#changedMs + (isNear ? stepMsNear : stepMsFar);
  }

  #set(limit: number, nowMs: number): void {
    this.#limit = Math.max(1, Math.min(limit, this.#ceiling));
    this.#changedMs = nowMs;
    this.#successes = 0;
  }
}
