/**
 * What happened to the messages of a run second by second, so that a run with an incident in it can be cut in parts.
 *
 * Runs in:   load generator.
 * Limits:    8 bytes a message acknowledged; made only where a run is asked for it.
 * Invariant: latencies stand in the second a message was meant to start in, so what a stall held up stands where the
 *            stall began; acknowledgements and refusals stand in the second they came in.
 */

export interface SeriesSecond {
  readonly acknowledged: number;
  readonly refused: number;
  /** Of messages meant to start in this second; null where none of them was acknowledged. */
  readonly latency: {
    readonly count: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly maxMs: number;
  } | null;
}

interface Second {
  acknowledged: number;
  refused: number;
  readonly latenciesMs: number[];
}

export class Series {
  readonly #seconds: Second[] = [];

  /** Instants are milliseconds since the run began. */
  acknowledged(intendedMs: number, endMs: number): void {
    this.#at(endMs).acknowledged++;
    this.#at(intendedMs).latenciesMs.push(endMs - intendedMs);
  }

  refused(endMs: number, recipients: number): void {
    this.#at(endMs).refused += recipients;
  }

  seconds(): readonly SeriesSecond[] {
    return this.#seconds.map(({ acknowledged, refused, latenciesMs }) => ({
      acknowledged,
      refused,
      latency: summary(latenciesMs),
    }));
  }

  #at(ms: number): Second {
    const second = Math.max(0, Math.floor(ms / 1_000));
    while (this.#seconds.length <= second) {
      this.#seconds.push({ acknowledged: 0, refused: 0, latenciesMs: [] });
    }
    return this.#seconds[second]!;
  }
}

function summary(latenciesMs: readonly number[]): SeriesSecond['latency'] {
  const sorted = Float64Array.from(latenciesMs).sort();
  const count = sorted.length;
  if (count === 0) return null;
  const at = (share: number) => rounded(sorted[Math.ceil(share * count) - 1]!);
  return { count, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: rounded(sorted[count - 1]!) };
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
