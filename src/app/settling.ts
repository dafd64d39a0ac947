/**
 * Work that is marked in a table and done beside all else, one run after another, until nothing is marked.
 *
 * Runs in:   main thread.
 * Limits:    one run at a time; after one that failed the next comes `againMs` later, or when it is asked for.
 * Invariant: who asks while a run goes on gets a run of its own behind it: what was marked before the ask is seen.
 */

import { minuteMs } from '../base/units.ts';
import type { Clock } from '../ports/clock.ts';

const againMs = minuteMs;

export class Settling {
  readonly #clock: Pick<Clock, 'setTimer'>;
  /** Resolves to false where something is left to be tried again. It never rejects. */
  readonly #run: () => Promise<boolean>;
  #last: Promise<void> = Promise.resolve();
  #again: { cancel(): void } | undefined;
  #isClosed = false;

  constructor(clock: Pick<Clock, 'setTimer'>, run: () => Promise<boolean>) {
    this.#clock = clock;
    this.#run = run;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when what is marked now is done, or has to be tried again. */
  settle(): Promise<void> {
    this.#last = this.#last.then(() => this.#once());
    return this.#last;
  }

  /** After the run under way, which may look at `isClosed` to end sooner. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#again?.cancel();
    await this.#last;
  }

  async #once(): Promise<void> {
    if (this.#isClosed) return;
    const isDone = await this.#run();
    this.#again?.cancel();
    if (isDone || this.#isClosed) return;
    this.#again = this.#clock.setTimer(againMs, () => void this.settle());
  }
}
