/**
 * Who may have a connection to a scanner: so many at once, the others in a row that ends.
 *
 * Runs in:   engine threads, one each for a scanner.
 * Limits:    `atOnceMax` under way, `waitingMax` waiting, each until its own time is over.
 */

import type { Clock, Timer } from '../../ports/clock.ts';
import { ScanError } from './scan-error.ts';

interface Waiter {
  readonly go: () => void;
  readonly stop: (why: ScanError) => void;
  readonly timer: Timer;
}

export class Turns {
  readonly #clock: Clock;
  readonly #atOnceMax: number;
  readonly #waitingMax: number;
  readonly #waiting: Waiter[] = [];
  #underWay = 0;

  constructor(clock: Clock, atOnceMax: number, waitingMax: number) {
    this.#clock = clock;
    this.#atOnceMax = atOnceMax;
    this.#waitingMax = waitingMax;
  }

  /** Resolves when it is the caller's turn, which ends by `leave`. @throws ScanError `busy`, `closed`. */
  async enter(msMax: number): Promise<void> {
    if (this.#underWay < this.#atOnceMax) {
      this.#underWay++;
      return;
    }
    if (this.#waiting.length >= this.#waitingMax)
      throw new ScanError('busy', `${this.#waitingMax} messages wait for a connection`);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = this.#clock.setTimer(msMax, () => {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      reject(new ScanError('busy', 'no connection came free in time'));
    });
    const waiter: Waiter = { go: resolve, stop: reject, timer };
    this.#waiting.push(waiter);
    await promise;
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#underWay--;
    else {
      next.timer.cancel();
      next.go();
    }
  }

  /** Nobody who waits gets a turn. */
  close(): void {
    for (const { timer, stop } of this.#waiting.splice(0)) {
      timer.cancel();
      stop(new ScanError('closed', 'it is closed'));
    }
  }
}
