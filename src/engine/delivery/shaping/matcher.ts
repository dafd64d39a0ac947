/**
 * Which shaping rules hold for a path and for whose mail, and what limits they come to.
 *
 * Runs in:   engine threads; pure. Asked once for a path and kept by who asks; only refusals are looked at one by one.
 * Limits:    as many rules as `shapingBounds` lets a file have; `textCharsMax` of a reply are looked at.
 * Invariant: of two rules for one limit the more specific wins (`matchFields`), of equals the later. A path is of every
 *            provider that any of its hosts is of, and of what each of them takes the least holds.
 */

import { defaultSourceName, siteOfPath } from '../../../base/path-names.ts';
import { isInAddress, type Repeated } from '../../../mail/wire/smtp/echoes.ts';
import type { Reply } from '../../../mail/wire/smtp/reply-reader.ts';
import {
  type LimitField,
  type LimitRule,
  type Limits,
  type Match,
  matchFields,
  type Provider,
  perSecond,
  type Rate,
  type ResponseRule,
  type ShapingRules,
} from '../../../settings/shaping/rules.ts';

/** What rules are asked about. `tenant` by name; both "" where it is not about somebody's mail. */
export interface Place {
  /** The path's name. */
  readonly path: string;
  /** Those that lead to it, as far as they are known. */
  readonly domains: readonly string[];
  readonly tenant: string;
  readonly campaign: string;
}

/** A limit, and the rule it comes from. */
export interface Found<T> {
  readonly value: T;
  readonly rule: string;
}
export type FoundLimits = { readonly [F in LimitField]?: Found<NonNullable<Limits[F]>> };

/** A rate of one tenant's or one campaign's mail over one path. */
export interface Share {
  readonly tenant: string;
  readonly campaign: string;
  readonly rate: Rate;
  readonly rule: string;
}

const textCharsMax = 1_024;

export class Matcher {
  readonly #rules: ShapingRules;
  /** The most specific last, so that it has the last word. */
  readonly #limits: readonly LimitRule[];
  /** Domains that some rule names. */
  readonly #domains: ReadonlySet<string>;
  readonly #hasShares: boolean;
  readonly #hasSharedConnections: boolean;

  constructor(rules: ShapingRules) {
    this.#rules = rules;
    this.#limits = [...rules.limits].sort((a, b) => weightOf(a.match) - weightOf(b.match));
    const matches = [...rules.limits, ...rules.responses].map(({ match }) => match);
    this.#hasShares = rules.limits.some(
      ({ match }) => (match.tenant ?? match.campaign) !== undefined,
    );
    this.#hasSharedConnections = rules.limits.some(
      ({ limits }) => limits.providerConnectionsMax !== undefined,
    );
    this.#domains = new Set(matches.flatMap(({ domain = [] }) => domain));
  }

  /** The provider that a path is known by: that of all its hosts, else that of some; "" where none is of any. */
  providerOf(path: string): string {
    return this.providersOf(path)[0] ?? '';
  }

  /**
   * Those its hosts are of: one host elsewhere must not let a domain's mail go past what the others' provider takes.
   */
  providersOf(path: string): readonly string[] {
    const hosts = hostsOfPath(path);
    if (hosts.length === 0) return [];
    const { providers } = this.#rules;
    const whole = providers.find((each) => hosts.every((host) => isHostOf(each, host)));
    if (whole !== undefined) return [whole.name];
    const some = providers.filter((each) => hosts.some((host) => isHostOf(each, host)));
    return some.map(({ name }) => name);
  }

  /** Of a path's providers, the one that this host of it is of, or "". */
  providerOfHost(path: string, host: string): string {
    const of = this.providersOf(path);
    const isOf = (each: Provider) => of.includes(each.name) && isHostOf(each, host.toLowerCase());
    return this.#rules.providers.find(isOf)?.name ?? '';
  }

  /** Whether a rule speaks of this domain: who owns its site must know that it leads there. */
  speaksOf(domain: string): boolean {
    if (this.#domains.size === 0) return false;
    if (this.#domains.has(domain)) return true;
    for (let at = domain.indexOf('.'); at >= 0; at = domain.indexOf('.', at + 1)) {
      if (this.#domains.has(domain.slice(at))) return true;
    }
    return false;
  }

  /** Some rule limits a provider's connections together. */
  get hasSharedConnections(): boolean {
    return this.#hasSharedConnections;
  }

  /** Some rule gives a tenant or a campaign a rate of its own. */
  get hasShares(): boolean {
    return this.#hasShares;
  }

  /** The limits of a path as a whole. */
  limitsOf(place: Place): FoundLimits {
    const whole: Place = { ...place, tenant: '', campaign: '' };
    const [first, ...others] = this.#eachProvider(place.path);
    const found = this.#limitsAs(whole, first!);
    for (const of of others) {
      for (const [field, its] of Object.entries(this.#limitsAs(whole, of))) {
        const known = found[field as LimitField];
        if (known === undefined || isLess(its.value, known.value)) found[field as LimitField] = its;
      }
    }
    return found as FoundLimits;
  }

  /** What rules about providers are held against, one after the other: for a path of none, nothing. */
  #eachProvider(path: string): readonly (readonly string[])[] {
    const of = this.providersOf(path);
    return of.length === 0 ? [[]] : of.map((name) => [name]);
  }

  #limitsAs(whole: Place, providers: readonly string[]) {
    const found: { [F in LimitField]?: Found<number | Rate> } = {};
    for (const { name, match, limits } of this.#limits) {
      if (!isFit(match, whole, providers)) continue;
      for (const [field, value] of Object.entries(limits)) {
        found[field as LimitField] = { value, rule: name };
      }
    }
    return found;
  }

  /** Connections to a provider in all from the source of this path; undefined: as many as each site takes. */
  providerConnections(provider: string, path: string): number | undefined {
    const place: Place = { path, domains: [], tenant: '', campaign: '' };
    const fit = this.#limits.filter(
      ({ match, limits }) =>
        limits.providerConnectionsMax !== undefined && isFit(match, place, [provider]),
    );
    return fit.at(-1)?.limits.providerConnectionsMax;
  }

  /** Rates of tenants and campaigns over this path; of each, the one that holds. */
  sharesOf(place: Pick<Place, 'path' | 'domains'>): Share[] {
    const shares = new Map<string, Share>();
    for (const providers of this.#eachProvider(place.path)) {
      for (const [key, share] of this.#sharesAs(place, providers)) {
        const known = shares.get(key);
        if (known === undefined || isLess(share.rate, known.rate)) shares.set(key, share);
      }
    }
    return [...shares.values()];
  }

  #sharesAs(
    place: Pick<Place, 'path' | 'domains'>,
    providers: readonly string[],
  ): ReadonlyMap<string, Share> {
    const shares = new Map<string, Share>();
    for (const { name, match, limits } of this.#limits) {
      const { tenant: tenants = [''], campaign: campaigns = [''] } = match;
      const rate = limits.messageRate;
      if (rate === undefined || (match.tenant ?? match.campaign) === undefined) continue;
      const [tenant = '', campaign = ''] = [tenants[0], campaigns[0]];
      if (!isFit(match, { ...place, tenant, campaign }, providers)) continue;
      for (const each of tenants) {
        for (const one of campaigns) {
          shares.set(`${each}\n${one}`, { tenant: each, campaign: one, rate, rule: name });
        }
      }
    }
    return shares;
  }

  /** The rule that a reply which takes nothing fits, if any. `message`: what it was said to. */
  responseOf(place: Place, reply: Reply, message?: Repeated): ResponseRule | undefined {
    const providers = this.providersOf(place.path);
    const words = reply.text.slice(0, textCharsMax).toLowerCase().replaceAll('\n', ' ');
    return this.#rules.responses.find(
      (rule) => isReplyFit(rule, reply, words, message) && isFit(rule.match, place, providers),
    );
  }

  /** Those that replies from there are held against, in their order. */
  responsesFor(place: Place): ResponseRule[] {
    const providers = this.providersOf(place.path);
    return this.#rules.responses.filter(({ match }) => isFit(match, place, providers));
  }

  responseNamed(name: string): ResponseRule | undefined {
    return this.#rules.responses.find((rule) => rule.name === name);
  }
}

