/**
 * What one connection of a constant rate owes: so many requests each second. Autocannon sends those of a second one
 * after another as fast as they are answered, and leaves out what a stall kept it from; here both are set right.
 *
 * Runs in:   load generator; pure (instants are arguments).
 * Invariant: a request is charged from when its turn was, evenly over the second, or from when it was sent, if that was
 *            before; what was left out is counted.
 */

const secondMs = 1_000;

export class Pace {
  #perSecond = 0;
  /** When the second under way began. */
  #secondMs: number | undefined;
  #madeCount = 0;
  #omittedCount = 0;

  get omittedCount(): number {
    return this.#omittedCount;
  }

  /** When the next request has its turn. */
  get turnMs(): number {
    return (this.#secondMs ?? 0) + (this.#madeCount * secondMs) / this.#perSecond;
  }

  /** A connection takes this over; the second goes on where the last one left it. */
  begin(nowMs: number, perSecond: number): void {
    this.#secondMs ??= nowMs;
    this.#pass(nowMs);
    this.#perSecond = perSecond;
  }

  /** A request is sent: tells its intended start. `isOpening`: nothing was under way, so autocannon's second begins. */
  next(nowMs: number, isOpening: boolean): number {
    if (isOpening) {
      this.#omit(Math.floor((nowMs - this.#secondMs!) / secondMs - 1) * this.#perSecond);
      this.#secondMs = nowMs;
      this.#madeCount = 0;
    } else this.#pass(nowMs);
    const { turnMs } = this;
    this.#madeCount++;
    return Math.min(nowMs, turnMs);
  }

  /** The request was not sent after all. */
  undo(): void {
    this.#madeCount--;
  }

  /**
   * Nothing more is asked for. What was owed until now and not sent was left out, if the server was why: `isFree`, only
   * autocannon's clock was late.
   */
  end(nowMs: number, isFree: boolean): void {
    if (this.#secondMs === undefined || isFree) return;
    const owedCount = Math.ceil(((nowMs - this.#secondMs) * this.#perSecond) / secondMs);
    this.#omit(owedCount - this.#madeCount);
    this.#secondMs = undefined;
  }

  /** Goes to the second that `nowMs` is in. */
  #pass(nowMs: number): void {
    const seconds = Math.floor((nowMs - this.#secondMs!) / secondMs);
    if (seconds === 0) return;
    this.#omit(seconds * this.#perSecond - this.#madeCount);
    this.#secondMs! += seconds * secondMs;
    this.#madeCount = 0;
  }

  #omit(count: number): void {
    if (count > 0) this.#omittedCount += count;
  }
}
