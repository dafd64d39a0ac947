/**
 * Look-ups by a stub resolver of our own: Node's does not show TTLs and the AD bit.
 *
 * Runs in:   every thread, each with its own cache. Implements `ports/dns.ts`.
 * Specs:     RFC 1034 §3.6.2 (aliases), RFC 2308 (negative answers), RFC 6761 §6.3 (localhost), RFC 8020.
 * Limits:    `cacheEntriesMax`, `openMax` questions under way and `waitingMax` behind them, `aliasesMax`.
 * Invariant: equal questions asked at one time are asked once; a failure is kept for `failedTtlSeconds` only. AD is
 *            believed of resolvers on loopback and in `trustedNetworks` alone: it is worth what the way to them is.
 */

import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { Answer, DecodedPacket } from 'dns-packet';
import { isLoopback, type Network, networkSet } from '../../base/networks.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Dns, DnsAnswer, MxRecord, SrvRecord, TlsaRecord } from '../../ports/dns.ts';
import type { Random } from '../../ports/random.ts';
import type { Resolver } from './dns-exchange.ts';
import { exchange } from './dns-exchange.ts';
import { reverseName } from './dns-names.ts';

export interface NodeDnsOptions {
  readonly settings: {
    /** None: those of /etc/resolv.conf. */
    readonly servers: readonly { readonly host: string; readonly port: number }[];
    /** For one answer, all tries together. */
    readonly timeoutMs: number;
    /** Resolvers besides loopback whose AD is believed; absent: none. */
    readonly trustedNetworks?: readonly Network[];
  };
  readonly clock: Clock;
  readonly random: Random;
}

type Type = 'MX' | 'A' | 'AAAA' | 'TXT' | 'PTR' | 'SRV' | 'TLSA' | 'CNAME';

interface Kept {
  readonly answer: DnsAnswer<unknown>;
  readonly untilMs: number;
}

const cacheEntriesMax = 20_000;
const openMax = 256;
const waitingMax = 10_000;
const aliasesMax = 8;
const triesMax = 3;
const ttlSecondsMax = 86_400;
const negativeTtlSecondsMax = 900;
const negativeTtlSecondsDefault = 60;
const failedTtlSeconds = 5;
const resolversMax = 3;

export function createDns(options: NodeDnsOptions): Dns {
  return new StubResolver(options);
}

class StubResolver implements Dns {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #timeoutMs: number;
  readonly #resolvers: readonly Resolver[];
  readonly #isTrusted: (address: string) => boolean;
  readonly #cache = new Map<string, Kept>();
  readonly #flights = new Map<string, Promise<DnsAnswer<unknown>>>();
  readonly #waiting: (() => void)[] = [];
  #open = 0;

  constructor({ settings, clock, random }: NodeDnsOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#timeoutMs = settings.timeoutMs;
    const trusted = networkSet(settings.trustedNetworks ?? []);
    this.#isTrusted = (address) => isLoopback(address) || trusted.has(address);
    this.#resolvers =
      settings.servers.length > 0
        ? settings.servers.map(({ host, port }) => ({ address: host, port }))
        : systemResolvers();
  }

  mx(name: string): Promise<DnsAnswer<MxRecord>> {
    return this.#lookUp(name, 'MX') as Promise<DnsAnswer<MxRecord>>;
  }

  a(name: string): Promise<DnsAnswer<string>> {
    return this.#lookUp(name, 'A') as Promise<DnsAnswer<string>>;
  }

  aaaa(name: string): Promise<DnsAnswer<string>> {
    return this.#lookUp(name, 'AAAA') as Promise<DnsAnswer<string>>;
  }

  txt(name: string): Promise<DnsAnswer<string>> {
    return this.#lookUp(name, 'TXT') as Promise<DnsAnswer<string>>;
  }

  async ptr(address: string): Promise<DnsAnswer<string>> {
    const name = reverseName(address);
    if (name === undefined) return { ok: false, reason: 'missing', detail: 'not an address' };
    return this.#lookUp(name, 'PTR') as Promise<DnsAnswer<string>>;
  }

  srv(name: string): Promise<DnsAnswer<SrvRecord>> {
    return this.#lookUp(name, 'SRV') as Promise<DnsAnswer<SrvRecord>>;
  }

  tlsa(name: string): Promise<DnsAnswer<TlsaRecord>> {
    return this.#lookUp(name, 'TLSA') as Promise<DnsAnswer<TlsaRecord>>;
  }

  cname(name: string): Promise<DnsAnswer<string>> {
    return this.#lookUp(name, 'CNAME') as Promise<DnsAnswer<string>>;
  }

