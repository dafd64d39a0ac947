/**
 * Counts how TLS went in sessions with other servers, for each domain they were made for.
 *
 * Runs in:   engine threads; one per thread, only where reports are sent.
 * Specs:     RFC 8460 §3, §4.3 (sessions by policy and kind of failure), §5.3 (no session that carries a report).
 * Limits:    what applies to `domainsMax` domains is known; counts of `talliesMax` domains wait, `tellMs` at most, which
 *            is what a kill costs; a session counts for `sessionDomainsMax` domains, a failed one for those waiting.
 * Invariant: only where MX records lead: nobody's policy speaks of a host the operator named.
 */

import { Buffer } from 'node:buffer';
import type { TlsSessionCounts } from '../../actors/asks/tls-session-asks.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { secondMs } from '../../base/units.ts';
import {
  reasonCharsMax,
  reasonOf,
  resultTypeOf,
  type TlsFailureFacts,
  type TlsPolicyFacts,
  type TlsResultType,
} from '../../mail/formats/tls-report/outcomes.ts';
import { TlsTally } from '../../mail/formats/tls-report/tally.ts';
import { isHostInPolicy, type StsPolicy, writeStsPolicy } from '../../mail/trust/mta-sts.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { TlsaRecord } from '../../ports/dns.ts';
import type { HostRefusal, HostTls } from './host-tls.ts';

export interface TlsSessionsOptions {
  readonly clock: Clock;
  readonly tell: (counts: TlsSessionCounts) => void;
}

/** What its records and policy ask of sessions for a domain. */
export interface DomainTls {
  readonly sts: StsPolicy | undefined;
  /** By name. */
  readonly hosts: ReadonlyMap<string, HostTls | HostRefusal | undefined>;
}

/** How TLS of one session went. */
export interface TlsVerdict {
  readonly result: TlsResultType | '';
  readonly reason: string;
  /** What a check of the certificate would have said, where nobody asked for one; "": nothing. */
  readonly unverified: string;
}

interface SessionEnds {
  readonly host: string;
  readonly address: string;
  readonly sendingAddress: string;
}

const domainsMax = 20_000;
export const talliesMax = 2_000;
export const tellMs = 2 * secondMs;
export const sessionDomainsMax = 100;
const waitingMax = 100;
const tlsaMax = 20;

export class TlsSessions {
  readonly #options: TlsSessionsOptions;
  readonly #known = new RecentMap<string, DomainTls>(domainsMax);
  #tallies = new Map<string, TlsTally>();
  #sinceMs = 0;
  #timer: Timer | undefined;

  constructor(options: TlsSessionsOptions) {
    this.#options = options;
  }

  learn(domain: string, tls: DomainTls): void {
    this.#known.set(domain, tls);
    this.#unproven(domain, tls);
  }

  /** None of the hosts may be used: what was to be a session is none. */
  held(domain: string, tls: DomainTls): void {
    const { sts, hosts } = tls;
    this.#unproven(domain, tls);
    for (const [host, refusal] of hosts) {
      if (refusal !== 'not-in-policy' || sts === undefined) continue;
      const facts = { sendingAddress: '', host, address: '' };
      const failure = { ...facts, resultType: 'validation-failure', reason: refusal } as const;
      this.#tally(domain).failure(stsFacts(domain, sts), failure);
    }
  }

