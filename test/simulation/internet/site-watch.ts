/**
 * Watches the sites of a simulated Internet: connections at a time, and how tenants with a backlog share each minute.
 *
 * Invariant: what a message counts is what the site's queue counts for it, so that shares are of one kind.
 */

import { kibibyte } from '../../../src/base/units.ts';

const windowMs = 60_000;
const transactionCost = 8 * kibibyte;
const recipientCost = kibibyte;

export function costOfMessage(recipients: number, bytes: number): number {
  return transactionCost + recipients * recipientCost + bytes;
}

interface Share {
  readonly tenant: number;
  backlog: number;
  /** Least backlog of the window under way. */
  least: number;
  cost: number;
  count: number;
  /** Cost of the largest message served. */
  largest: number;
}

export interface Unfair {
  readonly site: number;
  readonly windowMs: number;
  readonly least: readonly [tenant: number, cost: number, count: number];
  readonly most: readonly [tenant: number, cost: number, count: number];
}

export interface Fairness {
  readonly windows: number;
  readonly unfair: number;
  /** Of all windows, the part by which the least served was behind the most served. */
  readonly meanSpread: number;
  readonly worst: readonly Unfair[];
}

const worstMax = 10;
const toleratedShare = 0.1;
const rateSlackSeconds = 2;

export class SiteWatch {
  connectionsMost = 0;
  /** Transactions with one site in one window. */
  busiest = 0;
  readonly #open: Int32Array;
  readonly #begun: Int32Array;
  readonly #limit: number;
  readonly #onFault: (text: string) => void;
  /** A message at both ends of a window, for each thread that can have a connection. */
  readonly #granule: number;
  readonly #sites: Map<number, Share>[];
  readonly #messages: readonly WatchedRate[];
  readonly #dials: readonly WatchedRate[];
  #windowStartMs = 0;
  #windows = 0;
  #unfair = 0;
  #spread = 0;
  readonly #worst: Unfair[] = [];

  constructor(
    sites: number,
    { connectionsMax, messageRate = 0, connectionRate = 0 }: WatchedLimits,
    threads: number,
    onFault: (text: string) => void,
  ) {
    this.#open = new Int32Array(sites);
    this.#begun = new Int32Array(sites);
    this.#limit = connectionsMax;
    this.#granule = 2 * Math.min(threads, connectionsMax);
    this.#sites = Array.from({ length: sites }, () => new Map());
    this.#onFault = onFault;
    this.#messages = Array.from({ length: sites }, () => new WatchedRate(messageRate));
    this.#dials = Array.from({ length: sites }, () => new WatchedRate(connectionRate));
  }

  opened(site: number, nowMs: number): void {
    if (!this.#dials[site]!.allows(nowMs)) this.#onFault(`site ${site} is dialled too often`);
    const open = ++this.#open[site]!;
    this.connectionsMost = Math.max(this.connectionsMost, open);
    if (open > this.#limit) this.#onFault(`site ${site} has ${open} connections`);
  }

  /** A transaction. */
  begun(site: number, nowMs: number): void {
    this.busiest = Math.max(this.busiest, ++this.#begun[site]!);
    if (!this.#messages[site]!.allows(nowMs)) this.#onFault(`site ${site} has too many messages`);
  }

  closed(site: number): void {
    this.#open[site]!--;
  }

  /** A message that has never been tried waits for a site. */
  waits(site: number, tenant: number): void {
    this.#share(site, tenant).backlog++;
  }

  /** It does so no more. */
  leaves(site: number, tenant: number): void {
    const share = this.#share(site, tenant);
    share.backlog--;
    share.least = Math.min(share.least, share.backlog);
  }

  served(site: number, tenant: number, cost: number): void {
    const share = this.#share(site, tenant);
    share.cost += cost;
    share.count++;
    share.largest = Math.max(share.largest, cost);
  }

  /** To be called at least once in each window, at its end. */
  endWindow(nowMs: number): void {
    for (const [site, shares] of this.#sites.entries()) {
      if (shares.size === 0) continue;
      this.#judge(
        site,
        [...shares.values()].filter(({ least }) => least > 0),
      );
      for (const [tenant, share] of shares) {
        if (share.backlog === 0) shares.delete(tenant);
        share.least = share.backlog;
        share.cost = 0;
        share.count = 0;
        share.largest = 0;
      }
    }
    this.#windowStartMs = nowMs;
    this.#begun.fill(0);
  }

  #judge(site: number, shares: readonly Share[]): void {
    if (shares.length < 2) return;
    const sorted = [...shares].sort((a, b) => a.cost - b.cost);
    const least = sorted[0]!;
    const most = sorted.at(-1)!;
    if (most.count === 0) return;
    this.#windows++;
    const granule = this.#granule * Math.max(least.largest, most.largest);
    this.#spread += (most.cost - least.cost) / most.cost;
    if (most.cost - least.cost <= toleratedShare * most.cost + granule) return;
    this.#unfair++;
    if (this.#worst.length >= worstMax) return;
    this.#worst.push({
      ...{ site, windowMs: this.#windowStartMs },
      least: [least.tenant, least.cost, least.count],
      most: [most.tenant, most.cost, most.count],
    });
  }

  fairness(): Fairness {
    const meanSpread = this.#windows === 0 ? 0 : this.#spread / this.#windows;
    return { windows: this.#windows, unfair: this.#unfair, meanSpread, worst: this.#worst };
  }

  #share(site: number, tenant: number): Share {
    const shares = this.#sites[site]!;
    let share = shares.get(tenant);
    if (share === undefined) {
      // Who comes in the middle of a window had no backlog at its start.
      share = { tenant, backlog: 0, least: 0, cost: 0, count: 0, largest: 0 };
      shares.set(tenant, share);
    }
    return share;
  }
}

export interface WatchedLimits {
  readonly connectionsMax: number;
  /** A second; 0 is none. */
  readonly messageRate?: number;
  readonly connectionRate?: number;
}

/** A rate as its site sees it: what a second's burst and a lease allow, and a second on the way. */
class WatchedRate {
  readonly #perSecond: number;
  #count = 0;
  #lastMs = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** One more now: false when in some time up to now there were too many. */
  allows(nowMs: number): boolean {
    if (this.#perSecond === 0) return true;
    const left = this.#count - ((nowMs - this.#lastMs) / 1_000) * this.#perSecond;
    this.#lastMs = nowMs;
    this.#count = Math.max(0, left) + 1;
    return this.#count <= Math.max(1, this.#perSecond) + rateSlackSeconds * this.#perSecond + 1;
  }
}

export { windowMs as fairnessWindowMs };
