/**
 * Counts the hits of one response rule: it acts when there were enough within its time.
 *
 * Runs in:   engine threads; pure.
 * Limits:    as many instants as the rule wants hits.
 */

export class HitWindow {
  readonly #hits: number;
  readonly #withinMs: number;
  #instants: number[] = [];

  constructor(hits: number, withinMs: number) {
    this.#hits = hits;
    this.#withinMs = withinMs;
  }

  /** Whether these were the ones that it takes; it counts from nothing then. */
  add(count: number, nowMs: number): boolean {
    const since = nowMs - this.#withinMs;
    this.#instants = this.#instants.filter((instant) => instant > since);
    const isEnough = this.#instants.length + count >= this.#hits;
    if (isEnough) this.#instants = [];
    else for (let i = 0; i < count; i++) this.#instants.push(nowMs);
    return isEnough;
  }
}
