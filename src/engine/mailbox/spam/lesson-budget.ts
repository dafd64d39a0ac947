/**
 * How much an account may teach in a day: a lesson is a record, and up to three messages read.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    `lessonsPerDay` of an account; it is known of `accountsMax` accounts how many they had, in memory alone.
 */

import { dayMs } from '../../../base/units.ts';

/** Several times what an account keeps. */
export const lessonsPerDay = 256;
const accountsMax = 16_384;

export class LessonBudget {
  readonly #taken = new Map<number, number>();
  #day = 0;

  /** Whether one more is within it; then it is counted. */
  take(account: number, nowMs: number): boolean {
    const day = Math.floor(nowMs / dayMs);
    if (day !== this.#day) this.#taken.clear();
    this.#day = day;
    const taken = this.#taken.get(account) ?? 0;
    if (taken >= lessonsPerDay) return false;
    if (taken === 0 && this.#taken.size >= accountsMax) this.#taken.clear();
    this.#taken.set(account, taken + 1);
    return true;
  }
}
