/**
 * How a load treats a server that refuses connections, or ends them: it tries again, ever more slowly, and by one
 * connection at a time; each that is taken allows `triesEach` more. Else a server that comes up, or is full, would meet
 * a storm.
 *
 * Runs in:   load generator; pure (instants are arguments).
 * Limits:    `retryFirstMs` between tries, doubled up to `retryMsMax`; `triesAtOnce` of a server that refuses.
 * Invariant: patience is over only when the server did nothing at all for so long.
 */

const retryFirstMs = 20;
const retryMsMax = 500;
const triesAtOnce = 1;
const triesEach = 2;

export class BackOff {
  readonly #patienceMs: number;
  #retryMs = retryFirstMs;
  #sinceMs: number | undefined;
  #isRefused = false;
  #tries = 0;

  /** `patienceMs`: how long the server may do nothing but refuse. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** How many of the wanted connections may be opened now. */
  allow(wanted: number): number {
    if (!this.#isRefused) return Math.max(0, wanted);
    const allowed = Math.max(0, Math.min(wanted, this.#tries));
    this.#tries -= allowed;
    return allowed;
  }

  /**
   * A connection ended out of order; `isRefused`: it never came so far that it could be used. Tells how long to wait
   * before `retry`; undefined: patience is over.
   */
  failed(nowMs: number, isRefused: boolean): number | undefined {
    this.#sinceMs ??= nowMs;
    if (nowMs - this.#sinceMs > this.#patienceMs) return undefined;
    if (isRefused) {
      this.#isRefused = true;
      this.#tries = 0;
    }
    return this.#retryMs;
  }

  /** The wait is over. */
  retry(): void {
    this.#retryMs = Math.min(retryMsMax, this.#retryMs * 2);
    this.#tries = Math.max(this.#tries, triesAtOnce);
  }

  /** A connection may be used; true: more may be opened than before. */
  opened(): boolean {
    this.#sinceMs = undefined;
    if (this.#isRefused) this.#tries += triesEach;
    return this.#isRefused;
  }

  /** A connection was used and is still there. */
  served(): void {
    this.#sinceMs = undefined;
    // Of what was taken since, something was left: no more was wanted.
    if (this.#tries > triesAtOnce) this.#isRefused = false;
    if (!this.#isRefused) this.#retryMs = retryFirstMs;
  }
}
