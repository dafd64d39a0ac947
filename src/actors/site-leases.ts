/**
 * Carries site leases between the owner of a site and the threads that have mail for it.
 *
 * Runs in:   engine threads: `SiteOwners` where the site's shard is, `SiteBorrower` in every thread.
 * Limits:    `sitesMax` sites a thread; one ask under way for a site at a time, renewed each half lease.
 * Invariant: a borrower never has more connections than its leases had slots; without an answer in time it opens none.
 */

import type { ShardId } from '../base/ids.ts';
import { siteOfPath } from '../base/path-names.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Answer, ArrivedAsk, Ask } from './ask.ts';
import { leaseMsDefault, SiteLeases, type SiteLimits } from './leases.ts';

export const siteLend = 'site.lend';

/** site, holder, slots, slots in use. */
type LendMeta = readonly [site: string, holder: string, slots: number, slotsInUse: number];
/** slots, milliseconds from when they were asked for, fair share. */
type LendValue = readonly [slots: number, forMs: number, share: number];

/** A site not asked about for so long is forgotten; its leases are long over. */
const forgetMs = 60_000;
const sitesMax = 100_000;
/** After a refusal or a lease of nothing. */
const againMs = 200;

export interface SiteOwnersOptions {
  readonly clock: Clock;
  readonly limitsOf: (site: string) => SiteLimits;
}

interface OwnedSite {
  readonly leases: SiteLeases;
  askedMs: number;
}

/** The sites whose shards this thread owns. */
export class SiteOwners {
  readonly #options: SiteOwnersOptions;
  readonly #shards = new Map<ShardId, { sinceMs: number; isFirst: boolean }>();
  readonly #sites = new Map<string, OwnedSite & { readonly shard: ShardId }>();

  constructor(options: SiteOwnersOptions) {
    this.#options = options;
  }

  /** A shard was opened here; `isFirst`: for the first time in this process. */
  open(shard: ShardId, isFirst: boolean): void {
    this.#shards.set(shard, { sinceMs: this.#options.clock.monotonicMs(), isFirst });
  }

  /** Another thread lends from now on. */
  close(shard: ShardId): void {
    this.#shards.delete(shard);
    for (const [name, site] of this.#sites) if (site.shard === shard) this.#sites.delete(name);
  }

  /** The handler of `site.lend`. */
  lend(ask: ArrivedAsk): Answer {
    const { clock } = this.#options;
    const opened = this.#shards.get(ask.shard);
    const nowMs = clock.monotonicMs();
    if (opened === undefined) return { ok: false, code: 'store-busy', detail: 'shard is closed' };
    if (this.#sites.size >= sitesMax) this.#forget(nowMs);
    const [name, holder, slots, slotsInUse] = ask.meta as LendMeta;
    let site = this.#sites.get(name);
    if (site === undefined) {
      const leases = new SiteLeases({
        clock,
        limits: this.#options.limitsOf(name),
        ownerSinceMs: opened.sinceMs,
        areHoldersGone: opened.isFirst,
      });
      site = { leases, shard: ask.shard, askedMs: nowMs };
      this.#sites.set(name, site);
    }
    site.askedMs = nowMs;
    const lease = site.leases.lend({ holder, slots, slotsInUse, tokens: 0 });
    const value: LendValue = [lease.slots, lease.forMs, lease.share];
    return { ok: true, value };
  }

  #forget(nowMs: number): void {
    for (const [name, { askedMs }] of this.#sites) {
      if (nowMs - askedMs > forgetMs) this.#sites.delete(name);
    }
  }
}

export interface SiteBorrowerOptions {
  readonly clock: Clock;
  /** Names this thread's life: another life is another holder. */
  readonly holder: string;
  readonly shards: number;
  readonly ask: (ask: Ask) => Promise<Answer>;
}

interface BorrowedSite {
  readonly name: string;
  slots: number;
  /** What would be fair; more may be in use until its connections are given up. */
  share: number;
  untilMs: number;
  inUse: number;
  /** What may be in use: the lease's slots; while more are asked for, what that ask said is in use. */
  inUseMax: number;
  readonly waiting: (() => void)[];
  isAsking: boolean;
  /** The last answer was less than asked for, or none: more is asked for only when the timer fires. */
  isCapped: boolean;
  timer: Timer | undefined;
}

/** Connection slots for one thread's deliveries, one at a time (`engine/delivery/leases.ts`). */
export class SiteBorrower {
  readonly #options: SiteBorrowerOptions;
  readonly #sites = new Map<string, BorrowedSite>();

