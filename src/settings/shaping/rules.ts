/**
 * How mail to other servers is shaped, as data: who a provider is, what limits hold, what a reply leads to.
 *
 * Runs in:   anywhere; plain data that crosses threads as it is.
 * Limits:    the counts below; a file that has more is refused whole.
 */

import { dayMs, hourMs, minuteMs, secondMs } from '../../base/units.ts';
import type { ResponseClass } from '../../mail/wire/smtp/response-class.ts';

export const shapingBounds = {
  fileBytesMax: 1_048_576,
  providersMax: 500,
  rulesMax: 2_000,
  /** Of one field of a matcher, phrases, codes. */
  itemsMax: 200,
  phraseCharsMin: 3,
  phraseCharsMax: 200,
  connectionsMax: 10_000,
  messagesPerConnectionMax: 1_000_000,
  rateCountMax: 1_000_000_000,
  slowByMax: 1_000,
  hitsMax: 1_000,
  spanMsMin: secondMs,
  spanMsMax: 7 * dayMs,
  withinMsMax: dayMs,
} as const;

/** What a rule may ask of mail, the most specific first: a rule with an earlier one goes before one without. */
export const matchFields = ['campaign', 'tenant', 'domain', 'site', 'provider', 'source'] as const;
export type MatchField = (typeof matchFields)[number];
/** All fields given must hold; of each, one of its values. */
export type Match = Readonly<Partial<Record<MatchField, readonly string[]>>>;

export interface Provider {
  readonly name: string;
  /** Every host of a site must fit one: exactly, or below it where it begins with a dot. */
  readonly mx: readonly string[];
}

/** So many in each span of this length. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

export interface Limits {
  readonly connectionsMax?: number;
  /** To all sites of the provider together, from one source. */
  readonly providerConnectionsMax?: number;
  readonly messagesPerConnection?: number;
  readonly messageRate?: Rate;
  readonly connectionRate?: Rate;
}
export type LimitField = keyof Limits;

export interface LimitRule {
  /** Where it stands: `shaping.toml:17`. */
  readonly name: string;
  readonly match: Match;
  readonly limits: Limits;
}

export interface ResponseRule {
  readonly name: string;
  /** Where it stands. */
  readonly at: string;
  readonly match: Match;
  /** None: any. */
  readonly codes: readonly number[];
  readonly enhanced: readonly string[];
  /** In lower case; any of them, as it stands. */
  readonly phrases: readonly string[];
  /** So many hits within `withinMs` before anything is suspended or slowed. */
  readonly hits: number;
  readonly withinMs: number;
  /** No mail over this path for so long. */
  readonly suspendMs?: number;
  /** None of the tenant whose mail it was. */
  readonly suspendTenantMs?: number;
  /** None of the campaign whose mail it was, of its tenant. */
  readonly suspendCampaignMs?: number;
  readonly slowBy?: number;
  readonly slowMs?: number;
  /** The site's mail leaves by another source for so long. */
  readonly switchSourceMs?: number;
  readonly class?: ResponseClass;
  readonly treat?: 'transient' | 'permanent';
}

export interface ShapingRules {
  readonly providers: readonly Provider[];
  /** Of two that are as specific, the later wins. */
  readonly limits: readonly LimitRule[];
  /** The first that fits decides. */
  readonly responses: readonly ResponseRule[];
}

export const noShaping: ShapingRules = { providers: [], limits: [], responses: [] };

const rateUnits: Readonly<Record<string, number>> = {
  s: secondMs,
  sec: secondMs,
  second: secondMs,
  m: minuteMs,
  min: minuteMs,
  minute: minuteMs,
  h: hourMs,
  hour: hourMs,
  d: dayMs,
  day: dayMs,
};

/** `100/min`, `5_000/h`. */
export function parseRate(text: string): Rate | undefined {
  const match = /^(\d[\d_]{0,17}) ?\/ ?([a-z]{1,6})$/.exec(text.trim());
  if (match === null) return undefined;
  const count = Number(match[1]!.replaceAll('_', ''));
  const perMs = Object.hasOwn(rateUnits, match[2]!) ? rateUnits[match[2]!] : undefined;
  if (perMs === undefined || count < 1 || count > shapingBounds.rateCountMax) return undefined;
  return { count, perMs };
}

export function writeRate({ count, perMs }: Rate): string {
  const unit = { [secondMs]: 's', [minuteMs]: 'min', [hourMs]: 'h', [dayMs]: 'd' }[perMs];
  return unit === undefined ? `${(count / perMs) * secondMs}/s` : `${count}/${unit}`;
}

export function perSecond({ count, perMs }: Rate): number {
  return (count * secondMs) / perMs;
}
