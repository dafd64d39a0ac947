/**
 * Where mail for a domain goes: a fixed next hop by settings, or the hosts its MX records name.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 5321 §5.1 (MX look-up, order, loops), RFC 7505 (null MX), RFC 3463 §3.2, §3.5.
 * Limits:    `exchangesMax` hosts and `targetsMax` addresses of one domain are used.
 * Invariant: an address the DNS named is used only if `isDialable` lets it pass; fixed routes may lead anywhere.
 */

import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { dayMs, minuteMs, secondMs } from '../../base/units.ts';
import type { Reply } from '../../mail/wire/smtp/reply-reader.ts';
import type { Dns, DnsAnswer, MxRecord } from '../../ports/dns.ts';
import type { Random } from '../../ports/random.ts';
import { type Route, writeRoute } from '../../settings/networks.ts';
import type { Settings } from '../../settings/schema.ts';
import { isDialable } from './addresses.ts';
import type { HandshakeOptions } from './handshake.ts';
import type { OutcomeStatus } from './message.ts';
import { ownReply } from './message.ts';
import type { Target } from './site.ts';

/** What of the relay settings decides where mail goes. */
export type RelayWays = Pick<
  Settings['relay'],
  'route' | 'routes' | 'privateTargets' | 'mxPort' | 'user' | 'tls'
>;

export interface RouterOptions {
  readonly relay: RelayWays;
  /** Our name: in EHLO, and never a place to send mail to. */
  readonly hostname: string;
  readonly dns: Dns;
  readonly random: Random;
  /** Of `relay.user`, for fixed routes. */
  readonly password?: string;
  /** Addresses we listen on: an MX that leads there leads to us. */
  readonly ownAddresses?: ReadonlySet<string>;
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
  | {
      readonly ok: false;
      readonly status: Exclude<OutcomeStatus, 'delivered'>;
      readonly reply: Reply;
    };

const exchangesMax = 12;
const targetsMax = 24;
const validMsFixed = dayMs;
const validMsMin = 5 * secondMs;
const validMsMax = 60 * minuteMs;

export class Router {
  readonly #options: RouterOptions;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #hostname: string;
  readonly #mxHandshake: HandshakeOptions;
  readonly #fixedHandshake: HandshakeOptions;

  constructor(options: RouterOptions) {
    const { relay, hostname, password } = options;
    this.#options = options;
    this.#hostname = hostname.toLowerCase();
    this.#routes = new Map(relay.routes.map(({ domain, route }) => [domain, route]));
    this.#mxHandshake = { helloName: hostname, tls: relay.tls };
    this.#fixedHandshake =
      relay.user === '' || password === undefined
        ? this.#mxHandshake
        : { ...this.#mxHandshake, credentials: { user: relay.user, password } };
  }

  /** The answer where it needs no look-up. */
  fixed(domain: string): Resolved | undefined {
    const route = this.#route(domain);
    if (route.kind !== 'host' || isIP(route.host) === 0) return undefined;
    const target = { host: route.host, address: route.host, port: route.port };
    return this.#fixedTo(route.host, route.port, [target], validMsFixed);
  }

  #fixedTo(host: string, port: number, targets: readonly Target[], validMs: number): Resolved {
    return {
      site: writeRoute({ kind: 'host', host, port }),
      targets,
      handshake: this.#fixedHandshake,
      validMs,
    };
  }

  async resolve(domain: string): Promise<Resolution> {
    const route = this.#route(domain);
    if (route.kind === 'mx') {
      return domain.startsWith('[') ? this.#literal(domain) : this.#resolveMx(toAscii(domain));
    }
    const found = await this.#addresses([route.host], route.port, () => true);
    return this.#resolved(writeRoute(route), found, this.#fixedHandshake, route.host);
  }

  #route(domain: string): Route {
    const exact = this.#routes.size === 0 ? undefined : this.#routes.get(domain);
    if (exact !== undefined) return exact;
    for (
      let at = domain.indexOf('.');
      at >= 0 && this.#routes.size > 0;
      at = domain.indexOf('.', at + 1)
    ) {
      const below = this.#routes.get(domain.slice(at));
      if (below !== undefined) return below;
    }
    return this.#options.relay.route;
  }

