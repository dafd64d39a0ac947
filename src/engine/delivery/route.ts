/**
 * Where mail for a domain goes: a fixed next hop by settings, or the hosts its MX records name.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 5321 §5.1 (MX look-up, order, loops), RFC 7505 (null MX), RFC 3463 §3.2, §3.5.
 * Limits:    `exchangesMax` hosts and `targetsMax` addresses of one domain are used.
 * Invariant: an address the DNS named is used only if `isDialable` lets it pass; fixed routes may lead anywhere.
 */

import { isIP } from 'node:net';
import type { Dns, DnsAnswer, MxRecord } from '../../ports/dns.ts';
import type { Random } from '../../ports/random.ts';
import type { Reply } from '../../mail/wire/smtp/reply-reader.ts';
import { dayMs, minuteMs, secondMs } from '../../base/units.ts';
import { isDialable } from './addresses.ts';
import type { HandshakeOptions } from './handshake.ts';
import type { OutcomeStatus } from './message.ts';
import { ownReply } from './message.ts';
import type { Target } from './site.ts';

export type Route =
  | { readonly kind: 'mx' }
  | { readonly kind: 'fixed'; readonly host: string; readonly port: number };

/** One route with how to speak to what it leads to. */
export interface RouteEntry {
  readonly route: Route;
  readonly handshake: HandshakeOptions;
}

export interface RouterOptions {
  readonly fallback: RouteEntry;
  /** By domain in lower case A-labels; `.example.org` stands for all below it. */
  readonly domains: ReadonlyMap<string, RouteEntry>;
  readonly dns: Dns;
  readonly random: Random;
  /** Our names and addresses: mail must not be sent back to us. */
  readonly ownNames: ReadonlySet<string>;
  readonly ownAddresses: ReadonlySet<string>;
  /** Whether names may lead to loopback, link-local, private and own addresses. */
  readonly allowsPrivateTargets: boolean;
  /** 25 on the Internet. */
  readonly mxPort: number;
}

export interface Resolved {
  /** Equal for domains that share their hosts. */
  readonly site: string;
  readonly targets: readonly Target[];
  readonly handshake: HandshakeOptions;
  readonly validMs: number;
}

export type Resolution =
  | ({ readonly ok: true } & Resolved)
  | { readonly ok: false; readonly status: Exclude<OutcomeStatus, 'delivered'>; readonly reply: Reply };

export interface Router {
  /** The answer where it needs no look-up. */
  fixed(domain: string): Resolved | undefined;
  resolve(domain: string): Promise<Resolution>;
}

const exchangesMax = 12;
const targetsMax = 24;
const validMsMin = 5 * secondMs;
const validMsMax = 60 * minuteMs;

export function createRouter(options: RouterOptions): Router {
  return new SettingsRouter(options);
}

