/**
 * Slows down guessing of second factors: attempts are counted by account, from wherever they come, and past a few each
 * next one waits, twice as long each time.
 *
 * Runs in:   edge (main thread).
 * Limits:    `entriesMax` accounts; the one tried longest ago goes first.
 * Invariant: an attempt is counted before it is looked at, so those that come together are counted, too. Only who has
 *            shown the right password, or has a session, is counted here: nobody else can make an account wait.
 */

import { hourMs, secondMs } from '../../base/units.ts';

export interface FactorLimits {
  /** Attempts that cost nothing. */
  readonly attemptsFree: number;
  readonly waitMsFirst: number;
  readonly waitMsMax: number;
  /** A count is forgotten so long after its last attempt. */
  readonly forgetMs: number;
  readonly entriesMax: number;
}

/** A million codes at one an hour: three of them are good at a time. */
const defaultLimits: FactorLimits = {
  attemptsFree: 5,
  waitMsFirst: 10 * secondMs,
  waitMsMax: hourMs,
  forgetMs: 24 * hourMs,
  entriesMax: 10_000,
};

interface Attempts {
  readonly count: number;
  readonly lastMs: number;
  readonly waitMs: number;
}

export class FactorThrottle {
  readonly #limits: FactorLimits;
  /** In order of the last attempt. */
  readonly #entries = new Map<string, Attempts>();

  constructor(limits: FactorLimits = defaultLimits) {
    this.#limits = limits;
  }

  /** Counts an attempt; false: it must wait, and is not to be looked at. */
  begin(account: string, nowMs: number): boolean {
    const { attemptsFree, waitMsFirst, waitMsMax, forgetMs, entriesMax } = this.#limits;
    const known = this.#entries.get(account);
    if (known !== undefined && nowMs < known.lastMs + known.waitMs) return false;
    const isFresh = known === undefined || nowMs - known.lastMs > forgetMs;
    const count = isFresh ? 1 : known.count + 1;
    const doublings = count - attemptsFree;
    const waitMs = doublings < 0 ? 0 : Math.min(waitMsMax, waitMsFirst * 2 ** doublings);
    this.#entries.delete(account);
    this.#entries.set(account, { count, lastMs: nowMs, waitMs });
    if (this.#entries.size > entriesMax) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest!);
    }
    return true;
  }

  /** The attempt that was begun was right. */
  succeeded(account: string): void {
    this.#entries.delete(account);
  }
}
