/**
 * Counts a ledger after a run, while what was acknowledged may still be on its way.
 *
 * Runs in:   load generator, main thread.
 * Limits:    `waitMsMax`, given; the ledger is looked at every `lookMs`, and counted when it was quiet for `quietMs`.
 * Invariant: it ends early only where nothing is missing and nothing came for `quietMs`: what is doubled comes late.
 */

import { secondMs } from '../../base/units.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import { type LedgerAccount, LedgerJoin } from './ledger-join.ts';
import { LedgerReader } from './ledger-reader.ts';

const lookMs = 250;
const quietMs = 2 * secondMs;

export interface Counted {
  readonly account: LedgerAccount;
  readonly waitedSeconds: number;
  /** Why it may not be whole. */
  readonly problem?: string;
}

export class Recount {
  readonly #reader: LedgerReader;
  readonly #join = new LedgerJoin();
  readonly #clock: Clock;
  readonly #counted = Promise.withResolvers<Counted>();
  #timer: Timer | undefined;
  #beganMs = 0;
  #newMs = 0;
  #waitMsMax = 0;
  /** Whether it was counted since something came. */
  #isCounted = false;

  constructor(folder: string, clock: Clock) {
    this.#reader = new LedgerReader(folder);
    this.#clock = clock;
  }

  run(waitMsMax: number): Promise<Counted> {
    this.#beganMs = this.#clock.monotonicMs();
    this.#newMs = this.#beganMs;
    this.#waitMsMax = waitMsMax;
    this.#look();
    return this.#counted.promise;
  }

  /** Waits no more, and says what is there. */
  stop(): void {
    this.#waitMsMax = 0;
    this.#timer?.cancel();
    this.#look();
  }

  #look(): void {
    const nowMs = this.#clock.monotonicMs();
    try {
      if (this.#reader.readNew(this.#join) > 0) {
        this.#newMs = nowMs;
        this.#isCounted = false;
      }
    } catch (error) {
      // What the run found must not be lost for it.
      this.#resolve(this.#join.account(), (error as Error).message);
      return;
    }
    const isOver = nowMs - this.#beganMs >= this.#waitMsMax;
    const isQuiet = nowMs - this.#newMs >= quietMs;
    if (isOver || (isQuiet && !this.#isCounted)) {
      const account = this.#join.account();
      this.#isCounted = true;
      if (isOver || account.lost === 0) {
        this.#resolve(account);
        return;
      }
    }
    this.#timer = this.#clock.setTimer(lookMs, () => this.#look());
  }

  #resolve(account: LedgerAccount, problem?: string): void {
    const waitedSeconds = Math.round(this.#clock.monotonicMs() - this.#beganMs) / 1000;
    const more = problem === undefined ? {} : { problem };
    this.#counted.resolve({ account, waitedSeconds, ...more });
  }
}
