/**
 * Counts that several parts, or several servers, may share: how often something happened within a while.
 *
 * Contract:
 * - `add` counts one more under a key and answers how many there are now, itself among them. The first starts a window
 *   of `windowMs`; when it is over, the next starts another.
 * - `clear` forgets a key; one that nobody counted is no error.
 * - How many keys are kept is bounded: the least recently counted go first, and start anew.
 * - What cannot be counted rejects; the caller goes on without.
 */

import type { Eventually } from './account-directory.ts';

export interface Counters {
  add(key: string, windowMs: number): Eventually<number>;
  clear(key: string): Eventually<void>;
}
