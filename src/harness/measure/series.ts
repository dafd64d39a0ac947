/**
 * What happened to a run second by second, so that a run with an incident in it can be cut in parts.
 *
 * Runs in:   load generator, one a thread.
 * Limits:    4 bytes an operation of the last `looseSecondsMax` seconds; older seconds are packed. What comes after
 *            `secondsMax` stands in the last second.
 * Invariant: latencies stand in the second an operation was meant to start in, so what a stall held up stands where the
 *            stall began; outcomes and bytes stand in the second they came in.
 */

import { Histogram } from './histogram.ts';
import type { OutcomeName, SeriesSecond } from './run-report.ts';

const secondsMax = 86_400;
const looseSecondsMax = 60;
const firstRoom = 256;
const microsMax = 0xffff_ffff;

class Second {
  ok = 0;
  refused = 0;
  unknown = 0;
  unsent = 0;
  bytesSent = 0;
  bytesReceived = 0;
  #micros = noMicros;
  #count = 0;
  #packed: string | undefined;

  add(micros: number): void {
    if (this.#count === this.#micros.length) {
      const larger = new Uint32Array(Math.max(firstRoom, this.#count * 2));
      larger.set(this.#micros);
      this.#micros = larger;
    }
    this.#micros[this.#count++] = micros;
  }

  histogram(): Histogram {
    const histogram = this.#packed === undefined ? new Histogram() : Histogram.decode(this.#packed);
    for (let i = 0; i < this.#count; i++) histogram.record(this.#micros[i]! / 1000);
    return histogram;
  }

  pack(): void {
    if (this.#count === 0) return;
    this.#packed = this.histogram().encode();
    this.#micros = noMicros;
    this.#count = 0;
  }
}

const noMicros = new Uint32Array(0);

export class Series {
  readonly #seconds: Second[] = [];

  /** Instants are milliseconds since the run began. */
  ok(intendedMs: number, endMs: number): void {
    this.#at(endMs).ok++;
    this.#at(intendedMs).add(
      Math.min(microsMax, Math.max(0, Math.round((endMs - intendedMs) * 1000))),
    );
  }

  count(outcome: Exclude<OutcomeName, 'ok'>, endMs: number): void {
    this.#at(endMs)[outcome]++;
  }

  /** In the latest second that anything happened in: a client tells of bytes without an instant. */
  bytes(sent: number, received: number): void {
    const last = this.#seconds[this.#seconds.length - 1] ?? this.#at(0);
    last.bytesSent += sent;
    last.bytesReceived += received;
  }

  /**
   * Of the last whole second, in which nothing may have come; undefined before there is one. Without its histogram's
   * text, which costs more than the rest of a run's second.
   */
  latest(nowMs: number): SeriesSecond | undefined {
    const second = Math.floor(nowMs / 1_000) - 1;
    if (second < 0) return undefined;
    const each = this.#seconds[second] ?? new Second();
    return { ...countsOf(each, second), ...percentilesOf(each.histogram()) };
  }

  seconds(): readonly SeriesSecond[] {
    return this.#seconds.map(reportSecond);
  }

  #at(ms: number): Second {
    const index = Math.min(secondsMax - 1, Math.max(0, Math.floor(ms / 1_000)));
    while (this.#seconds.length <= index) {
      this.#seconds.push(new Second());
      this.#seconds[this.#seconds.length - 1 - looseSecondsMax]?.pack();
    }
    return this.#seconds[index]!;
  }
}

function reportSecond(each: Second, second: number): SeriesSecond {
  return { ...countsOf(each, second), ...latencyOf(each.histogram()) };
}

function countsOf(each: Second, second: number) {
  const { ok, refused, unknown, unsent, bytesSent, bytesReceived } = each;
  return { second, ok, refused, unknown, unsent, bytesSent, bytesReceived };
}

type Percentiles = Pick<SeriesSecond, 'count' | 'p50Ms' | 'p99Ms' | 'maxMs'>;

/** The latency part of a second. */
export function latencyOf(histogram: Histogram): Percentiles & Pick<SeriesSecond, 'histogram'> {
  const latency = percentilesOf(histogram);
  return latency.count === 0 ? latency : { ...latency, histogram: histogram.encode() };
}

function percentilesOf(histogram: Histogram): Percentiles {
  const { count } = histogram;
  if (count === 0) return { count, p50Ms: null, p99Ms: null, maxMs: null };
  const [p50Ms, p99Ms, maxMs] = [50, 99, 100].map((each) => histogram.percentileMs(each)) as [
    number,
    number,
    number,
  ];
  return { count, p50Ms, p99Ms, maxMs };
}