function isReplyFit(
  rule: ResponseRule,
  { code, enhanced }: Reply,
  words: string,
  message: Repeated | undefined,
): boolean {
  const { codes, enhanced: wanted, phrases } = rule;
  if (codes.length > 0 && !codes.includes(code)) return false;
  if (wanted.length > 0 && !wanted.includes(enhanced)) return false;
  if (phrases.length === 0) return true;
  // Or one tenant's `zen.spamhaus.org@far.example`, unknown there, would stop everybody's mail to that site.
  const isEcho = (phrase: string) => message !== undefined && isInAddress(phrase, message);
  return phrases.some((phrase) => words.includes(phrase) && !isEcho(phrase));
}

export function isFit(match: Match, place: Place, providers: readonly string[]): boolean {
  const { tenant, campaign, domain, site, source } = match;
  if (match.provider?.some((name) => providers.includes(name)) === false) return false;
  if (tenant?.includes(place.tenant) === false) return false;
  if (campaign?.includes(place.campaign) === false) return false;
  if (source?.includes(sourceOfPath(place.path)) === false) return false;
  if (domain !== undefined && !domain.some((name) => place.domains.some((of) => isBelow(of, name))))
    return false;
  return site === undefined || site.some((name) => isSite(place.path, name));
}

function isHostOf({ mx }: Provider, host: string): boolean {
  return mx.some((name) => isBelow(host, name));
}

function isLess(a: number | Rate, b: number | Rate): boolean {
  return amountOf(a) < amountOf(b);
}

function amountOf(value: number | Rate): number {
  return typeof value === 'number' ? value : perSecond(value);
}

/** A site by its whole name, or by one of its hosts. */
function isSite(path: string, name: string): boolean {
  return siteOfPath(path) === name || hostsOfPath(path).some((host) => isBelow(host, name));
}

/** `name` is a host's, or begins with a dot and stands for all below it. */
export function isBelow(host: string, name: string): boolean {
  return name.startsWith('.') ? host.endsWith(name) : host === name;
}

/** `mx:a.example,b.example` and `smtp://a.example:25`. */
function hostsOfPath(path: string): readonly string[] {
  const site = siteOfPath(path);
  if (site.startsWith('mx:')) return site.slice('mx:'.length).split(',');
  const host = /^smtp:\/\/(?:\[([^\]]+)\]|([^:]+)):\d+$/.exec(site);
  return host === null ? [] : [host[1] ?? host[2]!];
}

export function sourceOfPath(path: string): string {
  const site = siteOfPath(path);
  return site.length === path.length ? defaultSourceName : path.slice(site.length + 1);
}

function weightOf(match: Match): number {
  return matchFields.reduce(
    (weight, field) => weight * 2 + (match[field] === undefined ? 0 : 1),
    0,
  );
}
