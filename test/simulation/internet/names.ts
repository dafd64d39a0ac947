/** The DNS of the simulated Internet: answers from a list, each after a while. */

import type { Clock } from '../../../src/ports/clock.ts';
import type { Dns, DnsAnswer, MxRecord } from '../../../src/ports/dns.ts';
import type { Random } from '../../../src/ports/random.ts';
import type { Domain, Places } from './providers.ts';

type Refusal = Extract<DnsAnswer<never>, { ok: false }>;

const ttlSeconds = 300;
const empty: Refusal = { ok: false, reason: 'empty', detail: 'no such record' };
const missing: Refusal = { ok: false, reason: 'missing', detail: 'no such name' };
const failing: Refusal = { ok: false, reason: 'failed', detail: 'SERVFAIL' };
/** A resolver that has trouble has it now and then. */
const servfailShare = 0.5;

export function simulatedDns(places: Places, clock: Clock, random: Random): Dns {
  const domains = new Map<string, Domain>();
  for (const domain of [...places.domains, ...places.tenantDomains])
    domains.set(domain.name, domain);
  const later = <T>(answer: DnsAnswer<T>): Promise<DnsAnswer<T>> =>
    new Promise((resolve) => {
      clock.setTimer(1 + Math.floor(random.fraction() ** 3 * 200), () => resolve(answer));
    });
  const none = () => later<never>(empty);
  return {
    mx: (name) => later(mxOf(domains.get(name), random)),
    a: (name) => later(addressesOf(name, places)),
    ...{ aaaa: none, txt: none, ptr: none, srv: none, tlsa: none, cname: none },
  };
}

function mxOf(domain: Domain | undefined, random: Random): DnsAnswer<MxRecord> {
  if (domain === undefined || domain.fault === 'missing') return missing;
  if (domain.fault === 'servfail' && random.fraction() < servfailShare) return failing;
  const records =
    domain.fault === 'null-mx'
      ? [{ preference: 0, exchange: '' }]
      : domain.fault === 'no-address'
        ? [{ preference: 10, exchange: `nowhere.${domain.name}` }]
        : domain.provider.hosts.map((exchange, i) => ({ preference: 10 * (i + 1), exchange }));
  return { ok: true, records, ttlSeconds, secure: false };
}

function addressesOf(name: string, { providers }: Places): DnsAnswer<string> {
  const match = /^mx(\d)\.p(\d+)\.example$/.exec(name);
  const address = match === null ? undefined : providers[Number(match[2])]?.addresses[+match[1]!];
  if (address === undefined) return missing;
  return { ok: true, records: [address], ttlSeconds, secure: false };
}
