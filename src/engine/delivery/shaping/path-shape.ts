/**
 * One path as a thread that sends over it knows it: what holds for its mail, and what is to be reported to its owner.
 *
 * Runs in:   engine threads; one per path and thread.
 * Limits:    `hitsMax` rules and tenants in one report; what comes past it is not counted.
 * Invariant: a message that is taken costs one addition; words are looked at in refusals alone.
 */

import {
  anyTenant,
  type Mark,
  type PathReport,
  type PathStand,
  type RuleHits,
} from '../../../actors/asks/shaping-asks.ts';
import type { TenantId } from '../../../base/ids.ts';
import type { Repeated } from '../../../mail/wire/smtp/echoes.ts';
import type { Reply } from '../../../mail/wire/smtp/reply-reader.ts';
import type { ResponseClass } from '../../../mail/wire/smtp/response-class.ts';
import type { Clock } from '../../../ports/clock.ts';
import { isLoadRefusal } from './load-refusal.ts';
import type { FoundLimits } from './matcher.ts';
import type { ShapingState } from './shaping-state.ts';

const hitsMax = 32;
const domainsMax = 100;
const replyCharsMax = 300;
const restMs = 1_000;

/** What a rule makes of a refusal. */
export interface Verdict {
  readonly treat?: 'transient' | 'permanent';
  readonly why?: ResponseClass;
}

export interface PathShapeOptions {
  readonly path: string;
  readonly state: ShapingState;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** There is a hit to report: not at the next tick, now. */
  readonly onHit: () => void;
}

const asItIs: Verdict = {};

export class PathShape {
  readonly path: string;
  /** Messages taken since the last report. */
  taken = 0;
  /** Most connections that were busy at once since then. */
  inUseMost = 0;
  /** Mean time of one message over one connection, moving. */
  serviceMs = 0;
  /** As its owner told last; undefined: as rules let it. */
  stand: PathStand | undefined;
  readonly #options: PathShapeOptions;
  readonly #domains = new Set<string>();
  #newDomains: string[] = [];
  #refused = 0;
  #reply = '';
  readonly #hits = new Map<
    string,
    { rule: string; tenant: number; count: number; reply: string; campaign: string }
  >();
  #revision = -1;
  #limits: FoundLimits = {};
  #marks: readonly Mark[] = [];
  /** Epoch milliseconds: 0: it is not. */
  #suspendedUntilMs = 0;
  /** A reply may suspend it: until the owner has said so, nothing more is tried. Epoch milliseconds. */
  #restsUntilMs = 0;
  /** Of tenants' mail, or of a campaign's. */
  #sharesUntilMs: ReadonlyMap<string, number> = new Map();

  constructor(options: PathShapeOptions) {
    this.path = options.path;
    this.#options = options;
  }

  get limits(): FoundLimits {
    this.#refresh();
    return this.#limits;
  }

  /** Those that hold. */
  get marks(): readonly Mark[] {
    this.#refresh();
    const nowMs = this.#options.clock.nowMs();
    return this.#marks.filter(({ untilMs }) => untilMs > nowMs);
  }

  get provider(): string {
    return this.#options.state.matcher.providerOf(this.path);
  }

