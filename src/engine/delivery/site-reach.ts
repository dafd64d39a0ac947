/**
 * Whether a site that this thread cannot reach is reached by another: then it is not down.
 *
 * Runs in:   engine threads; one per `Site`.
 * Limits:    mail waits for a site that others reach `waitMsMax` at most; then it is deferred as for one that is down.
 */

import type { SiteReach as SharedReach } from '../../actors/site-lease.ts';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';

/** Whom somebody reached so lately can be reached. */
const reachedSeconds = 5;
const waitMsMax = 60 * secondMs;

export class SiteReach {
  readonly #shared: SharedReach | undefined;
  readonly #clock: Clock;
  /** Of the epoch. */
  #downSinceSecond = 0;
  /** The last attempts failed, and nothing of ours was open. */
  #waitsSinceMs: number | undefined;

  constructor(shared: SharedReach | undefined, clock: Clock) {
    this.#shared = shared;
    this.#clock = clock;
  }

  /** It answered something of ours. */
  note(): void {
    this.#shared?.note();
  }

  connected(): void {
    this.#waitsSinceMs = undefined;
    this.note();
  }

  /** It is taken for down from now on. `isTurnedAway`: by its own word, whatever others have open. */
  down(isTurnedAway: boolean): void {
    this.#waitsSinceMs = undefined;
    this.#downSinceSecond = isTurnedAway ? Number.POSITIVE_INFINITY : this.#second;
  }

  /** Somebody has reached it since it went down here. */
  get isBack(): boolean {
    return this.#reachedSecond > this.#downSinceSecond;
  }

  /** An attempt failed. True: others reach it, and mail may wait for the next one. */
  mayWait(): boolean {
    if (this.#reachedSecond + reachedSeconds <= this.#second) return false;
    const nowMs = this.#clock.monotonicMs();
    this.#waitsSinceMs ??= nowMs;
    return nowMs - this.#waitsSinceMs < waitMsMax;
  }

  /** 0: by nobody. A clock that was set back says nothing. */
  get #reachedSecond(): number {
    const second = this.#shared?.second ?? 0;
    return second > this.#second ? 0 : second;
  }

  get #second(): number {
    return Math.floor(this.#clock.nowMs() / secondMs);
  }
}
