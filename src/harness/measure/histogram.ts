/**
 * Latencies in an HDR histogram of constant relative error: percentiles, sums that lose nothing, and a text form that
 * other HDR tools read.
 *
 * Runs in:   load generator, ledger, benches; any thread.
 * Limits:    1 µs to 1 h, three significant digits; 98 kB each, and as much again once it was read.
 * Invariant: adding histograms of several threads or machines gives what one that saw all would hold.
 */

import type { Histogram as HdrHistogram } from 'hdr-histogram-js';
// Only the parts that are used: the whole package costs a load 25 ms more of CPU.
import encoding from 'hdr-histogram-js/dist/encoding.js';
import int32Histogram from 'hdr-histogram-js/dist/Int32Histogram.js';

const microsMax = 3_600_000_000;
/** Of one histogram's text: whoever reads a report from elsewhere is not made to inflate without end. */
const encodedCharsMax = 128 * 1024;

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

export class Histogram {
  readonly #recorded = new Recorded();
  #read: HdrHistogram | undefined;
  /** For the mean; HdrHistogram's own goes through all its values. */
  #sumMicros = 0;

  /** Reads what `encode` wrote; throws when it is no histogram of ours. */
  static decode(text: string): Histogram {
    if (text.length > encodedCharsMax) throw new Error('histogram too long');
    const all = new Histogram();
    // Ranges and digits of the other need not be ours: its values are entered again.
    const decoded = encoding.decodeFromCompressedBase64(text);
    all.#hdr.add(decoded as never);
    all.#sumMicros = decoded.totalCount === 0 ? 0 : decoded.mean * decoded.totalCount;
    return all;
  }

  record(ms: number): void {
    const micros = Math.min(microsMax, Math.max(1, Math.round(ms * 1000)));
    this.#recorded.add(micros);
    this.#sumMicros += micros;
  }

  /** With all that was recorded. */
  get #hdr(): HdrHistogram {
    this.#read ??= new int32Histogram.default(1, microsMax, 3);
    this.#recorded.moveTo(this.#read);
    return this.#read;
  }

  add(other: Histogram): void {
    this.#hdr.add(other.#hdr as never);
    this.#sumMicros += other.#sumMicros;
  }

  get count(): number {
    return this.#hdr.totalCount;
  }

  /** What `percentile` per cent of all are not above; 0 when there are none. */
  percentileMs(percentile: number): number {
    if (this.count === 0) return 0;
    const micros = this.#hdr.getValueAtPercentile(percentile);
    return Math.min(micros, this.#hdr.maxValue) / 1000;
  }

  summary(): LatencySummary {
    const isEmpty = this.count === 0;
    return {
      count: this.count,
      meanMs: isEmpty ? 0 : Math.round(this.#sumMicros / this.count) / 1000,
      minMs: isEmpty ? 0 : this.#hdr.minNonZeroValue / 1000,
      p50Ms: this.percentileMs(50),
      p90Ms: this.percentileMs(90),
      p99Ms: this.percentileMs(99),
      p999Ms: this.percentileMs(99.9),
      maxMs: isEmpty ? 0 : this.#hdr.maxValue / 1000,
    };
  }

  /** HdrHistogram's own form: V2, deflated, base64. */
  encode(): string {
    return encoding.encodeIntoCompressedBase64(this.#hdr);
  }
}

/**
 * What was recorded since the histogram was last read, by HdrHistogram's own places: bucket 0 has 2,048 of a microsecond,
 * each further one 1,024 that are twice as wide. Its own way to a place takes a logarithm and two powers: a tenth of
 * what a message costs a load beside its system calls.
 */
class Recorded {
  #counts = noCounts;
  #min = microsMax;
  #max = 0;

  add(micros: number): void {
    if (this.#max === 0) this.#counts = new Uint32Array(placeOf(microsMax) + 1);
    this.#counts[placeOf(micros)]!++;
    if (micros < this.#min) this.#min = micros;
    if (micros > this.#max) this.#max = micros;
  }

  /** Ends are told exactly. */
  moveTo(hdr: HdrHistogram): void {
    if (this.#max === 0) return;
    const last = placeOf(this.#max);
    for (let place = placeOf(this.#min); place <= last; place++) {
      const count = this.#counts[place]! - (place === last ? 1 : 0);
      if (count > 0) hdr.recordValueWithCount(Math.max(this.#min, leastOf(place)), count);
    }
    hdr.recordValue(this.#max);
    this.#counts = noCounts;
    this.#min = microsMax;
    this.#max = 0;
  }
}

const noCounts = new Uint32Array(0);
const halfBucket = 1_024;

function placeOf(micros: number): number {
  const bucket = Math.max(0, 21 - Math.clz32(micros));
  return bucket * halfBucket + (micros >>> bucket);
}

function leastOf(place: number): number {
  const bucket = Math.max(0, Math.floor(place / halfBucket) - 1);
  return (place - bucket * halfBucket) * 2 ** bucket;
}
