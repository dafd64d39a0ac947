/**
 * The room a site's queue has, and who is told of it: messages that were sent away wait in the index until then.
 *
 * Runs in:   engine threads.
 * Limits:    what is expected is forgotten at the next tick, should it not come; `toldCountMax` messages are asked for
 *            at a time: handing them out is one turn of the thread, 2 ms, and others want theirs.
 * Invariant: once a message was sent away, room is told of whenever there is much of it, as long as anybody says that
 *            more waits; so the queue does not run dry while something waits for it.
 */

import type { TenantId } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SiteQueue } from './lanes/site-queue.ts';

/** Of a queue that was full, what is left when those who wait are told. */
const roomShare = 0.25;
const toldCountMax = 32;

export interface SiteRoomOptions {
  readonly queue: SiteQueue;
  readonly countMax: number;
  readonly clock: Clock;
  /** There is room for so many messages. False: no more wait for it. */
  readonly tell: (count: number) => boolean;
}

export class SiteRoom {
  readonly #options: SiteRoomOptions;
  /** Messages that were promised a place and are read from the store now. */
  #coming = 0;
  #isWaitedFor = false;
  #isTelling = false;

  constructor(options: SiteRoomOptions) {
    this.#options = options;
  }

  /** How many messages the queue is sure to take, be they all of one tenant. */
  get count(): number {
    return Math.max(0, this.#options.countMax - this.#filled()) >>> 1;
  }

  /** A message is about to come. False: it is better left where it is, and will be told of room. */
  expect(tenant: TenantId, bytes: number): boolean {
    if (!this.#options.queue.hasRoom(tenant, bytes, this.#coming)) {
      this.#isWaitedFor = true;
      return false;
    }
    this.#coming++;
    return true;
  }

  /** One came, expected or not. */
  arrived(isTaken: boolean): void {
    if (this.#coming > 0) this.#coming--;
    if (!isTaken) this.#isWaitedFor = true;
  }

  /** One left the queue. */
  left(): void {
    if (this.#isWaitedFor) this.#tellOfMuch();
  }

  /** Now and then: what was expected and did not come is expected no more. */
  onTick(): void {
    this.#coming = 0;
    if (this.#isWaitedFor) this.#tellOfMuch();
  }

  #filled(): number {
    return this.#options.queue.count + this.#coming;
  }

  #tellOfMuch(): void {
    if (this.#isTelling || this.#filled() > this.#options.countMax * roomShare) return;
    this.#isTelling = true;
    // Not now: a connection takes its next message.
    this.#options.clock.setTimer(0, () => {
      this.#isTelling = false;
      // One that is sent away meanwhile asks again.
      this.#isWaitedFor = false;
      if (this.#options.tell(Math.min(this.count, toldCountMax))) this.#isWaitedFor = true;
    });
  }
}
