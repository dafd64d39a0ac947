/**
 * Counts in this process's memory.
 *
 * Runs in:   main thread.
 * Limits:    `keysMax` keys; the least recently counted go first.
 */

import type { Clock } from '../../ports/clock.ts';
import type { Counted, Counters } from '../../ports/counters.ts';

const keysMaxDefault = 100_000;

interface Window {
  count: number;
  endMs: number;
}

export class MemoryCounters implements Counters {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #keysMax: number;
  /** In order of last count. */
  readonly #windows = new Map<string, Window>();

  constructor(clock: Pick<Clock, 'monotonicMs'>, keysMax = keysMaxDefault) {
    this.#clock = clock;
    this.#keysMax = keysMax;
  }

  add(key: string, windowMs: number, by = 1): Counted {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#windows.get(key);
    const window =
      known === undefined || known.endMs <= nowMs ? { count: 0, endMs: nowMs + windowMs } : known;
    window.count += by;
    this.#windows.delete(key);
    this.#windows.set(key, window);
    if (this.#windows.size > this.#keysMax) {
      const [oldest] = this.#windows.keys();
      this.#windows.delete(oldest!);
    }
    return { count: window.count, endsInMs: window.endMs - nowMs };
  }

  look(key: string): Counted | undefined {
    const window = this.#windows.get(key);
    const endsInMs = window === undefined ? 0 : window.endMs - this.#clock.monotonicMs();
    return endsInMs > 0 ? { count: window!.count, endsInMs } : undefined;
  }

  clear(key: string): void {
    this.#windows.delete(key);
  }
}
