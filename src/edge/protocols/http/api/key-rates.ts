/**
 * How much each API key may still do this minute: messages it hands in, or requests of another kind.
 *
 * Runs in:   edge (main thread).
 * Limits:    `keysMax` keys remembered; one that is forgotten starts with a full minute's worth.
 * Invariant: over any minute a key hands in at most twice its rate, and its rate over any longer time.
 */

import { RecentMap } from '../../../../base/recent-map.ts';
import { minuteMs, secondMs } from '../../../../base/units.ts';
import type { ApiKey } from '../../../../ports/account-directory.ts';

const keysMax = 20_000;

type RatedKey = Pick<ApiKey, 'id' | 'messagesPerMinuteMax'>;

export class KeyRates {
  /** When all that a key has handed in would have come at its rate (GCRA). */
  readonly #dueMs = new RecentMap<number, number>(keysMax);

  /** Takes `count` messages; answers 0, or after how many seconds they would be taken. */
  take({ id, messagesPerMinuteMax }: RatedKey, count: number, nowMs: number): number {
    if (messagesPerMinuteMax === 0) return 0;
    const dueMs = Math.max(this.#dueMs.get(id) ?? 0, nowMs);
    const nextMs = dueMs + (count * minuteMs) / messagesPerMinuteMax;
    // More at once than a minute's worth is taken when nothing is owed, and then paid for.
    const isAlone = dueMs === nowMs;
    if (!isAlone && nextMs - nowMs > minuteMs) {
      const freeMs = Math.min(nextMs - minuteMs, dueMs) - nowMs;
      return Math.max(1, Math.ceil(freeMs / secondMs));
    }
    this.#dueMs.set(id, nextMs);
    return 0;
  }
}
