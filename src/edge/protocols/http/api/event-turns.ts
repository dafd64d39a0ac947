/**
 * How often an API key reads events, and how many requests wait for some at once.
 *
 * Runs in:   edge (main thread).
 * Limits:    `eventReadsPerMinuteMax` a key; `eventWaitsPerKeyMax` waiting requests of a key, `eventWaitsMax` of all:
 *            each holds a connection of the listener, and connections are for mail first.
 * Invariant: a place to wait is given back once, however its request ends.
 */

import type { ApiKeyId } from '../../../../base/ids.ts';
import type { ApiKey } from '../../../../ports/account-directory.ts';
import { ApiFault } from './fault.ts';
import { KeyRates } from './key-rates.ts';
import type { ApiPolicy } from './limits.ts';

/** A place is free at the latest when a wait ends; most end sooner. */
const waitRetrySeconds = 5;

export type EventTurnLimits = Pick<
  ApiPolicy,
  'eventReadsPerMinuteMax' | 'eventWaitsPerKeyMax' | 'eventWaitsMax'
>;

export class EventTurns {
  readonly #rates = new KeyRates();
  readonly #limits: () => EventTurnLimits;
  /** Keys with a request that waits. */
  readonly #waiting = new Map<ApiKeyId, number>();
  #waitingCount = 0;

  constructor(limits: () => EventTurnLimits) {
    this.#limits = limits;
  }

  get waitingCount(): number {
    return this.#waitingCount;
  }

  /** Counts a request. @throws ApiFault `rate-exceeded` for one too many. */
  take({ id }: Pick<ApiKey, 'id'>, nowMs: number): void {
    const messagesPerMinuteMax = this.#limits().eventReadsPerMinuteMax;
    const retryAfterSeconds = this.#rates.take({ id, messagesPerMinuteMax }, 1, nowMs);
    if (retryAfterSeconds === 0) return;
    throw new ApiFault('rate-exceeded', 'this key asks too often', { retryAfterSeconds });
  }

  /** Takes a place to wait, and answers how it is given back. @throws ApiFault where there is none. */
  wait({ id }: Pick<ApiKey, 'id'>): () => void {
    const { eventWaitsPerKeyMax, eventWaitsMax } = this.#limits();
    const own = this.#waiting.get(id) ?? 0;
    const retryAfterSeconds = waitRetrySeconds;
    if (own >= eventWaitsPerKeyMax) {
      const words = `${own} requests of this key are waiting already`;
      throw new ApiFault('rate-exceeded', words, { retryAfterSeconds });
    }
    if (this.#waitingCount >= eventWaitsMax) {
      const words = 'too many requests are waiting: ask without wait, or later';
      throw new ApiFault('store-busy', words, { retryAfterSeconds });
    }
    this.#waiting.set(id, own + 1);
    this.#waitingCount++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#waitingCount--;
      const left = this.#waiting.get(id)! - 1;
      if (left === 0) this.#waiting.delete(id);
      else this.#waiting.set(id, left);
    };
  }
}
