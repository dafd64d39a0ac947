/**
 * The room a site's queue has, and who is told of it: messages that were sent away wait in the index until then.
 *
 * Runs in:   engine threads.
 * Limits:    what is expected is forgotten at the next tick, should it not come; `toldCountMax` messages are asked for
 *            at a time, `toldOfTenantMax` of one tenant: handing them out is one turn of the thread, and others want
 *            theirs. `tenantsMax` tenants are known to have been sent away; the others' mail comes with all.
 * Invariant: once a message was sent away, room is told of whenever there is much of it, as long as anybody says that
 *            more waits; so the queue does not run dry while something waits for it. Nor does it of one tenant's mail
 *            while it is full of another's: who came late has a small part of it, and would have no share of the site
 *            until the rest is nearly gone.
 */

import type { TenantId } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SiteQueue } from './lanes/site-queue.ts';

/** Of a queue that was full, what is left when those who wait are told. */
const roomShare = 0.25;
const toldCountMax = 32;
/** Of a tenant whose mail was sent away, what is left when more of it is asked for. */
const fewCount = 16;
const fewShare = 1 / 64;
const toldOfTenantMax = 32;
const tenantsMax = 1_000;

export interface SiteRoomOptions {
  readonly queue: SiteQueue;
  readonly countMax: number;
  readonly clock: Clock;
  /** There is room for so many messages, of all or of one tenant. False: no more wait for it. */
  readonly tell: (count: number, tenant?: TenantId) => boolean;
}

export class SiteRoom {
  readonly #options: SiteRoomOptions;
  /** Messages that were promised a place and are read from the store now. */
  #coming = 0;
  #isWaitedFor = false;
  /** Tenants that were sent away; true: more of theirs was asked for, and none has come yet. */
  readonly #away = new Map<TenantId, boolean>();
  #isTelling = false;

  readonly #few: number;

  constructor(options: SiteRoomOptions) {
    this.#options = options;
    this.#few = Math.min(fewCount, Math.floor(options.countMax * fewShare));
  }

  /** How many messages the queue is sure to take, be they all of one tenant. */
  get count(): number {
    return Math.max(0, this.#options.countMax - this.#filled()) >>> 1;
  }

  /** Nobody is expected, and nobody waits to be told. */
  get isAtRest(): boolean {
    return this.#coming === 0 && !this.#isWaitedFor;
  }

  /** A message is about to come. False: it is better left where it is, and will be told of room. */
  expect(tenant: TenantId, bytes: number): boolean {
    if (!this.#options.queue.hasRoom(tenant, bytes, this.#coming)) {
      this.#sentAway(tenant);
      return false;
    }
    this.#coming++;
    return true;
  }

  /** One came, expected or not. */
  arrived(isTaken: boolean, tenant: TenantId): void {
    if (this.#coming > 0) this.#coming--;
    if (!isTaken) this.#sentAway(tenant);
    else if (this.#away.get(tenant) === true) this.#away.set(tenant, false);
  }

  /** One of this tenant's left the queue; undefined: one was looked for. */
  left(tenant: TenantId | undefined): void {
    if (!this.#isWaitedFor) return;
    this.#tellOfMuch();
    if (tenant !== undefined && this.#away.get(tenant) === false) this.#tellOf(tenant);
  }

  /** Now and then: what was expected and did not come is expected no more. */
  onTick(): void {
    this.#coming = 0;
    if (!this.#isWaitedFor) return;
    this.#tellOfMuch();
    for (const tenant of this.#away.keys()) this.#tellOf(tenant);
  }

  #sentAway(tenant: TenantId): void {
    this.#isWaitedFor = true;
    if (this.#away.has(tenant) || this.#away.size < tenantsMax) this.#away.set(tenant, false);
  }

  get #hasMuch(): boolean {
    return this.#filled() <= this.#options.countMax * roomShare;
  }

  #filled(): number {
    return this.#options.queue.count + this.#coming;
  }

  #tellOfMuch(): void {
    if (this.#isTelling || !this.#hasMuch) return;
    this.#isTelling = true;
    // Not now: a connection takes its next message.
    this.#options.clock.setTimer(0, () => {
      this.#isTelling = false;
      // One that is sent away meanwhile asks again.
      this.#isWaitedFor = false;
      if (this.#options.tell(Math.min(this.count, toldCountMax))) this.#isWaitedFor = true;
      if (!this.#isWaitedFor) this.#away.clear();
    });
  }

  #tellOf(tenant: TenantId): void {
    const { queue, clock, tell } = this.#options;
    // Where there is much room, all are told of it.
    if (this.#isTelling || this.#hasMuch || queue.countOf(tenant) > this.#few) return;
    const count = Math.min(queue.roomOf(tenant, this.#coming), toldOfTenantMax);
    if (count === 0) return;
    this.#away.set(tenant, true);
    clock.setTimer(0, () => {
      if (!tell(count, tenant)) this.#away.delete(tenant);
    });
  }
}
