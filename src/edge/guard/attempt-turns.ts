/**
 * Attempts under way, and those that wait for them to end: whoever might pass a bound by coming together with others
 * waits until it is known how those went.
 *
 * Runs in:   edge (main thread).
 * Limits:    `waitingMax` wait, in all lines together.
 * Invariant: what waits in a line has somebody under way before it, so it has its turn when that one ends.
 */

/** Looks whether it may begin. The line it waits in; undefined: it waits no more. */
type Look = () => string | undefined;

export class AttemptTurns {
  readonly #waitingMax: number;
  /** By what is bounded: none is 0. */
  readonly #underWay = new Map<string, number>();
  /** None is empty. */
  readonly #lines = new Map<string, Look[]>();
  #waiting = 0;

  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax;
  }

  get waitingCount(): number {
    return this.#waiting;
  }

  underWay(key: string): number {
    return this.#underWay.get(key) ?? 0;
  }

  /** False: it would have to wait, and too many do. */
  enter(look: Look): boolean {
    const key = look();
    if (key === undefined) return true;
    if (this.#waiting >= this.#waitingMax) return false;
    this.#waiting++;
    this.#join(key, look);
    return true;
  }

  take(keys: readonly string[]): void {
    for (const key of keys) this.#underWay.set(key, this.underWay(key) + 1);
  }

  /** What `take` took; how it went is counted already. */
  give(keys: readonly string[]): void {
    for (const key of keys) {
      const left = this.underWay(key) - 1;
      if (left > 0) this.#underWay.set(key, left);
      else this.#underWay.delete(key);
    }
    for (const key of keys) this.#call(key);
  }

  #join(key: string, look: Look): void {
    const line = this.#lines.get(key);
    if (line === undefined) this.#lines.set(key, [look]);
    else line.push(look);
  }

  #call(key: string): void {
    const line = this.#lines.get(key);
    while (line !== undefined && line.length > 0) {
      const next = line[0]!();
      if (next === key) return;
      const look = line.shift()!;
      if (next === undefined) this.#waiting--;
      else this.#join(next, look);
    }
    this.#lines.delete(key);
  }
}
