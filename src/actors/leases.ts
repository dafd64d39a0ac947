/**
 * A site's limits, lent to the threads that have mail for it: connection slots, and tokens of messages and connections.
 *
 * Runs in:   the thread that owns the site; pure (time comes from the clock given).
 * Limits:    a lease ends `leaseMs` after it was given; `slotsMax` connections and each bucket's rate are never
 *            exceeded; `bucketsMax` named buckets, past it one more is given nothing.
 * Invariant: a slot whose connection may be open is not lent again, however long its thread stands still: while its
 *            lease runs it counts, and after that what its thread has open does (`open-slots.ts`). A crash loses
 *            tokens, never doubles them: an owner that follows another lends nothing new for one lease, for by then
 *            every lease of the former is over, and its buckets start empty.
 */

import { assert } from '../base/assert.ts';
import type { Clock } from '../ports/clock.ts';
import type { OpenSlots } from './open-slots.ts';
import { type Rate, TokenBucket } from './rates.ts';
import { Shares, type TenantDemand } from './shares.ts';

export const leaseMsDefault = 1_000;

/** Each rate `Infinity` where there is none. All threads together. */
export interface SiteLimits {
  /** Connections at a time. */
  readonly slotsMax: number;
  readonly messagesPerSecond: number;
  /** Messages that may go at once after a pause. */
  readonly messagesBurst: number;
  readonly connectionsPerSecond: number;
  readonly connectionsBurst: number;
}

/** The two buckets every site has; others are named by whoever asks, as `tenant 17`. */
export const messagesBucket = 'messages';
export const connectionsBucket = 'connections';

/** bucket, tokens that could be spent until the next demand, tokens of the last lease that were not spent. */
export type TokenDemand = readonly [bucket: string, wanted: number, unspent: number];

export interface LeaseDemand {
  readonly thread: number;
  /** Of the thread: another life has none of the slots of the one before. */
  readonly life: string;
  /** Connections it could use now, those it has included. */
  readonly slots: number;
  /** Those it has: they keep their slots, whoever else asks, and it opens no more of them before it has the answer. */
  readonly slotsInUse: number;
  /** Undefined where it did not look: nobody shared the site with it. */
  readonly tenants: readonly TenantDemand[] | undefined;
  readonly tokens: readonly TokenDemand[];
}

/** Ends at `untilMs` of the owner's monotonic clock; the holder counts `forMs` from when it asked, which is earlier. */
export interface Lease {
  readonly slots: number;
  /** Its part now: what it holds past that, others wait for. */
  readonly share: number;
  readonly untilMs: number;
  readonly forMs: number;
  /** When to ask again. */
  readonly againMs: number;
  /** Every message, every connection needs a token. */
  readonly isMessageRated: boolean;
  readonly isConnectionRated: boolean;
  /** When to ask again for tokens, should there be none left: soon where it was given all that it asked for. */
  readonly tokensAgainMs: number;
  /** For each bucket asked for; `Infinity` where there is no limit. */
  readonly tokens: readonly number[];
  /** For each tenant of the demand: how to weigh it against the others. Empty: all alike. */
  readonly weights: readonly number[];
  /** Others want some too: the next demand should name its tenants. */
  readonly isShared: boolean;
}

export interface SiteLeasesOptions {
  readonly clock: Clock;
  readonly site: string;
  readonly open: OpenSlots;
  readonly limits: SiteLimits;
  /** Of a named bucket; undefined where it has none. */
  readonly rateOf?: ((bucket: string) => Rate | undefined) | undefined;
  readonly leaseMs?: number;
  /** When this owner took over from one that may have lent; absent: nobody lent before. */
  readonly ownerSinceMs?: number;
  /** No holder of the former owner lives (the process is new): its slots are free, its tokens may be spent. */
  readonly areHoldersGone?: boolean;
}

interface Holder {
  life: string;
  slots: number;
  untilMs: number;
}

const bucketsMax = 10_000;
/** When to ask again: while others have what is one's own, and while slots go round… */
const waitingMs = 100;
const contendedMs = 200;
/** …while nothing is left for others who come, or a rate has to be followed, and while neither is so. */
const fullMs = 500;
const restMs = 2_000;
/** For tokens, where there are enough. */
const plentyMs = 5;

export class SiteLeases {
  readonly #options: SiteLeasesOptions;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #fromMs: number;
  readonly #slotsFromMs: number;
  readonly #holders = new Map<number, Holder>();
  readonly #shares: Shares;
  readonly #buckets = new Map<string, TokenBucket>();
  #limits: SiteLimits;

  constructor(options: SiteLeasesOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#leaseMs = options.leaseMs ?? leaseMsDefault;
    const { ownerSinceMs } = options;
    const nowMs = options.clock.monotonicMs();
    this.#fromMs = ownerSinceMs === undefined ? nowMs : ownerSinceMs + this.#leaseMs;
    this.#slotsFromMs = options.areHoldersGone === true ? nowMs : this.#fromMs;
    this.#shares = new Shares(nowMs);
  }

  get limits(): SiteLimits {
    return this.#limits;
  }

  /** Slots that are lent, or whose connections may be open. */
  get slotsLent(): number {
    return this.#lentBut(-1);
  }

