/**
 * What each thread has to do: moving averages of busy time, backlog and sync latency, and of each shard's rate.
 *
 * Runs in:   main thread.
 * Limits:    one sample each `sampleMs`; an average forgets half of the past in about three samples.
 */

import type { ShardId } from '../base/ids.ts';
import type { Clock } from '../ports/clock.ts';

export const sampleMs = 100;
const weight = 0.2;

export interface ThreadLoad {
  /** Share of time its event loop was active, 0 to 1. */
  readonly busy: number;
  /** Asks that waited for it or were under way. */
  readonly backlog: number;
  /** Milliseconds from sending a parcel to its answers: a sync and what waits before it. */
  readonly roundTripMs: number;
  /** How long it has owed an answer, now: a thread that stands still looks idle by all other figures. */
  readonly waitMs: number;
}

interface Average {
  busy: number;
  backlog: number;
  roundTripMs: number;
  waitMs: number;
  activeMs: number;
}

export interface LoadOptions {
  readonly threads: number;
  readonly shards: number;
  readonly clock: Clock;
  readonly activeMs: (thread: number) => number;
  readonly backlog: (thread: number) => number;
  readonly waitMs: (thread: number) => number;
}

export class LoadMeter {
  readonly #options: LoadOptions;
  readonly #threads: Average[];
  /** Asks since the last sample, and asks a second on average, by shard. */
  readonly #counts: Float64Array;
  readonly #rates: Float64Array;
  #sampledMs: number;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#threads = Array.from({ length: options.threads }, () => ({
      busy: 0,
      backlog: 0,
      roundTripMs: 0,
      waitMs: 0,
      activeMs: 0,
    }));
    this.#counts = new Float64Array(options.shards);
    this.#rates = new Float64Array(options.shards);
    this.#sampledMs = options.clock.monotonicMs();
  }

  of(thread: number): ThreadLoad {
    return this.#threads[thread]!;
  }

  /** Asks a second of a shard. */
  rate(shard: ShardId): number {
    return this.#rates[shard]!;
  }

  /** A parcel of the shard came back. */
  roundTrip(thread: number, shard: ShardId, ms: number, asks: number): void {
    const average = this.#threads[thread]!;
    average.roundTripMs += weight * (ms - average.roundTripMs);
    this.#counts[shard]! += asks;
  }

  sample(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const elapsedMs = nowMs - this.#sampledMs;
    if (elapsedMs <= 0) return;
    this.#sampledMs = nowMs;
    for (let thread = 0; thread < this.#threads.length; thread++) {
      const average = this.#threads[thread]!;
      const activeMs = this.#options.activeMs(thread);
      // A new life of the thread starts at 0 again.
      const grownMs = Math.max(0, activeMs - average.activeMs);
      average.activeMs = activeMs;
      average.busy += weight * (Math.min(1, grownMs / elapsedMs) - average.busy);
      average.backlog += weight * (this.#options.backlog(thread) - average.backlog);
      average.waitMs = this.#options.waitMs(thread);
    }
    for (let shard = 0; shard < this.#rates.length; shard++) {
      const rate = (this.#counts[shard]! * 1_000) / elapsedMs;
      this.#rates[shard]! += weight * (rate - this.#rates[shard]!);
      this.#counts[shard] = 0;
    }
  }
}
