/**
 * Where mail for a domain goes: a fixed next hop by settings, or the hosts its MX records name.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 5321 §5.1 (MX look-up, order, loops), RFC 7505 (null MX), RFC 3463 §3.2, §3.5; RFC 8461 §5 (hosts
 *            a policy does not name are left out).
 * Limits:    `exchangesMax` hosts and `targetsMax` addresses of one domain are used.
 * Invariant: an address the DNS named is used only if `isDialable` lets it pass; fixed routes may lead anywhere.
 */

import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { isDialable } from '../../base/dialable.ts';
import { dayMs, minuteMs, secondMs } from '../../base/units.ts';
import type { StsPolicy } from '../../mail/trust/mta-sts.ts';
import type { Reply } from '../../mail/wire/smtp/reply-reader.ts';
import type { Dns, DnsAnswer, MxRecord } from '../../ports/dns.ts';
import type { Random } from '../../ports/random.ts';
import { type Route, writeRoute } from '../../settings/networks.ts';
import type { Settings } from '../../settings/schema.ts';
import type { HandshakeOptions } from './handshake.ts';
import {
  type FoundHost,
  type HostRefusal,
  type HostTls,
  hostTls,
  securityClass,
  type TlsNeed,
  type TlsWishes,
} from './host-tls.ts';
import type { OutcomeStatus } from './message.ts';
import { ownReply } from './message.ts';
import type { Target } from './site-hosts.ts';
import type { TlsSessions } from './tls-sessions.ts';

/** What of the relay settings decides where mail goes. */
export type RelayWays = Pick<
  Settings['relay'],
  'route' | 'routes' | 'privateTargets' | 'mxPort' | 'user' | 'tls' | 'dane'
>;

/** A domain's MTA-STS policy; `failed`: it cannot be said now whether there is one. */
export type StsSource = (domain: string) => Promise<StsPolicy | undefined | 'failed'>;

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
  /** Absent: policies are not asked for. */
  readonly policies?: StsSource;
  /** Absent: how TLS goes is not counted. */
  readonly tls?: Pick<TlsSessions, 'learn' | 'held'>;
}

export interface Resolved {
  /** Equal for domains that share their hosts: what limits are kept by. */
  readonly site: string;
  /** Equal for those that ask the same of TLS as well: they may share connections. */
  readonly key: string;
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
  fixed(domain: string, need: TlsNeed = 'usual'): Resolved | undefined {
    const route = this.#route(domain);
    if (route.kind !== 'host' || isIP(route.host) === 0) return undefined;
    const site = writeRoute(route);
    const target = { host: route.host, address: route.host, port: route.port };
    const handshake = this.#fixedHandshake;
    if (need !== 'required') {
      return { site, key: site, targets: [target], handshake, validMs: validMsFixed };
    }
    const tls: HostTls = { mode: 'verified' };
    return {
      site,
      key: site + securityClass([tls], need, domain),
      targets: [{ ...target, tls }],
      handshake: { ...handshake, needsRequireTls: true },
      validMs: validMsFixed,
    };
  }