  constructor(options: SiteBorrowerOptions) {
    this.#options = options;
  }

  get siteCount(): number {
    return this.#sites.size;
  }

  /** `granted` is called at once or later. */
  request(name: string, granted: () => void): void {
    let site = this.#sites.get(name);
    if (site === undefined) {
      site = {
        name,
        slots: 0,
        share: Number.POSITIVE_INFINITY,
        untilMs: 0,
        inUse: 0,
        inUseMax: 0,
        waiting: [],
        isAsking: false,
        isCapped: false,
        timer: undefined,
      };
      this.#sites.set(name, site);
    }
    site.waiting.push(granted);
    this.#grant(site);
    if (site.waiting.length > 0) this.#askNow(site);
  }

  release(name: string): void {
    const site = this.#sites.get(name)!;
    site.inUse--;
    this.#grant(site);
  }

  /** How many of the slots in use other threads should have: give up so many connections. */
  excess(name: string): number {
    const site = this.#sites.get(name);
    return site === undefined ? 0 : Math.max(0, site.inUse - site.share);
  }

  #grant(site: BorrowedSite): void {
    if (this.#options.clock.monotonicMs() >= site.untilMs) return;
    // Slots given up to others are still lent here until the next ask: they are not taken again.
    const inUseMax = Math.min(site.inUseMax, site.share);
    while (site.inUse < inUseMax && site.waiting.length > 0) {
      site.inUse++;
      site.waiting.shift()!();
    }
  }

  #askNow(site: BorrowedSite): void {
    if (!site.isAsking && !site.isCapped) void this.#borrow(site);
  }

  async #borrow(site: BorrowedSite): Promise<void> {
    const { clock, holder, shards, ask } = this.#options;
    site.timer?.cancel();
    site.isAsking = true;
    // What is requested in the same turn goes with this ask.
    await null;
    const askedMs = clock.monotonicMs();
    site.inUseMax = site.inUse;
    const wanted = site.inUse + site.waiting.length;
    const meta: LendMeta = [site.name, holder, wanted, site.inUse];
    const answer = await ask(lendAsk(site.name, shards, meta, clock.nowMs()));
    site.isAsking = false;
    if (answer.ok) {
      const [slots, forMs, share] = answer.value as LendValue;
      site.slots = slots;
      site.share = share;
      // Counted from before it was lent: over here before it is over there.
      site.untilMs = askedMs + forMs;
    }
    // The owner may have lent and the answer be lost: then only what was said to be in use is sure.
    else site.slots = Math.min(site.slots, site.inUseMax);
    site.inUseMax = site.slots;
    site.isCapped = !answer.ok || site.slots < wanted;
    this.#grant(site);
    if (wanted === 0 && site.waiting.length === 0 && site.inUse === 0) {
      this.#sites.delete(site.name);
    } else if (site.waiting.length > 0 && !site.isCapped) {
      void this.#borrow(site);
    } else {
      const againInMs = site.isCapped ? againMs : leaseMsDefault / 2;
      site.timer = clock.setTimer(againInMs, () => void this.#borrow(site));
    }
  }
}

function lendAsk(site: string, shards: number, meta: LendMeta, nowMs: number): Ask {
  return {
    // Of all paths of a site, so that it can have limits as a whole, too.
    shard: siteShard(siteOfPath(site), shards),
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

/** The shard whose thread owns a site: FNV-1a of its name. */
export function siteShard(site: string, shards: number): ShardId {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < site.length; i++) hash = Math.imul(hash ^ site.charCodeAt(i), 0x0100_0193);
  return ((hash >>> 0) % shards) as ShardId;
}
