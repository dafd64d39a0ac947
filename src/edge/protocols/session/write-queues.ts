/**
 * What all clients together leave unread, and who is cut off when that is too much.
 *
 * Runs in:   edge (main thread); one for all listeners of a protocol. Counted by the listeners' sweeps, so a second late.
 * Limits:    above `allUnsentBytesMax` nobody who owes gets a further answer, and the slowest readers end: first those
 *            under `rateBytesMin` a second, each second those under twice as much, until it is less.
 * Invariant: what was counted for a session is taken back when it ends.
 */

import { secondMs } from '../../../base/units.ts';

const rateBytesMin = 1_024;
const doublingsMax = 20;
/** Nobody's pace is judged sooner. */
const judgedMsMin = 10 * secondMs;

export class WriteQueues {
  #bytes = 0;
  #pressedMs = -1;

  get bytes(): number {
    return this.#bytes;
  }

  count(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Readers slower than this, in bytes a second, are cut off now; 0: nobody is. */
  rateBytesMin(nowMs: number, bytesMax: number): number {
    if (this.#bytes <= bytesMax) {
      this.#pressedMs = -1;
      return 0;
    }
    if (this.#pressedMs < 0) this.#pressedMs = nowMs;
    const doublings = Math.min(doublingsMax, Math.floor((nowMs - this.#pressedMs) / secondMs));
    return rateBytesMin * 2 ** doublings;
  }
}

/** How one client reads what it asked for; made when it owes, gone when it has read all. */
export class ReadingPace {
  readonly #queues: WriteQueues;
  readonly #sinceMs: number;
  readonly #takenBytes: number;
  #unsentBytes = 0;

  constructor(queues: WriteQueues, nowMs: number, takenBytes: number) {
    this.#queues = queues;
    this.#sinceMs = nowMs;
    this.#takenBytes = takenBytes;
  }

  /** Others wait for the room it takes. */
  isTooSlow(
    nowMs: number,
    { unsentBytes, sentBytes }: { readonly unsentBytes: number; readonly sentBytes: number },
    allUnsentBytesMax: number,
  ): boolean {
    this.#queues.count(unsentBytes - this.#unsentBytes);
    this.#unsentBytes = unsentBytes;
    const judgedMs = nowMs - this.#sinceMs;
    const taken = sentBytes - unsentBytes - this.#takenBytes;
    const least = this.#queues.rateBytesMin(nowMs, allUnsentBytesMax);
    return judgedMs >= judgedMsMin && (taken * secondMs) / judgedMs < least;
  }

  /** The client has read all, or is gone. */
  end(): void {
    this.#queues.count(-this.#unsentBytes);
    this.#unsentBytes = 0;
  }
}
