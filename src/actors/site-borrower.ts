/**
 * What a thread has borrowed of sites: connection slots and tokens of their rates, asked of each site's owner.
 *
 * Runs in:   engine threads, one in each.
 * Limits:    one ask under way for a site at a time, renewed when the owner says; `tenantsMax` tenants in a demand,
 *            `pursesMax` buckets a site.
 * Invariant: nothing is begun by a lease that is over by this thread's clock at that moment, and a thread has no more
 *            connections than its leases had slots: without an answer in time it opens none and spends no token.
 */

import { secondMs } from '../base/units.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Answer, Ask } from './ask.ts';
import {
  connectionsBucket,
  type Lease,
  type LeaseDemand,
  leaseMsDefault,
  messagesBucket,
  type TokenDemand,
} from './leases.ts';
import type { OpenSlots } from './open-slots.ts';
import type { TenantDemand } from './shares.ts';
import type {
  BucketsOf,
  BucketsOfMessage,
  Gate,
  SiteLease,
  SiteLeases,
  SiteReach,
  SiteUser,
} from './site-lease.ts';
import { type LendMeta, siteLend, siteShard } from './site-leases.ts';

export interface SiteBorrowerOptions {
  readonly clock: Clock;
  readonly thread: number;
  /** Names this thread's life: another life is another holder. */
  readonly life: string;
  readonly shards: number;
  readonly open: OpenSlots;
  readonly ask: (ask: Ask) => Promise<Answer>;
  readonly bucketsOf?: BucketsOf;
}

/** After a refusal. */
const againMs = 200;
/** A thread that gave up what others wait for says so at once, but no more often. */
const soonMs = 50;
const tenantsMax = 64;
const pursesMax = 1_000;
/** Tokens are asked for as so many times what was spent of late, and a few. */
const tokensAhead = 2;
const tokensMin = 4;
/** Where there are enough, asked for again when this part of them is left. */
const lowPart = 4;

/** Connection slots and tokens for one thread's deliveries. */
export class SiteBorrower implements SiteLeases {
  readonly #options: SiteBorrowerOptions;
  readonly #sites = new Map<string, BorrowedSite>();

  constructor(options: SiteBorrowerOptions) {
    this.#options = options;
  }

  /** Sites that something is borrowed of, or asked. */
  get siteCount(): number {
    return this.#sites.size;
  }

  join(name: string, user: SiteUser, way = name): SiteLease {
    let site: BorrowedSite | undefined;
    const borrowed = () => {
      if (site === undefined || site.isGone) {
        site = this.#sites.get(name) ?? this.#borrow(name);
        site.users.add(user);
      }
      return site;
    };
    return {
      reach: this.#reachOf(way),
      request: (granted) => borrowed().request(granted),
      dial: (granted) => site!.dial(granted),
      undial: () => {},
      release: () => site!.release(),
      get excess() {
        return site === undefined ? 0 : site.excess;
      },
      get gate() {
        return site === undefined || site.isGone ? undefined : site.gate;
      },
      leave: () => site?.users.delete(user),
    };
  }

  #reachOf(way: string): SiteReach {
    const { clock, open } = this.#options;
    let notedSecond = 0;
    return {
      note() {
        const second = Math.floor(clock.nowMs() / secondMs);
        if (second === notedSecond) return;
        notedSecond = second;
        open.reached(way, second);
      },
      get second() {
        return open.reachedSecond(way);
      },
    };
  }

  #borrow(name: string): BorrowedSite {
    const site = new BorrowedSite(name, this.#options, () => this.#sites.delete(name));
    this.#sites.set(name, site);
    return site;
  }
}

/** Tokens of one bucket. */
interface Purse {
  tokens: number;
  spent: number;
  /** The owner gave all that was asked for: there are enough to have some ahead. */
  isPlenty: boolean;
  /** Where there are enough, more are asked for once so few are left. */
  low: number;
  /** Of the lease before, left when this one came: they go back with the next demand, unless that lease is over. */
  left: number;
  leftUntilMs: number;
  /** Somebody wanted one and there was none, since the last ask. */
  isWanted: boolean;
}

