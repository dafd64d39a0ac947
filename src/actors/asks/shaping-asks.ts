/**
 * What passes between threads about shaping: rules and marks from the main thread, reports to a path's owner, and what
 * the owner found.
 *
 * Runs in: both sides; plain data only.
 */

import type { Match, ShapingRules } from '../../settings/shaping/rules.ts';

export const shapingAsks = {
  /** To every thread. meta: `ShapingSnapshot`. */
  rules: 'shaping.rules',
  /** To every thread. meta: `MarksSnapshot`. */
  marks: 'shaping.marks',
  /** meta: `ShapingQuestion`; answer: `ShapingAnswer`, of any thread. */
  show: 'shaping.show',
  /** To the owner of the paths of a shard. meta: `PathReport[]`; answer: `PathStand[]`, a row each. */
  feedback: 'site.feedback',
} as const;

/** In place of a tenant's number: everybody's mail, or nobody's in particular. */
export const anyTenant = -1;

export interface ShapingSnapshot {
  readonly rules: ShapingRules;
  /** Numbers of the tenants that rules name. */
  readonly tenants: Readonly<Record<string, number>>;
}

/**
 * Something that holds for a while: no mail over a path (or of a tenant, or to a domain), slower mail, or a source
 * that a site's mail does not leave by.
 */
export interface Mark {
  readonly id: string;
  readonly kind: 'suspend' | 'slow' | 'source';
  /** Of this path alone; "" where `match` says of which. */
  readonly path: string;
  readonly match: Match;
  /** Of this tenant's mail alone, or `anyTenant`. */
  readonly tenant: number;
  /** Of this campaign of the tenant's alone; absent: of all its mail. */
  readonly campaign?: string;
  readonly connectionsMax?: number;
  readonly messagesPerSecond?: number;
  /** `operator`, or the name of a response rule. */
  readonly by: string;
  /** An operator's words, or the reply. */
  readonly why: string;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** What a path's owner learned of its concurrency, kept for the next owner. `limit` 0: as much as rules let it. */
export type HeldPath = readonly [path: string, limit: number, refusedAt: number];

export interface MarksSnapshot {
  readonly marks: readonly Mark[];
  /** All that are known, to a thread that just started; else those that changed. */
  readonly held: readonly HeldPath[];
}

/** Notice to the main thread: an owner's findings. Value: `ShapingFindings`. */
export const shapingNotice = 'shaping.findings';

export interface ShapingFindings {
  readonly marks: readonly Mark[];
  readonly held: readonly HeldPath[];
}

/** Replies that fitted a response rule. */
export type RuleHits = readonly [
  ...[rule: string, tenant: number, count: number, reply: string],
  /** "": none. */
  campaign: string,
];

/** Whether a mark is about mail of this tenant and campaign; `anyTenant` asks for what stops all mail alone. */
export function isAbout(mark: Pick<Mark, 'tenant' | 'campaign'>, tenant: number, campaign: string) {
  const isTenants = mark.tenant === anyTenant || mark.tenant === tenant;
  return isTenants && (mark.campaign === undefined || mark.campaign === campaign);
}

/** One path as one thread saw it since its last report. */
export type PathReport = readonly [
  path: string,
  /** Connections that carried mail at once, at most. */
  inUse: number,
  taken: number,
  /** Refusals for load. */
  refused: number,
  serviceMs: number,
  /** The last of them. */
  reply: string,
  /** That lead to it and that rules speak of, where some are new. */
  domains: readonly string[],
  hits: readonly RuleHits[],
];

/** How a path stands with its owner. Instants are epoch milliseconds; 0: never. */
export type PathStand = readonly [limit: number, fellMs: number, growsMs: number, reply: string];

export interface ShapingQuestion {
  readonly domain: string;
  readonly tenant: string;
  readonly campaign: string;
  readonly source: string;
}

export interface ShownLimit {
  readonly limit: string;
  readonly value: string;
  /** Where the rule stands, or the setting's name. */
  readonly rule: string;
}

export interface ShapingAnswer {
  readonly domain: string;
  /** "" where it leads nowhere: `trouble` says why. */
  readonly path: string;
  readonly trouble: string;
  readonly provider: string;
  readonly limits: readonly ShownLimit[];
  /** Names of the response rules that replies from there are held against, in their order. */
  readonly responses: readonly string[];
  readonly marks: readonly Mark[];
}