  async resolve(domain: string, need: TlsNeed = 'usual'): Promise<Resolution> {
    const route = this.#route(domain);
    if (route.kind === 'mx') {
      return domain.startsWith('[')
        ? this.#literal(domain, need)
        : this.#resolveMx(toAscii(domain), need);
    }
    const found = await this.#addresses([route.host]);
    const wishes = { need, isProven: true, port: route.port, domain: route.host };
    // Nobody's policy speaks of a host the operator named.
    const handshake = this.#fixedHandshake;
    return this.#resolved({
      ...{ site: writeRoute(route), found, handshake, domain: route.host },
      wishes: this.#wishes(wishes, async () => undefined),
      mayDial: () => true,
    });
  }

  #wishes(
    wishes: Pick<TlsWishes, 'need' | 'isProven' | 'port' | 'domain'>,
    policy: TlsWishes['policy'],
  ): TlsWishes {
    const { dns, relay } = this.#options;
    return { ...wishes, dns, mode: relay.tls, usesDane: relay.dane, policy };
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

  async #resolveMx(domain: string, need: TlsNeed): Promise<Resolution> {
    const { dns, random, relay, policies } = this.#options;
    const answer = await dns.mx(domain);
    const exchanges = this.#exchanges(domain, answer, random);
    if (!Array.isArray(exchanges)) return exchanges;
    let asked: ReturnType<StsSource> | undefined;
    const policy = () => {
      asked ??= policies === undefined ? Promise.resolve(undefined) : policies(domain);
      return asked;
    };
    const found = await this.#addresses(exchanges);
    if (answer.ok) found.ttlMs = Math.min(found.ttlMs, answer.ttlSeconds * secondMs);
    const isProven = answer.secure === true;
    return this.#resolved({
      ...{ found, handshake: this.#mxHandshake, domain },
      wishes: this.#wishes({ need, isProven, port: relay.mxPort, domain }, policy),
      mayDial: (address) => this.#mayDial(address),
    });
  }

  #mayDial(address: string): boolean {
    const { relay, ownAddresses } = this.#options;
    return relay.privateTargets || (ownAddresses?.has(address) !== true && isDialable(address));
  }

  /** RFC 5321 §4.1.3: `[192.0.2.1]` and `[IPv6:2001:db8::1]` name the host itself. */
  #literal(domain: string, need: TlsNeed): Resolution {
    const address = domain.slice(1, -1).replace(/^ipv6:/i, '');
    if (isIP(address) === 0 || !domain.endsWith(']')) {
      return failed(550, '5.1.2', `${domain} is no address`);
    }
    if (!this.#mayDial(address)) return failed(550, '5.4.4', `Mail is not sent to ${domain}`);
    const port = this.#options.relay.mxPort;
    const site = `mx:${domain}`;
    const targets = [{ host: domain, address, port }];
    // RFC 8689 §4.2.1 wants a name, proven and in the certificate.
    if (need === 'required') return refused(['not-proven'], domain);
    return {
      ...{ ok: true, site, key: site, targets },
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

  async #addresses(names: readonly string[]): Promise<Found> {
    const { dns } = this.#options;
    const found: Found = { hosts: [], hasFailed: false, ttlMs: validMsMax };
    const answers = await Promise.all(
      names.map((host) => Promise.all([dns.a(host), dns.aaaa(host)])),
    );
    answers.forEach((pair, at) => {
      const addresses: string[] = [];
      let isSecure = true;
      let canonical: string | undefined;
      for (const answer of pair) {
        if (answer.ok) {
          addresses.push(...answer.records);
          isSecure &&= answer.secure;
          canonical ??= answer.canonical;
          found.ttlMs = Math.min(found.ttlMs, answer.ttlSeconds * secondMs);
        } else if (answer.reason === 'failed') {
          found.hasFailed = true;
        }
      }
      found.hosts.push({
        ...{ host: names[at]!, addresses, isSecure },
        ...(canonical === undefined ? {} : { canonical }),
      });
    });
    return found;
  }

  async #resolved(way: Way): Promise<Resolution> {
    const { found, domain, wishes, handshake } = way;
    const { need } = wishes;
    const { random, ownAddresses } = this.#options;
    const judged = await Promise.all(found.hosts.map((host) => hostTls(host, wishes)));
    const targets: Target[] = [];
    const refusals: HostRefusal[] = [];
    const used: { readonly host: string; readonly tls: HostTls | undefined }[] = [];
    let forbidden = 0;
    let isOwn = false;
    found.hosts.forEach(({ host, addresses }, at) => {
      const tls = judged[at];
      if (typeof tls === 'string') {
        refusals.push(tls);
        return;
      }
      used.push({ host, tls });
      for (const address of shuffled(addresses, random)) {
        const target = { host, address, port: wishes.port, ...(tls === undefined ? {} : { tls }) };
        if (!way.mayDial(address)) {
          forbidden++;
          isOwn ||= ownAddresses?.has(address) === true;
        } else if (targets.length < targetsMax) targets.push(target);
      }
    });
    await this.#tell(way, judged, targets.length > 0);
    if (targets.length === 0) {
      if (refusals.length > 0) return refused(refusals, domain);
      if (found.hasFailed) return deferred('4.4.3', `Look-up of the addresses of ${domain} failed`);
      if (isOwn) return loop(domain);
      return forbidden > 0
        ? failed(550, '5.4.4', `${domain} leads to addresses mail is not sent to`)
        : failed(550, '5.4.4', `${domain} has no address`);
    }
    const site =
      way.site ??
      `mx:${used
        .map(({ host }) => host)
        .sort()
        .join(',')}`;
    const asked = used.flatMap(({ tls }) => (tls === undefined ? [] : [tls]));
    return {
      ok: true,
      ...{ site, key: site + securityClass(asked, need, domain), targets },
      handshake: need === 'required' ? { ...handshake, needsRequireTls: true } : handshake,
      validMs: Math.min(Math.max(found.ttlMs, validMsMin), validMsMax),
    };
  }

  /** Those who count sessions hear what they are held to. */
  async #tell(way: Way, judged: Judged, isUsable: boolean): Promise<void> {
    const { tls, relay } = this.#options;
    const { need, policy } = way.wishes;
    // Of hosts that the operator named nobody is told.
    if (tls === undefined || way.site !== undefined) return;
    if (need !== 'usual' || relay.tls === 'off') return;
    const isAllDane = judged.every((each) => typeof each === 'object' && each.dane !== undefined);
    const sts = isAllDane ? undefined : await policy();
    const hosts = new Map(way.found.hosts.map(({ host }, at) => [host, judged[at]]));
    const asked = { sts: sts === 'failed' ? undefined : sts, hosts };
    if (isUsable) tls.learn(way.domain, asked);
    else tls.held(way.domain, asked);
  }
}

interface Found {
  readonly hosts: FoundHost[];
  hasFailed: boolean;
  ttlMs: number;
}

type Judged = readonly (HostTls | HostRefusal | undefined)[];

interface Way {
  /** Absent: named after its hosts. */
  readonly site?: string;
  readonly found: Found;
  readonly handshake: HandshakeOptions;
  /** As replies name what was looked for. */
  readonly domain: string;
  readonly wishes: TlsWishes;
  readonly mayDial: (address: string) => boolean;
}

/** What keeps mail from every host of a domain: what may pass is waited for. */
function refused(refusals: readonly HostRefusal[], domain: string): Resolution {
  if (refusals.includes('tlsa-failed')) {
    return deferred('4.4.3', `Look-up of the TLSA records of ${domain} failed`);
  }
  if (refusals.includes('policy-failed')) {
    return deferred('4.3.0', `The MTA-STS policy of ${domain} is not known yet`);
  }
  // RFC 8461 §5: a policy may change, so this is no bounce before its time.
  if (refusals.includes('not-in-policy')) {
    return deferred('4.7.0', `The MTA-STS policy of ${domain} names none of its hosts`);
  }
  return failed(
    550,
    '5.7.10',
    `REQUIRETLS: neither DNSSEC nor MTA-STS proves the hosts of ${domain}`,
  );
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
