/**
 * What TLS with one host must be before mail goes there: by DANE, by the domain's MTA-STS policy, by the message.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 7672 §2.2 (TLSA only for names proven by DNSSEC), §2.2.2 (aliases), §2.2 (unusable records: TLS all
 *            the same); RFC 8461 §4, §5 (enforce); RFC 8689 §4.2.1 (REQUIRETLS: proven names).
 * Invariant: a host whose TLSA look-up failed is not used: clear text would be what an attacker wants.
 */

import type { DeliveryTerms } from '../../actors/asks/delivery-terms.ts';
import { daneTa, usableRecords } from '../../mail/trust/dane.ts';
import { isHostInPolicy, type StsPolicy } from '../../mail/trust/mta-sts.ts';
import type { Dns, TlsaRecord } from '../../ports/dns.ts';
import type { TlsMode } from './handshake.ts';

/** `usual`: as its domain asks. `required`: REQUIRETLS. `optional`: "TLS-Required: No", whatever the domain asks. */
export type TlsNeed = 'usual' | 'required' | 'optional';

/** RFC 8689 §4.2.1: a bounce is not held up; it says REQUIRETLS where it can. §4.2.2: the header field gives way. */
export function tlsNeedOf(sender: string, terms: DeliveryTerms | undefined): TlsNeed {
  if (terms === undefined) return 'usual';
  if (terms.requireTls === true) return sender === '' ? 'usual' : 'required';
  return terms.isTlsOptional === true ? 'optional' : 'usual';
}

export interface HostTls {
  readonly mode: TlsMode;
  readonly dane?: Dane;
  /** There are records, but none that can be checked. */
  readonly unusable?: Pick<Dane, 'records' | 'serverName'>;
}

export interface Dane {
  /** Usable ones. */
  readonly records: readonly TlsaRecord[];
  /** Whose certificate is asked for: the name the records stand under (RFC 7672 §8.1). */
  readonly serverName: string;
  /** Names the certificate may be for, under a trust anchor. */
  readonly names: readonly string[];
}

/** A host and what the DNS said of it. */
export interface FoundHost {
  readonly host: string;
  readonly addresses: readonly string[];
  /** Its addresses are proven. */
  readonly isSecure: boolean;
  /** Where its aliases led to. */
  readonly canonical?: string;
}

export interface TlsWishes {
  readonly dns: Dns;
  readonly need: TlsNeed;
  /** Of the operator. */
  readonly mode: TlsMode;
  readonly usesDane: boolean;
  /** The names of the hosts are proven by DNSSEC, or were given by the operator. */
  readonly isProven: boolean;
  readonly port: number;
  /** The recipients' domain. */
  readonly domain: string;
  /** Asked when it is needed. */
  readonly policy: () => Promise<StsPolicy | undefined | 'failed'>;
}

/** Why a host is left out. */
export type HostRefusal = 'tlsa-failed' | 'policy-failed' | 'not-in-policy' | 'not-proven';

/** Undefined: as the operator's settings have it. */
export async function hostTls(
  found: FoundHost,
  wishes: TlsWishes,
): Promise<HostTls | HostRefusal | undefined> {
  const { need, mode } = wishes;
  if (need === 'optional' || (mode === 'off' && need !== 'required')) return undefined;
  const mayUseDane = wishes.usesDane && wishes.isProven && found.addresses.length > 0;
  const dane = mayUseDane ? await daneOf(found, wishes) : undefined;
  // RFC 8461 §2: a policy never overrules DANE, which proves more.
  if (dane === 'tlsa-failed' || (dane !== undefined && dane.dane !== undefined)) return dane;
  const policy = await wishes.policy();
  if (policy === 'failed') return 'policy-failed';
  const isHeld = policy !== undefined && policy.mode !== 'none';
  const isListed = isHeld && isHostInPolicy(policy, found.host);
  if (policy?.mode === 'enforce') return isListed ? { mode: 'verified' } : 'not-in-policy';
  if (need === 'required') return isListed || wishes.isProven ? { mode: 'verified' } : 'not-proven';
  return mode === 'verified' ? undefined : dane;
}

async function daneOf(
  { host, isSecure, canonical }: FoundHost,
  { dns, port, domain }: TlsWishes,
): Promise<HostTls | 'tlsa-failed' | undefined> {
  const bases: string[] = [];
  if (isSecure) bases.push(canonical ?? host);
  if (canonical !== undefined && (isSecure || (await isAliasSecure(dns, host)))) bases.push(host);
  for (const base of bases) {
    const answer = await dns.tlsa(`_${port}._tcp.${base}`);
    if (!answer.ok) {
      if (answer.reason === 'failed') return 'tlsa-failed';
      continue;
    }
    if (!answer.secure) continue;
    const records = usableRecords(answer.records);
    // RFC 7672 §2.2: records that nobody can check still say that there is TLS.
    if (records.length === 0) {
      return { mode: 'required', unusable: { records: answer.records, serverName: base } };
    }
    const names = [...new Set([base, host, domain])];
    return { mode: 'required', dane: { records, serverName: base, names } };
  }
  return undefined;
}

/** RFC 7672 §2.2.2: an alias may be proven that leads where nothing is. */
async function isAliasSecure(dns: Dns, host: string): Promise<boolean> {
  const answer = await dns.cname(host);
  return answer.ok && answer.secure;
}

/**
 * What tells sites apart that have the same hosts and trust them for different reasons: a connection made for one
 * domain must not carry mail of another that asks for more.
 */
export function securityClass(hosts: readonly HostTls[], need: TlsNeed, domain: string): string {
  const words: string[] = [];
  if (hosts.some(({ dane }) => dane !== undefined)) words.push('dane');
  if (hosts.some(({ mode, dane }) => dane === undefined && mode === 'verified'))
    words.push('verified');
  if (hosts.some(({ mode, dane }) => dane === undefined && mode === 'required'))
    words.push('encrypted');
  if (need === 'required') words.push('requiretls');
  // Under a trust anchor a certificate may be for the recipients' domain.
  const isNamed = hosts.some(({ dane }) => dane?.records.some(({ usage }) => usage === daneTa));
  if (isNamed) words.push(`for ${domain}`);
  return words.length === 0 ? '' : ` (${words.join(' ')})`;
}
