/**
 * Bounds the wait for something that is looked up.
 *
 * Runs in:   edge (main thread).
 * Invariant: it never rejects: what fails and what comes too late is `otherwise`.
 */

import type { Clock } from '../../ports/clock.ts';

export function within<T, O>(
  clock: Pick<Clock, 'setTimer'>,
  ms: number,
  looking: Promise<T>,
  otherwise: O,
): Promise<T | O> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(ms, () => resolve(otherwise));
    looking.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      () => {
        timer.cancel();
        resolve(otherwise);
      },
    );
  });
}
