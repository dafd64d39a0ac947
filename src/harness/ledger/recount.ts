/**
 * Counts a ledger after a run, while what was acknowledged may still be on its way.
 *
 * Runs in:   load generator, main thread.
 * Limits:    `waitMsMax`, given; the ledger is looked at every `lookMs`, and counted when it was quiet for `quietMs`.
 *            Memory as `accountOf` says.
 * Invariant: it ends early only where nothing is missing and nothing came for `quietMs`: what is doubled comes late.
 */

import { secondMs } from '../../base/units.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { LedgerAccount } from './account.ts';
import { accountOf, bytesIn } from './ledger-folder.ts';
import { LedgerJoin } from './ledger-join.ts';

const lookMs = 250;
const quietMs = 2 * secondMs;

export interface Counted {
  readonly account: LedgerAccount;
  readonly waitedSeconds: number;
  /** Why it may not be whole. */
  readonly problem?: string;
}

export class Recount {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #counted = Promise.withResolvers<Counted>();
  #timer: Timer | undefined;
  #beganMs = 0;
  #bytes = 0;
  #newMs = 0;
  #waitMsMax = 0;
  /** What it came to, if it was counted since something came. */
  #account: LedgerAccount | undefined;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
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
    try {
      if (!this.#isDone()) this.#timer = this.#clock.setTimer(lookMs, () => this.#look());
    } catch (error) {
      // What the run found must not be lost for it.
      this.#resolve(new LedgerJoin().account(), (error as Error).message);
    }
  }

  #isDone(): boolean {
    const nowMs = this.#clock.monotonicMs();
    const bytes = bytesIn(this.#folder);
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#newMs = nowMs;
      this.#account = undefined;
    }
    const isOver = nowMs - this.#beganMs >= this.#waitMsMax;
    const isQuiet = nowMs - this.#newMs >= quietMs;
    if (!isOver && !isQuiet) return false;
    this.#account ??= accountOf(this.#folder);
    if (!isOver && this.#account.lost > 0) return false;
    this.#resolve(this.#account);
    return true;
  }

  #resolve(account: LedgerAccount, problem?: string): void {
    const waitedSeconds = Math.round(this.#clock.monotonicMs() - this.#beganMs) / 1000;
    const more = problem === undefined ? {} : { problem };
    this.#counted.resolve({ account, waitedSeconds, ...more });
  }
}
