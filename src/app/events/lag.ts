/**
 * How far a reader of the event stream is behind: the age of the oldest event it knows of and has not brought on.
 *
 * Runs in:   main thread.
 */

import type { Clock } from '../../ports/clock.ts';

export class Lag {
  readonly #clock: Pick<Clock, 'nowMs'>;
  /** 0: nothing waits. */
  #sinceMs = 0;

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  /** The oldest that waits now; undefined: none does. */
  waits(event: { readonly at: string } | undefined): void {
    this.#sinceMs = event === undefined ? 0 : Date.parse(event.at);
  }

  get ms(): number {
    return this.#sinceMs > 0 ? Math.max(0, this.#clock.nowMs() - this.#sinceMs) : 0;
  }
}