  /** Other limits hold for leases from now on. */
  limit(limits: SiteLimits): void {
    this.#limits = limits;
    for (const name of [...this.#buckets.keys()]) this.rate(name);
  }

  /** Another rate of one bucket. */
  rate(name: string): void {
    const bucket = this.#buckets.get(name);
    const rate = this.#rateOf(name);
    if (rate === undefined) this.#buckets.delete(name);
    else bucket?.change(rate, this.#clock.monotonicMs());
  }

  /** Nothing would be different with a new one in its place. */
  get isIdle(): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (this.slotsLent > 0) return false;
    for (const bucket of this.#buckets.values()) if (!bucket.isFull(nowMs)) return false;
    return true;
  }

  /**
   * Lends for one lease; a holder's former lease ends with it. All amounts may be 0: then ask again after `againMs`.
   * A holder keeps the slots it uses; past its share it should end their connections, idle ones first.
   */
  lend(demand: LeaseDemand): Lease {
    const { thread, life, slots: wanted, slotsInUse, tenants } = demand;
    assert(slotsInUse >= 0 && slotsInUse <= wanted, 'slots in use are part of the demand');
    const nowMs = this.#clock.monotonicMs();
    this.#forget(nowMs);
    const { slotsMax } = this.#limits;
    const shares = this.#shares;
    shares.demand(thread, wanted, slotsInUse, tenants, nowMs);
    const target = shares.targetOf(thread, slotsMax);
    const isContended = shares.isContended(slotsMax);
    const slots = this.#slotsFor(demand, Math.max(slotsInUse, target), nowMs);
    // Who is to wait for a slot has no use for tokens, and would keep them from those who have one.
    const mustWait = wanted > 0 && slots === 0;
    const tokens = demand.tokens.map(([name, many, unspent]) =>
      this.#tokensFor(thread, [name, mustWait ? 0 : many, unspent], nowMs),
    );
    this.#holders.set(thread, { life, slots, untilMs: nowMs + this.#leaseMs });
    shares.lend(thread, slots);
    return {
      slots,
      share: isContended ? target : slotsMax,
      untilMs: nowMs + this.#leaseMs,
      forMs: this.#leaseMs,
      againMs: this.#againMs(slots < Math.min(wanted, target), isContended),
      isMessageRated: this.#rateOf(messagesBucket) !== undefined,
      isConnectionRated: this.#rateOf(connectionsBucket) !== undefined,
      ...{ tokens, tokensAgainMs: this.#tokensAgainMs(demand, tokens, nowMs) },
      weights: tenants === undefined ? [] : shares.weightsOf(thread, tenants),
      isShared: shares.count > 1,
    };
  }

  #againMs(isWaiting: boolean, isContended: boolean): number {
    if (isWaiting) return waitingMs;
    if (isContended) return contendedMs;
    return this.#buckets.size > 0 || this.slotsLent >= this.#limits.slotsMax ? fullMs : restMs;
  }

  #slotsFor({ thread, slots, slotsInUse }: LeaseDemand, most: number, nowMs: number): number {
    const free = Math.max(0, this.#limits.slotsMax - this.#lentBut(thread));
    // Leases of a former owner may still be used: what is open may stay.
    const room = nowMs >= this.#slotsFromMs ? free : Math.min(free, slotsInUse);
    return Math.min(slots, most, room);
  }

  #lentBut(thread: number): number {
    const { open, site } = this.#options;
    const nowMs = this.#clock.monotonicMs();
    let sum = 0;
    for (let other = 0; other < open.threads; other++) {
      if (other === thread) continue;
      const holder = this.#holders.get(other);
      if (holder === undefined) sum += open.of(other, site);
      else if (holder.untilMs > nowMs) sum += holder.slots;
      // It opened no more than it was lent: others of the same words do not count.
      else sum += Math.min(holder.slots, open.of(other, site));
    }
    return sum;
  }

  #tokensFor(thread: number, [name, wanted, unspent]: TokenDemand, nowMs: number): number {
    const rate = this.#rateOf(name);
    if (rate === undefined) return Number.POSITIVE_INFINITY;
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      if (this.#buckets.size >= bucketsMax) this.#forgetBuckets(nowMs);
      if (this.#buckets.size >= bucketsMax) return 0;
      const isFull = this.#options.ownerSinceMs === undefined;
      bucket = new TokenBucket(rate, this.#leaseMs, this.#fromMs, isFull);
      this.#buckets.set(name, bucket);
    }
    if (unspent > 0) bucket.bringBack(unspent, nowMs);
    return bucket.take(thread, this.#shares.weightOf(thread), wanted, nowMs);
  }

  #tokensAgainMs(demand: LeaseDemand, given: readonly number[], nowMs: number): number {
    let waitMs = Number.POSITIVE_INFINITY;
    for (const [i, [name, wanted]] of demand.tokens.entries()) {
      const bucket = given[i]! < wanted ? this.#buckets.get(name) : undefined;
      if (bucket !== undefined) waitMs = Math.min(waitMs, bucket.waitMs(demand.thread, nowMs));
    }
    if (waitMs === Number.POSITIVE_INFINITY) return plentyMs;
    return Math.min(fullMs, Math.max(waitingMs, waitMs));
  }

  #rateOf(name: string): Rate | undefined {
    const { messagesPerSecond, messagesBurst, connectionsPerSecond, connectionsBurst } =
      this.#limits;
    const rate =
      name === messagesBucket
        ? { perSecond: messagesPerSecond, burst: messagesBurst }
        : name === connectionsBucket
          ? { perSecond: connectionsPerSecond, burst: connectionsBurst }
          : this.#options.rateOf?.(name);
    return rate?.perSecond === Number.POSITIVE_INFINITY ? undefined : rate;
  }

  #forgetBuckets(nowMs: number): void {
    for (const [name, bucket] of this.#buckets) {
      if (bucket.isFull(nowMs)) this.#buckets.delete(name);
    }
  }

  /** A thread that did not ask for one lease wants nothing; what it has open still counts. */
  #forget(nowMs: number): void {
    const { open, site } = this.#options;
    for (const [thread, holder] of this.#holders) {
      if (holder.untilMs > nowMs) continue;
      this.#shares.forget(thread);
      if (open.of(thread, site) === 0) this.#holders.delete(thread);
    }
  }
}