  async #lookUp(givenName: string, type: Type): Promise<DnsAnswer<unknown>> {
    const name = givenName.toLowerCase().replace(/\.$/, '');
    if (!isName(name)) return { ok: false, reason: 'missing', detail: `${name} is no domain name` };
    const local = localhost(name, type);
    if (local !== undefined) return local;
    const key = `${type} ${name}`;
    const kept = this.#cache.get(key);
    if (kept !== undefined) {
      const leftMs = kept.untilMs - this.#clock.monotonicMs();
      if (leftMs > 0) return aged(kept.answer, Math.ceil(leftMs / 1_000));
      this.#cache.delete(key);
    }
    const flight = this.#flights.get(key) ?? this.#fly(key, name, type);
    return flight;
  }

  #fly(key: string, name: string, type: Type): Promise<DnsAnswer<unknown>> {
    const flight = this.#ask(name, type).then(({ answer, ttlSeconds }) => {
      this.#flights.delete(key);
      if (ttlSeconds > 0) this.#keep(key, answer, ttlSeconds);
      return answer;
    });
    this.#flights.set(key, flight);
    return flight;
  }

  #keep(key: string, answer: DnsAnswer<unknown>, ttlSeconds: number): void {
    if (this.#cache.size >= cacheEntriesMax) this.#cache.delete(this.#cache.keys().next().value!);
    this.#cache.set(key, { answer, untilMs: this.#clock.monotonicMs() + ttlSeconds * 1_000 });
  }

  /** Follows aliases until there are records, or none. */
  async #ask(name: string, type: Type): Promise<Asked> {
    let at = name;
    let ttlSeconds = ttlSecondsMax;
    let isSecure = true;
    for (let aliases = 0; aliases <= aliasesMax; aliases++) {
      const reply = await this.#query(at, type);
      if (reply === undefined) return failed(`no answer for ${at}`);
      const rcode = String((reply.packet as { rcode?: unknown }).rcode ?? 'NOERROR');
      if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') return failed(`${rcode} for ${at}`);
      isSecure &&= reply.isSecure;
      const chain = followAliases(reply.packet, at, type);
      if (chain === undefined) return failed(`${name} is an alias of itself`);
      ttlSeconds = Math.min(ttlSeconds, chain.ttlSeconds);
      if (chain.records.length > 0) {
        const records = chain.records.map((record) => contentOf(record, type));
        const canonical = chain.name === name ? {} : { canonical: chain.name };
        return {
          answer: { ok: true, records, ttlSeconds, secure: isSecure, ...canonical },
          ttlSeconds,
        };
      }
      if (rcode === 'NXDOMAIN' || chain.name === at) {
        const reason = rcode === 'NXDOMAIN' ? 'missing' : 'empty';
        const detail = `${rcode === 'NXDOMAIN' ? 'no such name' : `no ${type} record`}: ${chain.name}`;
        return {
          answer: { ok: false, reason, detail, secure: isSecure },
          ttlSeconds: negativeTtl(reply.packet),
        };
      }
      at = chain.name;
    }
    return failed(`${name}: too many aliases`);
  }

  /** Asks the resolvers in turn; undefined when none answered usefully in time. */
  async #query(name: string, type: Type): Promise<Reply | undefined> {
    if (!(await this.#enter())) return undefined;
    try {
      const tries = Math.max(triesMax, this.#resolvers.length);
      let last: Reply | undefined;
      for (let i = 0; i < tries; i++) {
        const resolver = this.#resolvers[i % this.#resolvers.length]!;
        const [high, low] = this.#random.bytes(2);
        const id = high! * 256 + low!;
        const packet = await exchange(resolver, { name, type }, id, this.#timeoutMs / tries);
        if (packet === undefined) continue;
        last = { packet, isSecure: packet.flag_ad && this.#isTrusted(resolver.address) };
        const rcode = String((packet as { rcode?: unknown }).rcode ?? 'NOERROR');
        if (rcode === 'NOERROR' || rcode === 'NXDOMAIN') return last;
        // One that fails speaks for itself: another may know; the same one is not asked again.
        if (i + 1 >= this.#resolvers.length) return last;
      }
      return last;
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<boolean> {
    if (this.#open >= openMax) {
      if (this.#waiting.length >= waitingMax) return false;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
      return true;
    }
    this.#open++;
    return true;
  }

  /** The place goes to who waits longest, or is free. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#open--;
    else next();
  }
}

interface Reply {
  readonly packet: DecodedPacket;
  readonly isSecure: boolean;
}

interface Asked {
  readonly answer: DnsAnswer<unknown>;
  readonly ttlSeconds: number;
}

function failed(detail: string): Asked {
  return { answer: { ok: false, reason: 'failed', detail }, ttlSeconds: failedTtlSeconds };
}

function aged(answer: DnsAnswer<unknown>, ttlSeconds: number): DnsAnswer<unknown> {
  return answer.ok ? { ...answer, ttlSeconds } : answer;
}

interface Chain {
  /** Where the aliases end. */
  readonly name: string;
  readonly records: readonly Answer[];
  readonly ttlSeconds: number;
}

/** Undefined for a circle. */
function followAliases(reply: DecodedPacket, from: string, type: Type): Chain | undefined {
  const answers = reply.answers ?? [];
  const seen = new Set<string>();
  let name = from;
  let ttlSeconds = ttlSecondsMax;
  for (;;) {
    if (seen.has(name) || seen.size > aliasesMax) return undefined;
    seen.add(name);
    const here = answers.filter((answer) => answer.name.toLowerCase() === name);
    const records = here.filter((answer) => answer.type === type);
    for (const record of records) ttlSeconds = Math.min(ttlSeconds, ttlOf(record));
    if (records.length > 0) return { name, records, ttlSeconds };
    const alias = here.find((answer) => answer.type === 'CNAME');
    if (alias?.type !== 'CNAME') return { name, records: [], ttlSeconds };
    ttlSeconds = Math.min(ttlSeconds, ttlOf(alias));
    name = alias.data.toLowerCase();
  }
}

function ttlOf(answer: Answer): number {
  return 'ttl' in answer && typeof answer.ttl === 'number' ? answer.ttl : 0;
}

function contentOf(record: Answer, type: Type): unknown {
  switch (type) {
    case 'MX': {
      const { preference = 0, exchange: host } = (
        record as { data: { preference?: number; exchange: string } }
      ).data;
      return { preference, exchange: host === '.' ? '' : host } satisfies MxRecord;
    }
    case 'TXT': {
      const { data } = record as unknown as { data: string | Buffer | (string | Buffer)[] };
      const strings = Array.isArray(data) ? data : [data];
      return strings
        .map((each) => (typeof each === 'string' ? each : each.toString('utf8')))
        .join('');
    }
    case 'SRV': {
      const { data } = record as { data: Partial<SrvRecord> };
      const { priority = 0, weight = 0, port = 0, target = '' } = data;
      return { priority, weight, port, target: target === '.' ? '' : target } satisfies SrvRecord;
    }
    case 'TLSA': {
      const { data } = record as Extract<Answer, { type: 'TLSA' }>;
      const { usage, selector, matchingType: matching, certificate } = data;
      return { usage, selector, matching, data: certificate } satisfies TlsaRecord;
    }
    default:
      return (record as { data: string }).data;
  }
}

/** RFC 2308 §5: the smaller of the SOA's TTL and its minimum. */
function negativeTtl(reply: DecodedPacket): number {
  for (const record of reply.authorities ?? []) {
    if (record.type !== 'SOA') continue;
    return Math.min(ttlOf(record), record.data.minimum ?? 0, negativeTtlSecondsMax);
  }
  return negativeTtlSecondsDefault;
}

/** At most 253 characters, labels of 1 to 63; any ASCII but dots and spaces may stand in a label. */
function isName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= 253 &&
    /^[\x21-\x7e]+$/.test(name) &&
    name.split('.').every((label) => label.length > 0 && label.length <= 63)
  );
}

/** RFC 6761 §6.3: never asked of others. */
function localhost(name: string, type: Type): DnsAnswer<string> | undefined {
  if (name !== 'localhost' && !name.endsWith('.localhost')) return undefined;
  const address = type === 'A' ? '127.0.0.1' : type === 'AAAA' ? '::1' : undefined;
  return address === undefined
    ? { ok: false, reason: 'empty', detail: `no ${type} record: ${name}` }
    : { ok: true, records: [address], ttlSeconds: ttlSecondsMax, secure: false };
}

function systemResolvers(): readonly Resolver[] {
  const found: Resolver[] = [];
  for (const line of readResolvConf().split('\n')) {
    const address = /^\s*nameserver\s+([^\s%]+)/.exec(line)?.[1];
    if (address !== undefined && isIP(address) !== 0) found.push({ address, port: 53 });
  }
  // resolv.conf(5): without one, the name server on the local machine.
  return found.length > 0 ? found.slice(0, resolversMax) : [{ address: '127.0.0.1', port: 53 }];
}

function readResolvConf(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8');
  } catch {
    return '';
  }
}
