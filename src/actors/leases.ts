/**
 * A site's limits, lent to the shards that have mail for it: connection slots and rate tokens.
 *
 * Runs in:   the thread that owns the site; pure (time comes from the clock given).
 * Limits:    a lease ends `leaseMs` after it was given; `slotsMax` slots and the bucket's tokens are never exceeded.
 * Invariant: a crash loses tokens, never doubles them: an owner that follows a dead one lends nothing for one lease,
 *            for by then every lease of the dead one is over.
 *
 * Shares are fair by demand: nobody gets more than he asks for, and what one leaves the others divide (max-min).
 */

import { assert } from '../base/assert.ts';
import type { Clock } from '../ports/clock.ts';

export const leaseMsDefault = 1_000;

export interface SiteLimits {
  /** Connections at a time, all shards together. */
  readonly slotsMax: number;
  /** Messages a second; Infinity is no limit. */
  readonly tokensPerSecond: number;
  /** Messages that may go at once after a pause. */
  readonly burstMax: number;
}

export interface LeaseDemand {
  /** Who asks: a shard. */
  readonly holder: string;
  /** Connections it could use now, those it has included. */
  readonly slots: number;
  /** Of them, those with a message under way: they keep their slots, whoever else asks. */
  readonly slotsInUse: number;
  /** Messages it has waiting. */
  readonly tokens: number;
}

/** Ends at `untilMs` of the owner's monotonic clock; the holder counts `forMs` from when it asked, which is earlier. */
export interface Lease {
  readonly number: number;
  readonly holder: string;
  readonly slots: number;
  /** Its fair share now: what it holds past that, others wait for. */
  readonly share: number;
  readonly tokens: number;
  readonly untilMs: number;
  readonly forMs: number;
}

export interface SiteLeasesOptions {
  readonly clock: Clock;
  readonly limits: SiteLimits;
  readonly leaseMs?: number;
  /** When this owner took over from one that may have lent; absent: nobody lent before. */
  readonly ownerSinceMs?: number;
  /** No holder of the former owner lives (the process is new): its slots are free, its tokens may be spent. */
  readonly areHoldersGone?: boolean;
}

interface Holder {
  slotsWanted: number;
  tokensWanted: number;
  askedMs: number;
  lease: Lease | undefined;
}

export class SiteLeases {
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #slotsFromMs: number;
  readonly #holders = new Map<string, Holder>();
  #limits: SiteLimits;
  #tokens: number;
  #filledMs: number;
  #number = 0;

  constructor(options: SiteLeasesOptions) {
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#leaseMs = options.leaseMs ?? leaseMsDefault;
    const { ownerSinceMs } = options;
    const nowMs = options.clock.monotonicMs();
    const formerOverMs = ownerSinceMs === undefined ? nowMs : ownerSinceMs + this.#leaseMs;
    this.#slotsFromMs = options.areHoldersGone === true ? nowMs : formerOverMs;
    this.#filledMs = formerOverMs;
    // What a dead owner had left is not known: a bucket that starts empty cannot double it.
    this.#tokens = ownerSinceMs === undefined ? options.limits.burstMax : 0;
  }

  /** Slots under lease now. */
  get slotsLent(): number {
    const nowMs = this.#clock.monotonicMs();
    let sum = 0;
    for (const { lease } of this.#holders.values()) {
      if (lease !== undefined && lease.untilMs > nowMs) sum += lease.slots;
    }
    return sum;
  }

  /** Feedback found another limit: it holds for leases from now on. */
  limit(limits: SiteLimits): void {
    this.#fill();
    this.#limits = limits;
    this.#tokens = Math.min(this.#tokens, limits.burstMax);
  }

  /**
   * Lends for one lease; a holder's former lease ends with it. Both amounts may be 0: then ask again after `forMs`.
   * A holder that asks in time keeps the slots it uses; idle connections past its new share it closes.
   */
  lend(demand: LeaseDemand): Lease {
    assert(demand.slotsInUse >= 0 && demand.tokens >= 0, 'a demand is never negative');
    assert(demand.slotsInUse <= demand.slots, 'slots in use are part of the demand');
    const nowMs = this.#clock.monotonicMs();
    this.#fill();
    this.#forget(nowMs);
    const holder = this.#holders.get(demand.holder) ?? newHolder();
    this.#holders.set(demand.holder, holder);
    holder.slotsWanted = demand.slots;
    holder.tokensWanted = demand.tokens;
    holder.askedMs = nowMs;
    holder.lease = undefined;
    const share = this.#shareNow();
    const slots = nowMs >= this.#slotsFromMs ? this.#slotsFor(demand, share) : 0;
    const tokens = this.#tokensFor(demand);
    if (Number.isFinite(tokens)) this.#tokens -= tokens;
    this.#number++;
    holder.lease = {
      number: this.#number,
      holder: demand.holder,
      slots,
      share,
      tokens,
      untilMs: nowMs + this.#leaseMs,
      forMs: this.#leaseMs,
    };
    return holder.lease;
  }

  /** Free slots only, and of those at most a fair share while others want some too. */
  #slotsFor(demand: LeaseDemand, share: number): number {
    const free = Math.max(0, this.#limits.slotsMax - this.slotsLent);
    return Math.min(demand.slots, free, Math.max(demand.slotsInUse, share));
  }

  #shareNow(): number {
    const wants = Array.from(this.#holders.values(), (holder) => holder.slotsWanted);
    // Sharing may round the largest holder down to nothing; one connection is left to whoever has it.
    return Math.max(1, fairShare(wants, this.#limits.slotsMax));
  }

  #tokensFor(demand: LeaseDemand): number {
    if (this.#limits.tokensPerSecond === Number.POSITIVE_INFINITY) return demand.tokens;
    const wants = Array.from(this.#holders.values(), (holder) => holder.tokensWanted);
    const room = Math.floor(this.#tokens);
    return Math.min(demand.tokens, room, fairShare(wants, Math.max(room, 1)));
  }

  #fill(): void {
    const nowMs = this.#clock.monotonicMs();
    const elapsedMs = nowMs - this.#filledMs;
    if (elapsedMs <= 0 || this.#limits.tokensPerSecond === Number.POSITIVE_INFINITY) return;
    this.#filledMs = nowMs;
    const grown = (elapsedMs / 1_000) * this.#limits.tokensPerSecond;
    this.#tokens = Math.min(this.#limits.burstMax, this.#tokens + grown);
  }

  /** A holder that did not ask for one lease is gone: its slots are free, its tokens are lost. */
  #forget(nowMs: number): void {
    for (const [name, holder] of this.#holders) {
      if (holder.askedMs + this.#leaseMs <= nowMs) this.#holders.delete(name);
    }
  }
}

function newHolder(): Holder {
  return { slotsWanted: 0, tokensWanted: 0, askedMs: 0, lease: undefined };
}

/**
 * A whole share such that, when nobody gets more than it, `total` is used up (max-min fairness). Rounded up: of those
 * who share a remainder, who asks first is served first.
 */
export function fairShare(wants: readonly number[], total: number): number {
  const ascending = [...wants].sort((a, b) => a - b);
  let left = total;
  for (let i = 0; i < ascending.length; i++) {
    const share = Math.ceil(left / (ascending.length - i));
    if (ascending[i]! > share) return share;
    left -= ascending[i]!;
  }
  return total;
}
