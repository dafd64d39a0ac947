/**
 * How many requests whoever asks may still make this minute.
 *
 * Runs in:   edge (main thread).
 * Limits:    `askersMax` askers remembered; one that is forgotten starts with a full minute's worth.
 */

import { RecentMap } from '../../base/recent-map.ts';
import { minuteMs, secondMs } from '../../base/units.ts';

export const askersMax = 20_000;

export class RequestRates {
  /** When all that was asked for would have come at the rate (GCRA). */
  readonly #dueMs = new RecentMap<string, number>(askersMax);
  readonly #perMinuteMax: number;

  constructor(perMinuteMax: number) {
    this.#perMinuteMax = perMinuteMax;
  }

  /** Takes one request; answers 0, or after how many seconds it would be taken. */
  take(asker: string, nowMs: number): number {
    const nextMs = Math.max(this.#dueMs.get(asker) ?? 0, nowMs) + minuteMs / this.#perMinuteMax;
    const overMs = nextMs - nowMs - minuteMs;
    if (overMs > 0) return Math.ceil(overMs / secondMs);
    this.#dueMs.set(asker, nextMs);
    return 0;
  }
}