class BorrowedSite implements Gate {
  readonly users = new Set<SiteUser>();
  isGone = false;
  readonly #name: string;
  readonly #options: SiteBorrowerOptions;
  readonly #forget: () => void;
  #untilMs = 0;
  #inUse = 0;
  /** What may be in use: the lease's slots; while more are asked for, what that ask said is in use. */
  #inUseMax = 0;
  /** What would be fair; more may be in use until its connections are given up. */
  #share = Number.POSITIVE_INFINITY;
  /** For slots. */
  readonly #waiting: (() => void)[] = [];
  /** For tokens of connections; these have their slots. */
  readonly #dialling: (() => void)[] = [];
  /** Of named buckets; the two others are there while there is such a rate, or it is not known. */
  readonly #purses = new Map<string, Purse>();
  #messages: Purse | undefined = newPurse();
  #connections: Purse | undefined = newPurse();
  #bucketsOf: BucketsOfMessage | undefined;
  #isShared = true;
  #isTold = false;
  #isWeighed = false;
  #isAsking = false;
  /** The last answer was less than asked for, or none: more is asked for only when the timer fires. */
  #isCapped = false;
  #askedMs = Number.NEGATIVE_INFINITY;
  #againMs = againMs;
  #tokensAgainMs = againMs;
  #timer: Timer | undefined;

  constructor(name: string, options: SiteBorrowerOptions, forget: () => void) {
    this.#name = name;
    this.#options = options;
    this.#forget = forget;
    this.#bucketsOf = options.bucketsOf?.(name);
  }