  async #resolveMx(domain: string): Promise<Resolution> {
    const { dns, random, relay } = this.#options;
    const answer = await dns.mx(domain);
    const exchanges = this.#exchanges(domain, answer, random);
    if (!Array.isArray(exchanges)) return exchanges;
    const found = await this.#addresses(exchanges, relay.mxPort, (address) =>
      this.#mayDial(address),
    );
    if (answer.ok) found.ttlMs = Math.min(found.ttlMs, answer.ttlSeconds * secondMs);
    const name = `mx:${[...exchanges].sort().join(',')}`;
    return this.#resolved(name, found, this.#mxHandshake, domain);
  }

  #mayDial(address: string): boolean {
    const { relay, ownAddresses } = this.#options;
    return relay.privateTargets || (ownAddresses?.has(address) !== true && isDialable(address));
  }

  /** RFC 5321 §4.1.3: `[192.0.2.1]` and `[IPv6:2001:db8::1]` name the host itself. */
  #literal(domain: string): Resolution {
    const address = domain.slice(1, -1).replace(/^ipv6:/i, '');
    if (isIP(address) === 0 || !domain.endsWith(']')) {
      return failed(550, '5.1.2', `${domain} is no address`);
    }
    if (!this.#mayDial(address)) return failed(550, '5.4.4', `Mail is not sent to ${domain}`);
    const port = this.#options.relay.mxPort;
    const targets = [{ host: domain, address, port }];
    return {
      ok: true,
      site: `mx:${domain}`,
      targets,
      handshake: this.#mxHandshake,
      validMs: validMsMax,
    };
  }

  /** Hosts in the order to try them, or why there is none. */
  #exchanges(domain: string, answer: DnsAnswer<MxRecord>, random: Random): string[] | Resolution {
    if (!answer.ok) {
      if (answer.reason === 'missing')
        return failed(550, '5.1.2', `Domain ${domain} does not exist`);
      if (answer.reason === 'failed')
        return deferred('4.4.3', `Look-up of ${domain} failed: ${answer.detail}`);
      // RFC 5321 §5.1: no MX record at all: the domain's own address is its exchange.
      return domain === this.#hostname ? loop(domain) : [domain];
    }
    if (answer.records.some((record) => record.exchange === '')) {
      // RFC 7505 §3: a null MX stands alone; beside others it is no name to connect to.
      if (answer.records.length === 1)
        return failed(556, '5.1.10', `Domain ${domain} takes no mail`);
    }
    const named = answer.records.filter((record) => record.exchange !== '');
    const sorted = shuffled(named, random).sort((a, b) => a.preference - b.preference);
    // RFC 5321 §5.1: where we are listed, only hosts strictly preferred to us may be used.
    const own = sorted.find((record) => record.exchange.toLowerCase() === this.#hostname);
    const usable =
      own === undefined ? sorted : sorted.filter((record) => record.preference < own.preference);
    if (usable.length === 0) return loop(domain);
    return [...new Set(usable.map((record) => record.exchange.toLowerCase()))].slice(
      0,
      exchangesMax,
    );
  }

  async #addresses(
    hosts: readonly string[],
    port: number,
    mayDial: (address: string) => boolean,
  ): Promise<Found> {
    const { dns, random } = this.#options;
    const found: Found = {
      targets: [],
      forbidden: 0,
      isOwn: false,
      hasFailed: false,
      ttlMs: validMsMax,
    };
    const answers = await Promise.all(
      hosts.map((host) => Promise.all([dns.a(host), dns.aaaa(host)])),
    );
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
        if (!mayDial(address)) {
          found.forbidden++;
          found.isOwn ||= this.#options.ownAddresses?.has(address) === true;
        } else if (found.targets.length < targetsMax) found.targets.push({ host, address, port });
      }
    });
    return found;
  }

  #resolved(site: string, found: Found, handshake: HandshakeOptions, name: string): Resolution {
    if (found.targets.length === 0) {
      if (found.hasFailed) return deferred('4.4.3', `Look-up of the addresses of ${name} failed`);
      if (found.isOwn) return loop(name);
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
  /** One of the forbidden addresses is ours. */
  isOwn: boolean;
  hasFailed: boolean;
  ttlMs: number;
}

/** U-labels as the DNS wants them; what has no such form is left to the look-up to refuse. */
function toAscii(domain: string): string {
  return domainToASCII(domain) || domain;
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
