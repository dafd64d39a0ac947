/**
 * How many messages each tenant has handed in this hour and this day, against what it may.
 *
 * Runs in:   edge (main thread), where all mail comes in: no other count has to agree with this one.
 * Limits:    one small object for each tenant that has a quota.
 * Invariant: within a run of the server no tenant has more accepted in an hour or a day (UTC) than its quota. Counts
 *            are in memory: after each start a tenant may hand in the whole of its quota once more.
 */

import type { TenantId } from '../../base/ids.ts';
import { dayMs, hourMs } from '../../base/units.ts';
import type { AccountDirectory, Tenant } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';

/** Messages of a window of time; windows follow each other without a gap. */
class Window {
  readonly #lengthMs: number;
  #number = 0;
  #count = 0;

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  count(nowMs: number): number {
    const number = Math.floor(nowMs / this.#lengthMs);
    // A clock that is set back opens no new window.
    if (number > this.#number) {
      this.#number = number;
      this.#count = 0;
    }
    return this.#count;
  }

  /** After `count` of now. */
  add(): void {
    this.#count++;
  }

  /** Of a window that is over, nothing is had back. */
  giveBack(takenMs: number): void {
    if (Math.floor(takenMs / this.#lengthMs) === this.#number && this.#count > 0) this.#count--;
  }

  /** How long until the next one. */
  leftMs(nowMs: number): number {
    return Math.max(1, (this.#number + 1) * this.#lengthMs - nowMs);
  }
}

class TenantCount {
  perHourMax = 0;
  perDayMax = 0;
  readonly hour = new Window(hourMs);
  readonly day = new Window(dayMs);

  /** 0: it may hand in so many now. */
  waitMs(count: number, nowMs: number): number {
    const { hour, day, perHourMax, perDayMax } = this;
    if (perDayMax > 0 && day.count(nowMs) + count > perDayMax) return day.leftMs(nowMs);
    if (perHourMax > 0 && hour.count(nowMs) + count > perHourMax) return hour.leftMs(nowMs);
    return 0;
  }
}

export class TenantQuotas {
  readonly #clock: Clock;
  readonly #directory: Pick<AccountDirectory, 'tenants' | 'tenantById' | 'subscribe'>;
  readonly #counts = new Map<TenantId, TenantCount>();

  constructor(
    clock: Clock,
    directory: Pick<AccountDirectory, 'tenants' | 'tenantById' | 'subscribe'>,
  ) {
    this.#clock = clock;
    this.#directory = directory;
  }

  /** Reads the quotas, and follows them from here on; ends with the directory. */
  async start(): Promise<void> {
    this.#directory.subscribe((change) => {
      if (change.kind === 'tenant') void this.#read(change.id);
    });
    for (const tenant of await this.#directory.tenants()) this.#set(tenant);
  }

  /** How long until the tenant may hand in so many; 0: now. */
  waitMs(tenant: TenantId, count = 1): number {
    return this.#counts.get(tenant)?.waitMs(count, this.#clock.nowMs()) ?? 0;
  }

  /** Counts a message: answers when, for `giveBack`; 0: its tenant has no quota; undefined: it is one too many. */
  take(tenant: TenantId): number | undefined {
    const counts = this.#counts.get(tenant);
    if (counts === undefined) return 0;
    const nowMs = this.#clock.nowMs();
    if (counts.waitMs(1, nowMs) > 0) return undefined;
    for (const window of [counts.hour, counts.day]) {
      window.count(nowMs);
      window.add();
    }
    return nowMs;
  }

  /** A message that was counted was not accepted. */
  giveBack(tenant: TenantId, takenMs: number): void {
    const counts = this.#counts.get(tenant);
    counts?.hour.giveBack(takenMs);
    counts?.day.giveBack(takenMs);
  }

  async #read(id: TenantId): Promise<void> {
    const tenant = await this.#directory.tenantById(id);
    if (tenant !== undefined) this.#set(tenant);
  }

  #set({ id, messagesPerHourMax = 0, messagesPerDayMax = 0 }: Tenant): void {
    let counts = this.#counts.get(id);
    if (counts === undefined) {
      if (messagesPerHourMax === 0 && messagesPerDayMax === 0) return;
      counts = new TenantCount();
      this.#counts.set(id, counts);
    }
    counts.perHourMax = messagesPerHourMax;
    counts.perDayMax = messagesPerDayMax;
  }
}
