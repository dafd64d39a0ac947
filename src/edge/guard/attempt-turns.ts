/**
 * Attempts under way, and those that wait for them to end: whoever might pass a bound by coming together with others
 * waits until it is known how those went.
 *
 * Runs in:   edge (main thread).
 * Limits:    `waitingMax` wait, in all lines together, and `waitingMaxOfOne` of one peer.
 * Invariant: what waits in a line has somebody under way before it, so it has its turn when that one ends.
 */

/** Looks whether it may begin. The line it waits in; undefined: it waits no more. */
type Look = () => string | undefined;

interface Waiting {
  readonly look: Look;
  readonly peer: string;
}

export class AttemptTurns {
  readonly #waitingMax: number;
  readonly #waitingMaxOfOne: number;
  /** By what is bounded: none is 0. */
  readonly #underWay = new Map<string, number>();
  /** None is empty. */
  readonly #lines = new Map<string, Waiting[]>();
  /** By peer: none is 0. */
  readonly #waitingOf = new Map<string, number>();
  #waiting = 0;

  constructor(waitingMax: number, waitingMaxOfOne: number) {
    this.#waitingMax = waitingMax;
    this.#waitingMaxOfOne = waitingMaxOfOne;
  }

  get waitingCount(): number {
    return this.#waiting;
  }

  underWay(key: string): number {
    return this.#underWay.get(key) ?? 0;
  }

  /** False: it would have to wait, and too many do. */
  enter(peer: string, look: Look): boolean {
    const key = look();
    if (key === undefined) return true;
    const ofPeer = this.#waitingOf.get(peer) ?? 0;
    if (this.#waiting >= this.#waitingMax || ofPeer >= this.#waitingMaxOfOne) return false;
    this.#waiting++;
    this.#waitingOf.set(peer, ofPeer + 1);
    this.#join(key, { look, peer });
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

  #join(key: string, waiting: Waiting): void {
    const line = this.#lines.get(key);
    if (line === undefined) this.#lines.set(key, [waiting]);
    else line.push(waiting);
  }

  #left(peer: string): void {
    this.#waiting--;
    const left = this.#waitingOf.get(peer)! - 1;
    if (left > 0) this.#waitingOf.set(peer, left);
    else this.#waitingOf.delete(peer);
  }

  #call(key: string): void {
    const line = this.#lines.get(key);
    while (line !== undefined && line.length > 0) {
      const next = line[0]!.look();
      if (next === key) return;
      const first = line.shift()!;
      if (next === undefined) this.#left(first.peer);
      else this.#join(next, first);
    }
    this.#lines.delete(key);
  }
}
