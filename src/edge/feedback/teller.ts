/**
 * Brings what came back for mail that left into the event stream: what must survive a kill out of the suppression
 * list's untold facts, the rest as it comes.
 *
 * Runs in:   edge (main thread).
 * Limits:    `waitingMax` events that may be lost wait; further ones are dropped and counted. `toldPerAskMax` an ask.
 * Invariant: a fact leaves the list only after its event's record was synced: killed between the two, it is told again.
 */

import { Packr } from 'msgpackr';
import type { Answer } from '../../actors/ask.ts';
import { type TellFeedback, toldPerAskMax } from '../../actors/asks/feedback-asks.ts';
import type { FeedbackEvent } from '../../actors/asks/trace-asks.ts';
import { secondMs } from '../../base/units.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { SuppressionList } from '../../ports/suppressions.ts';

const waitingMax = 10_000;
const gatherMs = 50;
const againMs = secondMs;

const packr = new Packr({ useRecords: false });

export function factOf(event: FeedbackEvent): Uint8Array {
  return packr.pack(event);
}

export interface TellerParts {
  readonly list: Pick<SuppressionList, 'untold' | 'told'>;
  readonly clock: Clock;
  /** Asks some shard. */
  readonly tell: (meta: TellFeedback) => Promise<Answer>;
}

export class FeedbackTeller {
  readonly #parts: TellerParts;
  #waiting: FeedbackEvent[] = [];
  #timer: Timer | undefined;
  #againTimer: Timer | undefined;
  #draining: Promise<void> | undefined;
  #isDrainWanted = false;
  #isClosed = false;
  /** Events that nobody will read, for want of room. */
  droppedCount = 0;

  constructor(parts: TellerParts) {
    this.#parts = parts;
  }

  /** An event that a kill may cost. */
  note(event: FeedbackEvent): void {
    if (this.#waiting.length >= waitingMax || this.#isClosed) {
      this.droppedCount++;
      return;
    }
    this.#waiting.push(event);
    this.#timer ??= this.#parts.clock.setTimer(gatherMs, () => void this.#flush());
  }

  /** Tells what the list has not told yet; to be called at the start and after each write that brought facts. */
  drain(): Promise<void> {
    this.#isDrainWanted = true;
    this.#draining ??= this.#drainAll().finally(() => {
      this.#draining = undefined;
    });
    return this.#draining;
  }

  async close(): Promise<void> {
    this.#againTimer?.cancel();
    await this.#flush();
    this.#isClosed = true;
    await this.#draining;
  }

  async #flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.#waiting.length > 0) {
      const events = this.#waiting.slice(0, toldPerAskMax);
      this.#waiting = this.#waiting.slice(toldPerAskMax);
      const answer = await this.#parts.tell({ events, isDurable: false });
      if (!answer.ok) this.droppedCount += events.length;
    }
  }

  async #drainAll(): Promise<void> {
    const { list, tell, clock } = this.#parts;
    while (this.#isDrainWanted && !this.#isClosed) {
      this.#isDrainWanted = false;
      const untold = list.untold(toldPerAskMax);
      if (untold.length === 0) continue;
      const events = untold.map(({ fact }) => packr.unpack(fact) as FeedbackEvent);
      const answer = await tell({ events, isDurable: true });
      if (!answer.ok) {
        this.#againTimer?.cancel();
        this.#againTimer = clock.setTimer(againMs, () => void this.drain());
        return;
      }
      await list.told(untold.map(({ place }) => place));
      this.#isDrainWanted = true;
    }
  }
}
