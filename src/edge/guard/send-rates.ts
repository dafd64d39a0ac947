/**
 * How many recipients whoever hands mail in may name within a while: an account, a tenant, a sender address, a client's
 * address, its network.
 *
 * Runs in:   edge (main thread).
 * Limits:    counts are as many as the counters keep; senders, which clients choose, have counters of their own, so
 *            that no flood of names makes the others forget.
 * Invariant: a recipient that one rate refuses counts under none. Counts in memory start anew with the server. With
 *            counters that answer later, rates may be passed by what is under way at once.
 */

import type { TenantId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { isLoopback, type NetworkSet } from '../../base/networks.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { Account, Eventually } from '../../ports/account-directory.ts';
import type { Counted, Counters } from '../../ports/counters.ts';
import { networkAround, type PrefixBits } from './ban-networks.ts';

export const rateKinds = ['account', 'tenant', 'sender', 'address', 'network'] as const;
export type RateKind = (typeof rateKinds)[number];

const ofAddress: PrefixBits = { v4: 32, v6: 64 };
const ofNetwork: PrefixBits = { v4: 24, v6: 48 };
/** Refusals told once a window: so many are remembered as told. */
const toldMax = 10_000;

/** Who hands a message in. */
export interface HandingIn {
  readonly tenant: TenantId;
  /** Undefined: nobody logged in. */
  readonly account: Pick<Account, 'id' | 'address'> | undefined;
  /** The envelope sender; "" is under no rate of senders. */
  readonly sender: string;
  readonly peerAddress: string;
}

export interface RateReached {
  readonly kind: RateKind;
  /** The account's or sender's address, the tenant's number, the network. */
  readonly of: string;
  readonly max: number;
  readonly endsInMs: number;
}

export interface SendRatesParts {
  /** Recipients within the window; 0: as many as they like. */
  readonly max: Readonly<Record<RateKind, number>>;
  readonly windowMs: number;
  readonly counters: Counters;
  readonly senderCounters: Counters;
  /** Their addresses and networks are under no rate, besides loopback. */
  readonly allowed: NetworkSet;
  readonly log: Log;
  /** Told once a window of each that meets its rate. */
  readonly reached: (reached: RateReached) => void;
}

interface Place {
  readonly kind: RateKind;
  readonly of: string;
  readonly key: string;
  readonly max: number;
  readonly counters: Counters;
}

export class SendRates {
  /** Told of each refusal. */
  refused: (kind: RateKind) => void = () => {};
  readonly #parts: SendRatesParts;
  /** Key to the end of the window it was told of, as far as it was known. */
  readonly #told = new RecentMap<string, number>(toldMax);

  constructor(parts: SendRatesParts) {
    this.#parts = parts;
  }

  /** Counts `count` recipients; or none, and answers which rate refuses them. At once where the counters do. */
  take(from: HandingIn, count: number, nowMs: number): Eventually<RateReached | undefined> {
    const places = this.#placesOf(from);
    const reached = this.#look(places, count);
    if (reached instanceof Promise) {
      return reached.then((late) => this.#takeOrTell(places, count, late, nowMs));
    }
    return this.#takeOrTell(places, count, reached, nowMs);
  }

  /** Which rate would refuse so many. Nothing is counted. */
  look(from: HandingIn, count: number): Eventually<RateReached | undefined> {
    return this.#look(this.#placesOf(from), count);
  }

  #look(places: readonly Place[], count: number): Eventually<RateReached | undefined> {
    const counts = places.map((place) => this.#counted(place));
    if (!counts.some((each) => each instanceof Promise)) {
      return this.#reachedOf(places, counts as (Counted | undefined)[], count);
    }
    return Promise.all(counts).then((late) => this.#reachedOf(places, late, count));
  }

  /** What cannot be read is no count: mail goes on. */
  #counted({ counters, key }: Place): Eventually<Counted | undefined> {
    const unread = (error: unknown): undefined => {
      this.#parts.log.error({ error: String(error) }, 'counts of recipients could not be read');
    };
    try {
      const counted = counters.look(key);
      return counted instanceof Promise ? counted.catch(unread) : counted;
    } catch (error) {
      return unread(error);
    }
  }

  #reachedOf(
    places: readonly Place[],
    counts: readonly (Counted | undefined)[],
    count: number,
  ): RateReached | undefined {
    let first: RateReached | undefined;
    for (const [i, { kind, of, max }] of places.entries()) {
      const counted = counts[i];
      if ((counted?.count ?? 0) + count <= max) continue;
      const endsInMs = counted?.endsInMs ?? this.#parts.windowMs;
      // The one that holds longest is told: before its end nothing is taken.
      if (first === undefined || endsInMs > first.endsInMs) first = { kind, of, max, endsInMs };
    }
    return first;
  }

  #takeOrTell(
    places: readonly Place[],
    count: number,
    reached: RateReached | undefined,
    nowMs: number,
  ): RateReached | undefined {
    if (reached !== undefined) this.#tell(reached, nowMs);
    else for (const place of places) void this.#add(place, count);
    return reached;
  }

  async #add({ counters, key }: Place, count: number): Promise<void> {
    try {
      await counters.add(key, this.#parts.windowMs, count);
    } catch (error) {
      this.#parts.log.error({ error: String(error) }, 'recipients could not be counted');
    }
  }

  #placesOf({ tenant, account, sender, peerAddress }: HandingIn): readonly Place[] {
    const { max, counters, senderCounters } = this.#parts;
    const places: Place[] = [];
    const add = (kind: RateKind, of: string, key: string, where: Counters) => {
      if (max[kind] > 0) places.push({ kind, of, key, max: max[kind], counters: where });
    };
    if (account !== undefined) add('account', account.address, `a ${account.id}`, counters);
    add('tenant', String(tenant), `t ${tenant}`, counters);
    if (sender !== '') {
      const folded = sender.toLowerCase();
      add('sender', folded, `${tenant} ${folded}`, senderCounters);
    }
    if (isLoopback(peerAddress) || this.#parts.allowed.has(peerAddress)) return places;
    const around = networkAround(peerAddress, ofAddress);
    const wider = networkAround(peerAddress, ofNetwork);
    if (around !== undefined) add('address', around, `i ${around}`, counters);
    if (wider !== undefined) add('network', wider, `n ${wider}`, counters);
    return places;
  }

  #tell(reached: RateReached, nowMs: number): void {
    this.refused(reached.kind);
    const key = `${reached.kind} ${reached.of}`;
    if ((this.#told.get(key) ?? 0) > nowMs) return;
    this.#told.set(key, nowMs + reached.endsInMs);
    this.#parts.reached(reached);
  }
}
