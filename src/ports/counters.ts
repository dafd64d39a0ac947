/**
 * Counts that several parts, or several servers, may share: how often something happened within a while.
 *
 * Contract:
 * - `add` counts `by` more under a key and answers how many there are now, these among them, and when the window is
 *   over. The first starts a window of `windowMs`; when it is over, the next starts another.
 * - `look` answers the same without counting; undefined: nothing is counted, or its window is over.
 * - `clear` forgets a key; one that nobody counted is no error.
 * - How many keys are kept is bounded: the least recently counted go first, and start anew.
 * - What cannot be counted rejects; the caller goes on without.
 */

import type { Eventually } from './account-directory.ts';

export interface Counted {
  readonly count: number;
  /** Until the window is over; above 0. */
  readonly endsInMs: number;
}

export interface Counters {
  add(key: string, windowMs: number, by?: number): Eventually<Counted>;
  look(key: string): Eventually<Counted | undefined>;
  clear(key: string): Eventually<void>;
}
