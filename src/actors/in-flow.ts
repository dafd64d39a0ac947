/**
 * Lets mail for other servers in no faster than a busy thread gets it out again.
 *
 * Taking a message is the smaller half of the work with it. A thread that has no time left would take more and more
 * of them, deliver fewer and write the rest into its queue, which costs as much again.
 *
 * Runs in:   main thread; the words are written by engine threads.
 * Limits:    `undeliveredMax` messages of the spool shard are under way in or out while its thread is busy. What
 *            waits here holds its bytes of the budget, so once that is spent MAIL is refused.
 * Invariant: who waits is let in, in the order they came: what a spool cannot deliver goes into its index within
 *            seconds and counts no more.
 */

import type { ShardId } from '../base/ids.ts';
import type { Clock } from '../ports/clock.ts';

/** With less the thread has time: then a slow next hop is what mail waits for, and the queue is the place for it. */
const busyEnough = 0.75;
const lookMs = 10;

export interface InFlowOptions {
  /** One word a shard: messages its spool accepted that are neither done nor in its index. */
  readonly undelivered: SharedArrayBuffer;
  /** 0: nothing ever waits here. */
  readonly undeliveredMax: number;
  /** Where mail for other servers is accepted now. */
  readonly spoolShard: () => ShardId;
  /** Share of time the shard's thread is busy, 0 to 1. */
  readonly busy: (shard: ShardId) => number;
  readonly clock: Clock;
}

export class InFlow {
  readonly #options: InFlowOptions;
  readonly #undelivered: Int32Array;
  #waiting: (() => void)[] = [];
  /** Let in and not answered yet. */
  #underWay = 0;
  #isLooking = false;
  #isEnded = false;

  constructor(options: InFlowOptions) {
    this.#options = options;
    this.#undelivered = new Int32Array(options.undelivered);
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Undefined: at once; else resolves when it may go on. Each is followed by one `left`. */
  enter(): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#room() > 0) {
      this.#underWay++;
      return undefined;
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#lookLater();
    });
  }

  /** The spool has it, or refused it. */
  left(): void {
    this.#underWay--;
  }

  /** Lets all in: the router answers them that the server goes down. */
  end(): void {
    this.#isEnded = true;
    this.#look();
  }

  #room(): number {
    const { undeliveredMax, spoolShard, busy } = this.#options;
    if (this.#isEnded || undeliveredMax === 0) return Number.POSITIVE_INFINITY;
    const shard = spoolShard();
    const room = undeliveredMax - this.#underWay - Atomics.load(this.#undelivered, shard);
    return room > 0 || busy(shard) >= busyEnough ? room : Number.POSITIVE_INFINITY;
  }

  #lookLater(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#options.clock.setTimer(lookMs, () => {
      this.#isLooking = false;
      this.#look();
    });
  }

  #look(): void {
    const count = Math.min(this.#waiting.length, Math.max(0, this.#room()));
    const entering = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    this.#underWay += count;
    for (const enter of entering) enter();
    if (this.#waiting.length > 0) this.#lookLater();
  }
}
