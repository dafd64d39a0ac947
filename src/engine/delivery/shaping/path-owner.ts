/**
 * What the owner of a path knows of it: the concurrency it stands, how fast mail goes, which rules its replies fit.
 *
 * Runs in:   engine threads: the one that owns the shard of the path's site.
 * Limits:    `windowsMax` rules counted at a time, the oldest go first; a reporter is a thread.
 */

import {
  anyTenant,
  type HeldPath,
  type Mark,
  type PathReport,
  type PathStand,
  type RuleHits,
} from '../../../actors/asks/shaping-asks.ts';
import { secondMs } from '../../../base/units.ts';
import type { ResponseRule } from '../../../settings/shaping/rules.ts';
import { Concurrency, type ConcurrencyState } from './concurrency.ts';
import { HitWindow } from './hit-window.ts';

const windowsMax = 64;
/** A reporter that said nothing for so long has no connections. */
const reporterMs = 5 * secondMs;
/** How fast mail goes is a mean over about so long. */
const paceMs = 30 * secondMs;
/** However often it is slowed, a path tries: it would never know that it may go on. */
const messagesPerSecondMin = 1 / 60;

interface Reporter {
  inUse: number;
  atMs: number;
}

export interface PathOwnerOptions {
  readonly path: string;
  readonly ceiling: number;
  readonly nowMs: number;
  /** As a former owner left it. */
  readonly state?: ConcurrencyState;
}

export class PathOwner {
  readonly path: string;
  readonly concurrency: Concurrency;
  readonly domains = new Set<string>();
  reportedMs: number;
  #fellEpochMs = 0;
  #reply = '';
  readonly #reporters = new Map<string, Reporter>();
  readonly #windows = new Map<string, HitWindow>();
  #messagesPerSecond = 0;
  #pacedMs: number;

  constructor({ path, ceiling, nowMs, state }: PathOwnerOptions) {
    this.path = path;
    this.concurrency = new Concurrency(ceiling, nowMs, state);
    this.reportedMs = nowMs;
    this.#pacedMs = nowMs;
  }

  get held(): HeldPath {
    const { limit, refusedAt } = this.concurrency.state;
    return [this.path, this.concurrency.isHeldBack ? limit : 0, refusedAt];
  }

  /** Whether the limit of connections is another now. */
  take(report: PathReport, who: string, nowMs: number, epochMs: number): boolean {
    const [, inUse, taken, refused, serviceMs, reply] = report;
    this.reportedMs = nowMs;
    this.#reporters.set(who, { inUse, atMs: nowMs });
    this.#pace(taken, nowMs);
    const inUseInAll = this.#inUse(nowMs);
    if (refused > 0) {
      const isCounted = this.concurrency.refused(inUseInAll, serviceMs, nowMs);
      if (isCounted) {
        this.#reply = reply;
        this.#fellEpochMs = epochMs;
      }
      return isCounted;
    }
    return taken > 0 && this.concurrency.succeeded(taken, inUseInAll, nowMs);
  }

  /** Whether a rule is to act now. */
  hit(rule: ResponseRule, [, tenant, count, , campaign]: RuleHits, nowMs: number): boolean {
    const isCampaigns = rule.suspendCampaignMs !== undefined;
    const of = isCampaigns || rule.suspendTenantMs !== undefined ? tenant : anyTenant;
    const key = `${rule.name} ${of} ${isCampaigns ? campaign : ''}`;
    let window = this.#windows.get(key);
    if (window === undefined) {
      if (this.#windows.size >= windowsMax) {
        this.#windows.delete(this.#windows.keys().next().value!);
      }
      window = new HitWindow(rule.hits, rule.withinMs);
      this.#windows.set(key, window);
    }
    return window.add(count, nowMs);
  }

  /** What slower is, by a factor: of what goes now, or of what it was slowed to before. */
  slowed(by: number, before: Mark | undefined): { connectionsMax: number; perSecond: number } {
    const connections = Math.min(
      this.concurrency.limit,
      before?.connectionsMax ?? Number.POSITIVE_INFINITY,
    );
    const perSecond = before?.messagesPerSecond ?? Math.max(this.#messagesPerSecond, 1);
    return {
      connectionsMax: Math.max(1, Math.floor(connections / by)),
      perSecond: Math.max(messagesPerSecondMin, perSecond / by),
    };
  }

  stand(nowMs: number, epochMs: number): PathStand | undefined {
    const { concurrency } = this;
    if (!concurrency.isHeldBack) return undefined;
    const growsMs = epochMs + Math.max(0, concurrency.growsMs() - nowMs);
    return [concurrency.limit, this.#fellEpochMs, Math.round(growsMs), this.#reply];
  }

  #inUse(nowMs: number): number {
    let sum = 0;
    for (const [who, { inUse, atMs }] of this.#reporters) {
      if (nowMs - atMs > reporterMs) this.#reporters.delete(who);
      else sum += inUse;
    }
    return sum;
  }

  #pace(taken: number, nowMs: number): void {
    const sinceMs = Math.max(nowMs - this.#pacedMs, 1);
    this.#pacedMs = nowMs;
    const weight = 1 - Math.exp(-sinceMs / paceMs);
    this.#messagesPerSecond += ((taken * secondMs) / sinceMs - this.#messagesPerSecond) * weight;
  }
}