  /** RFC 8460 §4.3.2.1: hosts that are left out, for nothing proves what the DNS says of them. */
  #unproven(domain: string, { hosts }: DomainTls): void {
    for (const [host, refusal] of hosts) {
      if (refusal !== 'tlsa-failed') continue;
      const policy = { type: 'tlsa', domain: host, strings: [], hosts: [host] } as const;
      const facts = { sendingAddress: '', host, address: '' };
      const failure = { ...facts, resultType: 'dnssec-invalid', reason: refusal } as const;
      this.#tally(domain).failure(policy, failure);
    }
  }

  path(): PathTls {
    return new PathTls((domain, ends, verdict) => this.#count(domain, ends, verdict));
  }

  /** Tells what was counted. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#tallies.size === 0) return;
    const domains = [...this.#tallies].map(([domain, { outcomes: policies }]) => ({
      ...{ domain, policies },
    }));
    this.#tallies = new Map();
    this.#options.tell({ sinceMs: this.#sinceMs, domains });
  }

  #count(domain: string, ends: SessionEnds, verdict: TlsVerdict): void {
    const known = this.#known.get(domain);
    if (known === undefined) return;
    const policy = policyOf(domain, known, ends.host);
    const failure = failureOf(known, policy, ends, verdict) ?? unusableOf(known, ends);
    if (failure === undefined) this.#tally(domain).success(policy);
    else this.#tally(domain).failure(policy, failure);
  }

  #tally(domain: string): TlsTally {
    let tally = this.#tallies.get(domain);
    if (tally !== undefined) return tally;
    if (this.#tallies.size >= talliesMax) this.flush();
    const { clock } = this.#options;
    if (this.#tallies.size === 0) this.#sinceMs = clock.nowMs();
    this.#timer ??= clock.setTimer(tellMs, () => this.flush());
    tally = new TlsTally();
    this.#tallies.set(domain, tally);
    return tally;
  }
}

type Count = (domain: string, ends: SessionEnds, verdict: TlsVerdict) => void;

/** The sessions of one path. */
export class PathTls {
  readonly #count: Count;
  readonly #waiting = new Set<string>();

  constructor(count: Count) {
    this.#count = count;
  }

  /** Mail for a domain waits for a session; "" is one that nobody reports on. */
  waits(domain: string): void {
    if (domain !== '' && this.#waiting.size < waitingMax) this.#waiting.add(domain);
  }

  /** It has one, or waits no more. */
  settled(): void {
    this.#waiting.clear();
  }

  session(host: string, address: string): SessionTls {
    return new SessionTls({ host, address }, this.#count, this.#waiting);
  }
}

/** One session: counted for each domain whose mail it carries, or, where it carries none, for those who waited. */
export class SessionTls {
  readonly #ends: Omit<SessionEnds, 'sendingAddress'>;
  readonly #count: Count;
  readonly #waiting: ReadonlySet<string>;
  readonly #carried = new Set<string>();
  #sendingAddress = '';
  #verdict: TlsVerdict | undefined;

  constructor(
    ends: Omit<SessionEnds, 'sendingAddress'>,
    count: Count,
    waiting: ReadonlySet<string>,
  ) {
    this.#ends = ends;
    this.#count = count;
    this.#waiting = waiting;
  }

  secured(sendingAddress: string, unverified: string): void {
    this.#sendingAddress = sendingAddress;
    this.#verdict = { result: '', reason: '', unverified };
  }

  failed(sendingAddress: string, fault: string, result = resultTypeOf(fault)): void {
    this.#sendingAddress = sendingAddress;
    this.#verdict = { result, reason: reasonOf(fault), unverified: '' };
  }

  /** It ended before it was ready. */
  brokeOff(): void {
    if (this.#verdict === undefined || this.#verdict.result === '') return;
    for (const domain of this.#waiting) this.#tell(domain, this.#verdict);
  }

  carries(domain: string): void {
    if (this.#verdict === undefined || domain === '' || this.#carried.has(domain)) return;
    if (this.#carried.size >= sessionDomainsMax) return;
    this.#carried.add(domain);
    this.#tell(domain, this.#verdict);
  }

  #tell(domain: string, verdict: TlsVerdict): void {
    this.#count(domain, { ...this.#ends, sendingAddress: this.#sendingAddress }, verdict);
  }
}

/** RFC 8461 §2: DANE goes before a policy. */
function policyOf(domain: string, { sts, hosts }: DomainTls, host: string): TlsPolicyFacts {
  const tls = hosts.get(host);
  const dane = typeof tls === 'object' ? (tls.dane ?? tls.unusable) : undefined;
  if (dane !== undefined) {
    const strings = dane.records.slice(0, tlsaMax).map(tlsaText);
    return { type: 'tlsa', domain: dane.serverName, strings, hosts: [host] };
  }
  if (sts !== undefined && sts.mode !== 'none') return stsFacts(domain, sts);
  return { type: 'no-policy-found', domain, strings: [], hosts: [] };
}

function stsFacts(domain: string, sts: StsPolicy): TlsPolicyFacts {
  const strings = writeStsPolicy(sts).trimEnd().split('\r\n');
  return { type: 'sts', domain, strings, hosts: sts.mx };
}

function failureOf(
  { sts }: DomainTls,
  { type }: TlsPolicyFacts,
  ends: SessionEnds,
  { result, reason, unverified }: TlsVerdict,
): TlsFailureFacts | undefined {
  if (result !== '') return { ...ends, resultType: result, reason };
  // RFC 8461 §5: in testing, mail goes all the same, and what enforcing would have said is reported.
  if (type !== 'sts' || sts?.mode !== 'testing') return undefined;
  if (!isHostInPolicy(sts, ends.host)) {
    return { ...ends, resultType: 'validation-failure', reason: 'not-in-policy' };
  }
  if (unverified === '') return undefined;
  return { ...ends, resultType: resultTypeOf(unverified), reason: reasonOf(unverified) };
}

/** RFC 8460 §4.3.2.1: TLS stood, but none of the records can be checked. */
function unusableOf({ hosts }: DomainTls, ends: SessionEnds): TlsFailureFacts | undefined {
  const tls = hosts.get(ends.host);
  if (typeof tls !== 'object' || tls.unusable === undefined) return undefined;
  return { ...ends, resultType: 'tlsa-invalid', reason: 'no usable record' };
}

function tlsaText({ usage, selector, matching, data }: TlsaRecord): string {
  const hex = Buffer.from(data).toString('hex').slice(0, reasonCharsMax);
  return `${usage} ${selector} ${matching} ${hex}`;
}
