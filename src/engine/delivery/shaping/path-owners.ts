/**
 * The paths whose sites' shards this thread owns: takes reports on them, and says what limits hold for each.
 *
 * Runs in:   engine threads.
 * Limits:    `pathsMax` paths; those that nobody reported for long go first. Past it a path has the limits of its
 *            rules, and no feedback.
 * Invariant: a path that was held back stays so under the next owner, as far as the main thread heard of it.
 */

import type { Answer, ArrivedAsk } from '../../../actors/ask.ts';
import {
  anyTenant,
  type HeldPath,
  type Mark,
  type PathReport,
  type PathStand,
  type RuleHits,
  type ShapingFindings,
} from '../../../actors/asks/shaping-asks.ts';
import type { ShardId } from '../../../base/ids.ts';
import { RecentMap } from '../../../base/recent-map.ts';
import { minuteMs, secondMs } from '../../../base/units.ts';
import type { Clock } from '../../../ports/clock.ts';
import { perSecond, type ResponseRule } from '../../../settings/shaping/rules.ts';
import { sourceOfPath } from './matcher.ts';
import { PathOwner } from './path-owner.ts';
import type { ShapingState } from './shaping-state.ts';

const pathsMax = 20_000;
/** A path held back is kept longer than one that goes as rules let it. */
const forgetMs = 10 * minuteMs;
const forgetHeldMs = 60 * minuteMs;
const forgetEveryMs = 10 * secondMs;
const domainsPerPathMax = 100;

/** What holds for a path, all threads together. */
export interface PathLimits {
  readonly connectionsMax: number;
  /** A second; Infinity is no limit. */
  readonly messagesPerSecond: number;
  readonly connectionsPerSecond: number;
  readonly shares: readonly PathShare[];
}

/** A rate of its own for a tenant (or `anyTenant`) and a campaign ("": any) over this path. */
export interface PathShare {
  readonly tenant: number;
  readonly campaign: string;
  readonly messagesPerSecond: number;
}

export interface PathOwnersOptions {
  readonly clock: Clock;
  readonly state: ShapingState;
  /** `relay.connectionsPerSiteMax`. */
  readonly connectionsMax: number;
  readonly findings: (findings: ShapingFindings) => void;
  readonly counters: ShapingCounters;
}

export interface ShapingCounters {
  /** A path of this provider ("" for none) refused, and has fewer connections now. */
  fell(provider: string): void;
  /** A response rule had its hits, and acts. */
  acted(rule: string): void;
}

const unlimited: PathLimits = {
  connectionsMax: Number.POSITIVE_INFINITY,
  messagesPerSecond: Number.POSITIVE_INFINITY,
  connectionsPerSecond: Number.POSITIVE_INFINITY,
  shares: [],
};

interface Owned {
  readonly owner: PathOwner;
  readonly shard: ShardId | undefined;
}

export class PathOwners {
  /** The limits of a path are others now. */
  onLimits: (path: string) => void = () => {};
  /** A rule found that a site's mail had better not leave by this source before then (epoch milliseconds). */
  onSourceLeft: (source: string, path: string, untilMs: number) => void = () => {};
  /** Those of all paths may be. */
  onRules: () => void = () => {};
  readonly #options: PathOwnersOptions;
  readonly #paths = new Map<string, Owned>();
  /** What former owners learned. */
  readonly #held = new RecentMap<string, HeldPath>(pathsMax);
  #forgotMs = Number.NEGATIVE_INFINITY;

  constructor(options: PathOwnersOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#paths.size;
  }

