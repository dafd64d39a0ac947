/**
 * The owners of sites: they lend what a site allows to the threads that have mail for it (`site-borrower.ts`).
 *
 * Runs in:   engine threads: those sites whose shard this thread owns. A path (site and source) is a site here; its
 *            shard is the site's.
 * Limits:    `sitesMax` sites a thread; past it, sites whose limits are not at rest keep their place.
 * Invariant: a site has one owner. What it lends is never more than its limits, through moves and deaths (`leases.ts`).
 */

import type { ShardId } from '../base/ids.ts';
import { siteOfPath } from '../base/path-names.ts';
import type { Clock } from '../ports/clock.ts';
import type { Answer, ArrivedAsk } from './ask.ts';
import { type LeaseDemand, SiteLeases, type SiteLimits } from './leases.ts';
import type { OpenSlots } from './open-slots.ts';
import type { Rate } from './rates.ts';

export const siteLend = 'site.lend';

export type LendMeta = readonly [site: string, demand: LeaseDemand];

/** A site not asked about for so long may be forgotten. */
const forgetMs = 60_000;
const sitesMax = 100_000;

export interface SiteOwnersOptions {
  readonly clock: Clock;
  readonly open: OpenSlots;
  /** Of a path, when it is first asked for and at `reload`. */
  readonly limitsOf: (path: string) => SiteLimits;
  /** Of a bucket under a path that only some of its mail needs, as `tenant 17`; undefined where it has none. */
  readonly rateOf?: (path: string, bucket: string) => Rate | undefined;
}

interface OwnedSite {
  readonly shard: ShardId;
  readonly leases: SiteLeases;
  askedMs: number;
}

export class SiteOwners {
  readonly #options: SiteOwnersOptions;
  readonly #shards = new Map<ShardId, { sinceMs: number; isFirst: boolean }>();
  readonly #sites = new Map<string, OwnedSite>();

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

  /** Other limits of one path, for all leases from now on: feedback. `limitsOf` says the same when it is asked again. */
  limit(path: string, limits: SiteLimits): void {
    this.#sites.get(path)?.leases.limit(limits);
  }

  /** The rules have changed: `limitsOf` and `rateOf` are asked again for all paths. */
  reload(): void {
    for (const [path, { leases }] of this.#sites) leases.limit(this.#options.limitsOf(path));
  }

  /** The handler of `site.lend`. */
  lend(ask: ArrivedAsk): Answer {
    const { clock } = this.#options;
    const opened = this.#shards.get(ask.shard);
    const nowMs = clock.monotonicMs();
    if (opened === undefined) return { ok: false, code: 'store-busy', detail: 'shard is closed' };
    const [path, demand] = ask.meta as LendMeta;
    let site = this.#sites.get(path);
    if (site === undefined) {
      if (this.#sites.size >= sitesMax) this.#forget(nowMs);
      if (this.#sites.size >= sitesMax) {
        return { ok: false, code: 'store-busy', detail: 'too many sites' };
      }
      site = { leases: this.#newLeases(path, opened), shard: ask.shard, askedMs: nowMs };
      this.#sites.set(path, site);
    }
    site.askedMs = nowMs;
    return { ok: true, value: site.leases.lend(demand) };
  }

  #newLeases(path: string, opened: { sinceMs: number; isFirst: boolean }): SiteLeases {
    const { clock, open, limitsOf, rateOf } = this.#options;
    return new SiteLeases({
      ...{ clock, open, site: path, limits: limitsOf(path) },
      rateOf: rateOf === undefined ? undefined : (bucket) => rateOf(path, bucket),
      ownerSinceMs: opened.sinceMs,
      areHoldersGone: opened.isFirst,
    });
  }

  #forget(nowMs: number): void {
    for (const [path, { askedMs, leases }] of this.#sites) {
      if (nowMs - askedMs > forgetMs && leases.isIdle) this.#sites.delete(path);
    }
  }
}

/** The shard whose thread owns a path: FNV-1a of its site's name. All paths of a site have one owner. */
export function siteShard(path: string, shards: number): ShardId {
  const site = siteOfPath(path);
  let hash = 0x811c_9dc5;
  for (let i = 0; i < site.length; i++) hash = Math.imul(hash ^ site.charCodeAt(i), 0x0100_0193);
  return ((hash >>> 0) % shards) as ShardId;
}
