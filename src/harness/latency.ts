/**
 * Latencies in a histogram of constant relative error, and their percentiles.
 *
 * Runs in:   load generator and ledger.
 * Limits:    1 µs to 1 h, three significant digits.
 */

import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

const highestMicros = 3_600_000_000;

export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number;
  readonly minMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export class Latency {
  readonly #histogram: RecordableHistogram = createHistogram({
    lowest: 1,
    highest: highestMicros,
    figures: 3,
  });

  record(ms: number): void {
    this.#histogram.record(Math.min(highestMicros, Math.max(1, Math.round(ms * 1000))));
  }

  get count(): number {
    return this.#histogram.count;
  }

  percentileMs(percentile: number): number {
    return this.#histogram.count === 0 ? 0 : this.#histogram.percentile(percentile) / 1000;
  }

  summary(): LatencySummary {
    const isEmpty = this.#histogram.count === 0;
    return {
      count: this.#histogram.count,
      meanMs: isEmpty ? 0 : Math.round(this.#histogram.mean) / 1000,
      minMs: isEmpty ? 0 : this.#histogram.min / 1000,
      p50Ms: this.percentileMs(50),
      p90Ms: this.percentileMs(90),
      p99Ms: this.percentileMs(99),
      p999Ms: this.percentileMs(99.9),
      maxMs: isEmpty ? 0 : this.#histogram.max / 1000,
    };
  }
}