class SettingsRouter implements Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  fixed(domain: string): Resolved | undefined {
    const { route, handshake } = this.#entry(domain);
    if (route.kind !== 'fixed' || isIP(route.host) === 0) return undefined;
    const target = { host: route.host, address: route.host, port: route.port };
    return { site: siteName(route.host, route.port), targets: [target], handshake, validMs: dayMs };
  }

  async resolve(domain: string): Promise<Resolution> {
    const entry = this.#entry(domain);
    if (entry.route.kind === 'fixed') {
      const { host, port } = entry.route;
      const found = await this.#addresses([host], port, () => true);
      return this.#resolved(siteName(host, port), found, entry.handshake, host);
    }
    return this.#resolveMx(domain, entry.handshake);
  }

  #entry(domain: string): RouteEntry {
    const { domains, fallback } = this.#options;
    if (domains.size === 0) return fallback;
    const exact = domains.get(domain);
    if (exact !== undefined) return exact;
    for (let at = domain.indexOf('.'); at >= 0; at = domain.indexOf('.', at + 1)) {
      const parent = domains.get(domain.slice(at));
      if (parent !== undefined) return parent;
    }
    return fallback;
  }

  async #resolveMx(domain: string, handshake: HandshakeOptions): Promise<Resolution> {
    const { dns, random, mxPort, allowsPrivateTargets, ownAddresses } = this.#options;
    const answer = await dns.mx(domain);
    const exchanges = this.#exchanges(domain, answer, random);
    if (!Array.isArray(exchanges)) return exchanges;
    const mayDial = (address: string) =>
      allowsPrivateTargets || (!ownAddresses.has(address) && isDialable(address));
    const found = await this.#addresses(exchanges, mxPort, mayDial);
    const ttlMs = answer.ok ? answer.ttlSeconds * secondMs : validMsMax;
    const name = `mx:${[...exchanges].sort().join(',')}`;
    return this.#resolved(name, { ...found, ttlMs: Math.min(ttlMs, found.ttlMs) }, handshake, domain);
  }

  /** Hosts in the order to try them, or why there is none. */
  #exchanges(domain: string, answer: DnsAnswer<MxRecord>, random: Random): string[] | Resolution {
    if (!answer.ok) {
      if (answer.reason === 'missing') return failed(550, '5.1.2', `Domain ${domain} does not exist`);
      if (answer.reason === 'failed') return deferred('4.4.3', `Look-up of ${domain} failed: ${answer.detail}`);
      // RFC 5321 §5.1: no MX record at all: the domain's own address is its exchange.
      return this.#options.ownNames.has(domain) ? loop(domain) : [domain];
    }
    if (answer.records.some((record) => record.exchange === '')) {
      // RFC 7505 §3: a null MX stands alone; beside others it is no name to connect to.
      if (answer.records.length === 1) return failed(556, '5.1.10', `Domain ${domain} takes no mail`);
    }
    const named = answer.records.filter((record) => record.exchange !== '');
    const sorted = shuffled(named, random).sort((a, b) => a.preference - b.preference);
    // RFC 5321 §5.1: where we are listed, only hosts strictly preferred to us may be used.
    const own = sorted.find((record) => this.#options.ownNames.has(record.exchange.toLowerCase()));
    const usable = own === undefined ? sorted : sorted.filter((record) => record.preference < own.preference);
    if (usable.length === 0) return loop(domain);
    return [...new Set(usable.map((record) => record.exchange.toLowerCase()))].slice(0, exchangesMax);
  }

  async #addresses(
    hosts: readonly string[],
    port: number,
    mayDial: (address: string) => boolean,
  ): Promise<Found> {
    const { dns, random } = this.#options;
    const found: Found = { targets: [], forbidden: 0, hasFailed: false, ttlMs: validMsMax };
    const answers = await Promise.all(hosts.map((host) => Promise.all([dns.a(host), dns.aaaa(host)])));
    answers.forEach((pair, at) => {
      const host = hosts[at]!;
      const addresses: string[] = [];
      for (const answer of pair) {
        if (answer.ok) {
          addresses.push(...answer.records);
          found.ttlMs = Math.min(found.ttlMs, answer.ttlSeconds * secondMs);
        } else if (answer.reason === 'failed') {
          found.hasFailed = true;
        }
      }
      for (const address of shuffled(addresses, random)) {
        if (!mayDial(address)) found.forbidden++;
        else if (found.targets.length < targetsMax) found.targets.push({ host, address, port });
      }
    });
    return found;
  }

  #resolved(site: string, found: Found, handshake: HandshakeOptions, name: string): Resolution {
    if (found.targets.length === 0) {
      if (found.hasFailed) return deferred('4.4.3', `Look-up of the addresses of ${name} failed`);
      return found.forbidden > 0
        ? failed(550, '5.4.4', `${name} leads to addresses mail is not sent to`)
        : failed(550, '5.4.4', `${name} has no address`);
    }
    const validMs = Math.min(Math.max(found.ttlMs, validMsMin), validMsMax);
    return { ok: true, site, targets: found.targets, handshake, validMs };
  }
}

interface Found {
  readonly targets: Target[];
  forbidden: number;
  hasFailed: boolean;
  ttlMs: number;
}

function siteName(host: string, port: number): string {
  return `smtp://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function failed(code: number, enhanced: string, text: string): Resolution {
  return { ok: false, status: 'failed', reply: ownReply(code, enhanced, text) };
}

function deferred(enhanced: string, text: string): Resolution {
  return { ok: false, status: 'deferred', reply: ownReply(451, enhanced, text) };
}

function loop(domain: string): Resolution {
  return failed(554, '5.4.6', `Mail for ${domain} leads back to this server`);
}

/** Fisher and Yates: RFC 5321 §5.1 wants equal preferences spread. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(random.fraction() * (i + 1));
    const item = mixed[i]!;
    mixed[i] = mixed[j]!;
    mixed[j] = item;
  }
  return mixed;
}