  get heldBackCount(): number {
    let count = 0;
    for (const { owner } of this.#paths.values()) if (owner.concurrency.isHeldBack) count++;
    return count;
  }

  learn(held: readonly HeldPath[]): void {
    for (const row of held) {
      if (row[1] === 0) this.#held.delete(row[0]);
      else this.#held.set(row[0], row);
    }
  }

  /** Another thread owns the shard's sites from now on. */
  close(shard: ShardId): void {
    for (const [path, owned] of this.#paths) if (owned.shard === shard) this.#paths.delete(path);
  }

  limitsOf(path: string): PathLimits {
    const { state, connectionsMax } = this.#options;
    const shared = state.sharedConnections(path);
    if (shared !== undefined) return { ...unlimited, connectionsMax: shared };
    const owner = this.#paths.get(path)?.owner;
    const domains = owner === undefined ? [] : [...owner.domains];
    const found = state.matcher.limitsOf({ path, domains, tenant: '', campaign: '' });
    const slow = state.slowOf(path);
    const limit = owner?.concurrency.limit ?? this.#held.get(path)?.[1] ?? Number.POSITIVE_INFINITY;
    const { connectionsMax: most, messageRate, connectionRate } = found;
    const rates = [messageRate === undefined ? Infinity : perSecond(messageRate.value)];
    if (slow?.messagesPerSecond !== undefined) rates.push(slow.messagesPerSecond);
    return {
      connectionsMax: Math.min(
        most?.value ?? connectionsMax,
        limit,
        slow?.connectionsMax ?? Number.POSITIVE_INFINITY,
      ),
      messagesPerSecond: Math.min(...rates),
      connectionsPerSecond:
        connectionRate === undefined ? Infinity : perSecond(connectionRate.value),
      shares: this.#shares(path, domains),
    };
  }

  #shares(path: string, domains: readonly string[]): PathShare[] {
    const { state } = this.#options;
    return state.matcher.sharesOf({ path, domains }).flatMap(({ tenant, campaign, rate }) => {
      const number = tenant === '' ? anyTenant : state.tenantNumber(tenant);
      // A tenant that is not there sends nothing.
      if (number === undefined) return [];
      return [{ tenant: number, campaign, messagesPerSecond: perSecond(rate) }];
    });
  }

  /** Rules or marks are others now. */
  refresh(): void {
    for (const { owner } of this.#paths.values()) this.#setCeiling(owner);
    this.onRules();
  }

  #setCeiling(owner: PathOwner): void {
    owner.concurrency.setCeiling(this.#ceilingOf(owner.path, [...owner.domains]));
  }

  #ceilingOf(path: string, domains: readonly string[]): number {
    const { state, connectionsMax } = this.#options;
    const { connectionsMax: most } = state.matcher.limitsOf({
      ...{ path, domains, tenant: '', campaign: '' },
    });
    return most?.value ?? connectionsMax;
  }

  /** The handler of `site.feedback`. */
  take({ meta, shard }: ArrivedAsk): Answer {
    const [who, reports] = meta as readonly [who: string, reports: readonly PathReport[]];
    const { clock, state, counters } = this.#options;
    const nowMs = clock.monotonicMs();
    const epochMs = clock.nowMs();
    const marks: Mark[] = [];
    const held: HeldPath[] = [];
    const stands = reports.map((report): PathStand | null => {
      const owner = this.#ownerOf(report[0], shard, nowMs);
      if (owner === undefined) return null;
      const isNew = this.#takeDomains(owner, report[6]);
      if (owner.take(report, who, nowMs, epochMs)) {
        held.push(owner.held);
        if (report[3] > 0) counters.fell(state.matcher.providerOf(owner.path));
        this.onLimits(owner.path);
      } else if (isNew) {
        this.#setCeiling(owner);
        this.onLimits(owner.path);
      }
      for (const hits of report[7]) marks.push(...this.#hit(owner, hits, nowMs));
      return owner.stand(nowMs, epochMs) ?? null;
    });
    for (const { kind, path, untilMs } of marks) {
      if (kind === 'source') this.onSourceLeft(sourceOfPath(path), path, untilMs);
    }
    if (marks.length > 0 || held.length > 0) this.#options.findings({ marks, held });
    return { ok: true, value: stands };
  }

  #takeDomains({ domains }: PathOwner, told: readonly string[]): boolean {
    const before = domains.size;
    for (const domain of told) if (domains.size < domainsPerPathMax) domains.add(domain);
    return domains.size > before;
  }

  #ownerOf(path: string, shard: ShardId, nowMs: number): PathOwner | undefined {
    const known = this.#paths.get(path);
    if (known !== undefined) return known.owner;
    if (this.#paths.size >= pathsMax) this.#forget(nowMs);
    if (this.#paths.size >= pathsMax) return undefined;
    const held = this.#held.get(path);
    const state = held === undefined ? {} : { state: { limit: held[1], refusedAt: held[2] } };
    const owner = new PathOwner({ path, ceiling: this.#ceilingOf(path, []), nowMs, ...state });
    this.#paths.set(path, { owner, shard });
    return owner;
  }

  /** Where all are in use, each report of one path more would look at all of them. */
  #forget(nowMs: number): void {
    if (nowMs - this.#forgotMs < forgetEveryMs) return;
    this.#forgotMs = nowMs;
    for (const [path, { owner }] of this.#paths) {
      const keptMs = owner.concurrency.isHeldBack ? forgetHeldMs : forgetMs;
      if (nowMs - owner.reportedMs > keptMs) this.#paths.delete(path);
    }
  }

  #hit(owner: PathOwner, hits: RuleHits, nowMs: number): Mark[] {
    const [name, tenant, , reply, campaign] = hits;
    const { state, clock, counters } = this.#options;
    const rule = state.matcher.responseNamed(name);
    if (rule === undefined || !owner.hit(rule, hits, nowMs)) return [];
    counters.acted(name);
    const { path } = owner;
    const sinceMs = clock.nowMs();
    const shared = { path, match: {}, by: name, why: reply, sinceMs };
    return marksOf(rule, tenant, campaign).map(({ kind, tenant: of, campaign: part, ms }) => ({
      ...{ ...shared, kind, tenant: of, untilMs: sinceMs + ms },
      ...(part === undefined ? {} : { campaign: part }),
      id: [kind, path, ...(of === anyTenant ? [] : [of]), ...(part ? [part] : [])].join(':'),
      ...(kind === 'slow' ? this.#slower(owner, rule) : {}),
    }));
  }

  #slower(owner: PathOwner, rule: ResponseRule) {
    const before = this.#options.state.slowOf(owner.path);
    const { connectionsMax, perSecond: messagesPerSecond } = owner.slowed(rule.slowBy!, before);
    return { connectionsMax, messagesPerSecond };
  }
}

interface Wanted {
  readonly kind: Mark['kind'];
  readonly tenant: number;
  readonly campaign?: string;
  readonly ms: number;
}

/** What a rule does once it has its hits. */
function marksOf(rule: ResponseRule, tenant: number, campaign: string): Wanted[] {
  const { suspendMs, suspendTenantMs, suspendCampaignMs, slowMs, switchSourceMs } = rule;
  const wanted: Wanted[] = [];
  if (suspendMs !== undefined) wanted.push({ kind: 'suspend', tenant: anyTenant, ms: suspendMs });
  // A refusal before anybody's mail was spoken of is nobody's fault.
  if (suspendTenantMs !== undefined && tenant !== anyTenant) {
    wanted.push({ kind: 'suspend', tenant, ms: suspendTenantMs });
  }
  // Mail of no campaign is the tenant's, which this does not stop.
  if (suspendCampaignMs !== undefined && tenant !== anyTenant && campaign !== '') {
    wanted.push({ kind: 'suspend', tenant, campaign, ms: suspendCampaignMs });
  }
  if (slowMs !== undefined) wanted.push({ kind: 'slow', tenant: anyTenant, ms: slowMs });
  if (switchSourceMs !== undefined)
    wanted.push({ kind: 'source', tenant: anyTenant, ms: switchSourceMs });
  return wanted;
}