  /** No mail goes over it before; 0: it does. Epoch milliseconds. */
  get suspendedUntilMs(): number {
    this.#refresh();
    const untilMs = Math.max(this.#suspendedUntilMs, this.#restsUntilMs);
    return untilMs > 0 && untilMs > this.#options.clock.nowMs() ? untilMs : 0;
  }

  /** Some tenant's or campaign's mail is suspended. */
  get hasShares(): boolean {
    this.#refresh();
    return this.#sharesUntilMs.size > 0;
  }

  /** As `suspendedUntilMs`, of one tenant's mail of a campaign. */
  shareUntilMs(tenant: TenantId, campaign: string): number {
    this.#refresh();
    const untilMs = Math.max(
      this.#sharesUntilMs.get(shareKey(tenant)) ?? 0,
      this.#sharesUntilMs.get(shareKey(tenant, campaign)) ?? 0,
    );
    return untilMs > this.#options.clock.nowMs() ? untilMs : 0;
  }

  /** A domain leads here. */
  addDomain(domain: string): void {
    if (this.#domains.has(domain) || this.#domains.size >= domainsMax) return;
    if (!this.#options.state.matcher.speaksOf(domain)) return;
    this.#domains.add(domain);
    this.#options.state.lead(this.path, domain);
    this.#newDomains.push(domain);
    this.#revision = -1;
  }

  /** The next hop refused. `tenant`: whose mail it was, or `anyTenant`. */
  refused(reply: Reply, tenant: number, campaign: string, message?: Repeated): Verdict {
    const { state, clock, onHit } = this.#options;
    if (isLoadRefusal(reply, message)) this.overloaded(reply);
    const place = {
      path: this.path,
      domains: [...this.#domains],
      tenant: state.tenantName(tenant),
      campaign,
    };
    const rule = state.matcher.responseOf(place, reply, message);
    if (rule === undefined) return asItIs;
    const { treat, class: why } = rule;
    const { suspendMs, suspendTenantMs, suspendCampaignMs, slowMs, switchSourceMs } = rule;
    const suspends = suspendMs ?? suspendTenantMs ?? suspendCampaignMs;
    if ((suspends ?? slowMs ?? switchSourceMs) !== undefined) {
      // Of other rules one count is enough for all campaigns.
      const of = suspendCampaignMs === undefined ? '' : campaign;
      this.#hit(rule.name, tenant, of, lineOf(reply));
      if (rule.suspendMs !== undefined) this.#restsUntilMs = clock.nowMs() + restMs;
      onHit();
    }
    return { ...(treat === undefined ? {} : { treat }), ...(why === undefined ? {} : { why }) };
  }

  /** It says, or shows, that it has too much of us. */
  overloaded(reply: Reply): void {
    this.#refused++;
    this.#reply = lineOf(reply);
  }

  /** Nobody needs to hear of a path on which nothing happened. */
  get hasNews(): boolean {
    return (
      this.taken > 0 || this.#refused > 0 || this.#newDomains.length > 0 || this.#hits.size > 0
    );
  }

  /** What to tell the owner; undefined: nothing. */
  report(): PathReport | undefined {
    if (!this.hasNews) return undefined;
    const { taken, inUseMost } = this;
    const hits = [...this.#hits.values()].map(
      ({ rule, tenant, count, reply, campaign }): RuleHits => [
        ...([rule, tenant, count, reply] as const),
        campaign,
      ],
    );
    const report: PathReport = [
      this.path,
      inUseMost,
      taken,
      this.#refused,
      Math.round(this.serviceMs),
      this.#reply,
      this.#newDomains,
      hits,
    ];
    this.taken = 0;
    this.inUseMost = 0;
    this.#refused = 0;
    this.#reply = '';
    this.#newDomains = [];
    this.#hits.clear();
    return report;
  }

  /** The owner may be another now, or never heard it. */
  tellAgain(): void {
    this.#newDomains = [...this.#domains];
  }

  #hit(rule: string, tenant: number, campaign: string, reply: string): void {
    const key = `${rule} ${tenant} ${campaign}`;
    const known = this.#hits.get(key);
    if (known !== undefined) known.count++;
    else if (this.#hits.size < hitsMax) {
      this.#hits.set(key, { rule, tenant, count: 1, reply, campaign });
    }
  }

  #refresh(): void {
    const { state } = this.#options;
    if (this.#revision === state.revision) return;
    this.#revision = state.revision;
    const { path } = this;
    const domains = [...this.#domains];
    this.#limits = state.matcher.limitsOf({ path, domains, tenant: '', campaign: '' });
    this.#marks = state.marksOf(path);
    const suspended = this.#marks.filter(({ kind }) => kind === 'suspend');
    this.#suspendedUntilMs = Math.max(
      0,
      ...suspended.filter(({ tenant }) => tenant === anyTenant).map(({ untilMs }) => untilMs),
    );
    const shares = new Map<string, number>();
    for (const { tenant, campaign, untilMs } of suspended) {
      if (tenant === anyTenant) continue;
      const key = shareKey(tenant, campaign);
      shares.set(key, Math.max(untilMs, shares.get(key) ?? 0));
    }
    this.#sharesUntilMs = shares;
  }
}

function shareKey(tenant: number, campaign = ''): string {
  return campaign === '' ? String(tenant) : `${tenant} ${campaign}`;
}

function lineOf({ code, enhanced, text }: Reply): string {
  const line = [code, enhanced, text.replaceAll('\n', ' ')].filter((word) => word !== '').join(' ');
  return line.slice(0, replyCharsMax);
}