  get excess(): number {
    return Math.max(0, this.#inUse - this.#share);
  }

  get gate(): Gate | undefined {
    return this.#messages === undefined && this.#bucketsOf === undefined ? undefined : this;
  }

  request(granted: () => void): void {
    this.#waiting.push(granted);
    this.#grant();
    if (this.#waiting.length > 0 && !this.#isAsking && !this.#isCapped) void this.#ask();
  }

  dial(granted: () => void): void {
    this.#dialling.push(granted);
    this.#letDial();
  }

  release(): void {
    const { thread, open } = this.#options;
    const wasExcess = this.excess > 0;
    this.#inUse--;
    open.add(thread, this.#name, -1);
    this.#grant();
    if (wasExcess && !this.#isAsking) this.#askIn(soonMs);
  }

  isOpen(tenant: number, campaign: string): boolean {
    let isOpen = this.#messages === undefined || this.#hasToken(this.#messages);
    for (const name of this.#bucketsOf?.(tenant, campaign) ?? []) {
      const purse = this.#purseOf(name);
      if (purse === undefined || !this.#hasToken(purse)) isOpen = false;
    }
    return isOpen;
  }

  spend(tenant: number, campaign: string): void {
    if (this.#messages !== undefined) this.#spend(this.#messages);
    for (const name of this.#bucketsOf?.(tenant, campaign) ?? []) {
      this.#spend(this.#purses.get(name)!);
    }
  }

  #spend(purse: Purse): void {
    purse.tokens--;
    purse.spent++;
    // Before there is none left: nothing waits for an answer then.
    const isLow = purse.isPlenty && purse.tokens === purse.low;
    if (isLow && !this.#isAsking) this.#askIn(this.#tokensAgainMs);
  }

  #hasToken(purse: Purse): boolean {
    if (purse.tokens > 0 && this.#options.clock.monotonicMs() < this.#untilMs) return true;
    if (!purse.isWanted) {
      purse.isWanted = true;
      if (!this.#isAsking) this.#askIn(this.#tokensAgainMs);
    }
    return false;
  }

  #purseOf(name: string): Purse | undefined {
    let purse = this.#purses.get(name);
    if (purse === undefined && this.#purses.size < pursesMax) {
      purse = newPurse();
      this.#purses.set(name, purse);
    }
    return purse;
  }

  #grant(): void {
    const { clock, open, thread } = this.#options;
    // Slots given up to others are still lent here until the next ask: they are not taken again.
    while (this.#waiting.length > 0 && this.#inUse < Math.min(this.#inUseMax, this.#share)) {
      // Counted first: whoever looks when the lease is over sees it, or it was not begun.
      open.add(thread, this.#name, 1);
      if (clock.monotonicMs() >= this.#untilMs) {
        open.add(thread, this.#name, -1);
        return;
      }
      this.#inUse++;
      this.#waiting.shift()!();
    }
  }

  #letDial(): void {
    const purse = this.#connections;
    while (this.#dialling.length > 0 && (purse === undefined || this.#hasToken(purse))) {
      if (purse !== undefined) this.#spend(purse);
      this.#dialling.shift()!();
    }
  }

  #askIn(ms: number): void {
    this.#timer?.cancel();
    const waitMs = Math.max(0, this.#askedMs + ms - this.#options.clock.monotonicMs());
    this.#timer = this.#options.clock.setTimer(waitMs, () => void this.#ask());
  }

  async #ask(): Promise<void> {
    const { clock, ask, shards } = this.#options;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isAsking = true;
    // What is requested in the same turn goes with this ask.
    await null;
    this.#askedMs = clock.monotonicMs();
    this.#inUseMax = this.#inUse;
    const demand = this.#demand();
    const wasThirsty = this.#forgetThirst();
    const answer = await ask(lendAsk(this.#name, shards, demand, clock.nowMs()));
    this.#isAsking = false;
    if (answer.ok) this.#take(demand, answer.value as Lease);
    else this.#again(true);
    // Who wanted one meanwhile was not asked for: it wants one again, or finds it now.
    const isThirsty = this.#forgetThirst();
    this.#grant();
    this.#letDial();
    if (wasThirsty || isThirsty) for (const user of this.users) user.onTokens();
    const isIdle = this.#inUse === 0 && this.#waiting.length === 0 && !this.#isThirsty();
    if (isIdle && demand.slots === 0) {
      this.#end();
    } else if (this.#waiting.length > 0 && !this.#isCapped) void this.#ask();
  }

  #end(): void {
    this.isGone = true;
    this.#timer?.cancel();
    this.#forget();
  }

  #again(isCapped: boolean): void {
    this.#isCapped = isCapped;
    this.#askIn(this.#againMs);
  }

  #demand(): LeaseDemand {
    const { thread, life } = this.#options;
    // Without a slot no token is given, and without a token none is requested.
    const isThirsty = this.#messages?.isWanted === true;
    const slots = Math.max(isThirsty ? 1 : 0, this.#inUse + this.#waiting.length);
    return {
      ...{ thread, life, slots, slotsInUse: this.#inUse },
      tenants: this.#tenants(),
      tokens: this.#tokenDemands(),
    };
  }

  #take(demand: LeaseDemand, lease: Lease): void {
    const formerUntilMs = this.#untilMs;
    // Counted from before it was lent: over here before it is over there.
    this.#untilMs = this.#askedMs + lease.forMs;
    this.#inUseMax = lease.slots;
    this.#share = lease.share;
    this.#isShared = lease.isShared;
    this.#bucketsOf = this.#options.bucketsOf?.(this.#name);
    this.#againMs = lease.againMs;
    this.#tokensAgainMs = lease.tokensAgainMs;
    for (let i = 0; i < demand.tokens.length; i++) {
      this.#takeTokens(demand.tokens[i]!, lease.tokens[i]!, formerUntilMs);
    }
    this.#messages = lease.isMessageRated ? (this.#messages ?? newPurse()) : undefined;
    this.#connections = lease.isConnectionRated ? (this.#connections ?? newPurse()) : undefined;
    this.#weigh(demand.tenants ?? [], lease.weights);
    this.#again(lease.slots < demand.slots);
  }

  #weigh(tenants: readonly TenantDemand[], weights: readonly number[]): void {
    if (weights.length === 0 && !this.#isWeighed) return;
    this.#isWeighed = weights.length > 0;
    const byTenant = new Map(weights.map((weight, i) => [tenants[i]![0], weight]));
    for (const user of this.users) user.weigh(byTenant);
  }

  #takeTokens([name, wanted]: TokenDemand, tokens: number, formerUntilMs: number): void {
    const purse =
      name === messagesBucket
        ? this.#messages
        : name === connectionsBucket
          ? this.#connections
          : this.#purses.get(name);
    if (purse === undefined) return;
    purse.left = Number.isFinite(purse.tokens) ? purse.tokens : 0;
    purse.leftUntilMs = formerUntilMs;
    purse.tokens = tokens;
    purse.isPlenty = tokens >= wanted;
    purse.low = Math.floor(tokens / lowPart);
  }

  /** Those with most to send, where there are too many. */
  #tenants(): TenantDemand[] | undefined {
    const wasTold = this.#isTold;
    this.#isTold = this.#isShared;
    if (!this.#isShared) return undefined;
    const told = new Map<number, { waiting: number; served: number }>();
    for (const user of this.users) user.tell(told);
    // What was served while nobody shared the site was nobody's loss.
    const all = Array.from(
      told,
      ([tenant, { waiting, served }]): TenantDemand => [tenant, waiting, wasTold ? served : 0],
    );
    if (all.length <= tenantsMax) return all;
    return all.sort((a, b) => b[1] + b[2] - a[1] - a[2]).slice(0, tenantsMax);
  }

  /** What is left goes back with the demand for the next; where there are enough, after the answer's coming. */
  #tokenDemands(): TokenDemand[] {
    const nowMs = this.#options.clock.monotonicMs();
    const isOver = nowMs >= this.#untilMs;
    let waiting = 0;
    for (const user of this.users) waiting += user.waitingCount;
    const demands: TokenDemand[] = [];
    const add = (name: string, purse: Purse, most: number) => {
      const few = Math.max(tokensMin, tokensAhead * Math.max(purse.spent, this.#inUse));
      // Where there are enough, what came of late will come again, whatever waits at this moment.
      const atLeast = purse.isPlenty ? tokensAhead * purse.spent : 0;
      const isUsed = purse.isWanted || purse.spent > 0;
      const wanted = isUsed ? Math.min(few, Math.max(most, atLeast)) : 0;
      const left = nowMs < purse.leftUntilMs ? purse.left : 0;
      // Mail goes on by what there is while the answer is awaited.
      if (isOver || !purse.isPlenty || !isUsed) {
        const isLent = !isOver && Number.isFinite(purse.tokens);
        demands.push([name, wanted, left + (isLent ? purse.tokens : 0)]);
        purse.tokens = 0;
      } else demands.push([name, wanted, left]);
      purse.left = 0;
      purse.spent = 0;
    };
    if (this.#messages !== undefined) {
      this.#messages.isWanted ||= waiting > 0;
      add(messagesBucket, this.#messages, waiting);
    }
    if (this.#connections !== undefined) {
      const dials = this.#dialling.length + this.#waiting.length;
      this.#connections.isWanted ||= dials > 0;
      add(connectionsBucket, this.#connections, dials);
    }
    for (const [name, purse] of this.#purses) {
      const isUnused = !purse.isWanted && purse.spent === 0;
      if (isUnused && purse.tokens === 0 && purse.left === 0) this.#purses.delete(name);
      else add(name, purse, Math.max(1, waiting));
    }
    return demands;
  }

  /** Whether somebody wanted a token since this was asked last. */
  #forgetThirst(): boolean {
    const isThirsty = this.#isThirsty();
    for (const purse of this.#allPurses()) purse.isWanted = false;
    return isThirsty;
  }

  #isThirsty(): boolean {
    for (const purse of this.#allPurses()) if (purse.isWanted) return true;
    return false;
  }

  *#allPurses(): Generator<Purse> {
    if (this.#messages !== undefined) yield this.#messages;
    if (this.#connections !== undefined) yield this.#connections;
    yield* this.#purses.values();
  }
}

function newPurse(): Purse {
  const counts = { tokens: 0, spent: 0, low: 0, left: 0, leftUntilMs: 0 };
  return { ...counts, isPlenty: false, isWanted: false };
}

function lendAsk(site: string, shards: number, demand: LeaseDemand, nowMs: number): Ask {
  const meta: LendMeta = [site, demand];
  return {
    shard: siteShard(site, shards),
    actor: site,
    name: siteLend,
    key: '',
    class: 'short',
    // Mail that waits must not keep mail from leaving.
    lane: 'system',
    deadlineMs: nowMs + leaseMsDefault,
    meta,
    body: [],
  };
}
