/** Whether the DNS says what our domains need: the records `domain create` printed, and this server's own name. */

import type { DomainAnswer } from '../../actors/asks/control.ts';
import { type DnsRecord, zoneLine } from '../../mail/trust/dns-records.ts';
import type { Dns, DnsAnswer } from '../../ports/dns.ts';
import type { Finding } from './finding.ts';

const area = 'dns';

export async function checkHostname(dns: Dns, hostname: string): Promise<readonly Finding[]> {
  if (!hostname.includes('.')) {
    const advice = 'Set hostname to the full name other servers know this machine by.';
    return [
      { area, status: 'warning', what: `hostname is "${hostname}", not a full name`, advice },
    ];
  }
  const [v4, v6] = await Promise.all([dns.a(hostname), dns.aaaa(hostname)]);
  const addresses = [...recordsOf(v4), ...recordsOf(v6)];
  if (addresses.length === 0) {
    const advice = `Publish an A or AAAA record for ${hostname}.`;
    return [{ area, status: 'fault', what: `${hostname} has no address: ${reasonOf(v4)}`, advice }];
  }
  const first: Finding = { area, status: 'ok', what: `${hostname} is ${addresses.join(', ')}` };
  return [
    first,
    ...(await Promise.all(addresses.map((each) => checkReverse(dns, each, hostname)))),
  ];
}

/** A zone that is signed, as everybody can see. */
const signedZone = 'org';

/** RFC 7672 §2: without a resolver that proves answers nobody is held to TLSA records, and nothing would tell. */
export async function checkProofs(dns: Dns): Promise<Finding> {
  const answer = await dns.txt(signedZone);
  if (answer.secure === true) {
    return { area, status: 'ok', what: 'the resolver proves answers by DNSSEC: DANE is used' };
  }
  const isSilent = !answer.ok && answer.reason === 'failed';
  return {
    area,
    status: 'warning',
    what: isSilent
      ? `the resolver does not answer (${answer.detail})`
      : 'the resolver proves no answers: DANE is not used',
    advice:
      'Run a resolver here that validates DNSSEC, or name one you trust in dns.trustedNetworks.',
  };
}

/** RFC 1912 §2.1: many receivers refuse mail from addresses whose name does not lead back. */
export async function checkReverse(dns: Dns, address: string, hostname: string): Promise<Finding> {
  const answer = await dns.ptr(address);
  const names = recordsOf(answer).map((name) => name.toLowerCase());
  if (names.includes(hostname))
    return { area, status: 'ok', what: `${address} leads back to ${hostname}` };
  const said = names.length === 0 ? reasonOf(answer) : names.join(', ');
  const advice = 'Ask who gave you the address to set its PTR record.';
  return {
    area,
    status: 'warning',
    what: `${address} does not lead back to ${hostname}: ${said}`,
    advice,
  };
}

/** Whether a name has this address. */
export async function leadsTo(dns: Dns, name: string, address: string): Promise<boolean> {
  const answer = await (address.includes(':') ? dns.aaaa(name) : dns.a(name));
  return recordsOf(answer).includes(address);
}

export async function checkDomain(
  dns: Dns,
  { records }: DomainAnswer,
): Promise<readonly Finding[]> {
  return await Promise.all(records.map((record) => checkRecord(dns, record)));
}

async function checkRecord(dns: Dns, record: DnsRecord): Promise<Finding> {
  const answer = await (record.type === 'CNAME' ? lookUpAlias(dns, record) : lookUp(dns, record));
  const where = `${record.name} ${record.type}`;
  if (recordsOf(answer).some((found) => isSame(record, found))) {
    return { area, status: 'ok', what: `${where}: as it should be` };
  }
  const said = answer.ok ? `is ${answer.records.join(' | ')}` : reasonOf(answer);
  const advice = `Publish: ${zoneLine(record)}`;
  return {
    area,
    status: record.type === 'MX' ? 'fault' : 'warning',
    what: `${where}: ${said}`,
    advice,
  };
}

async function lookUp(dns: Dns, { name, type }: DnsRecord): Promise<DnsAnswer<string>> {
  if (type === 'TXT') return await dns.txt(name);
  if (type === 'SRV') {
    const answer = await dns.srv(name);
    if (!answer.ok) return answer;
    const records = answer.records.map(
      ({ priority, weight, port, target }) => `${priority} ${weight} ${port} ${target}`,
    );
    return { ...answer, records };
  }
  const answer = await dns.mx(name);
  if (!answer.ok) return answer;
  const records = answer.records.map((each) => `${each.preference} ${each.exchange}`);
  return { ...answer, records };
}

/** An alias is right if it leads to where its target does, by which records ever. */
async function lookUpAlias(dns: Dns, { name, value }: DnsRecord): Promise<DnsAnswer<string>> {
  const [alias, target] = await Promise.all([dns.a(name), dns.a(value)]);
  if (!alias.ok) return alias;
  const isThere = alias.records.some((address) => recordsOf(target).includes(address));
  return isThere ? { ...alias, records: [value] } : alias;
}

function isSame(record: DnsRecord, found: string): boolean {
  if (record.type === 'MX') return exchangeOf(found) === exchangeOf(record.value);
  if (record.type === 'CNAME') return found === record.value;
  // Priority and weight are the domain's own business.
  if (record.type === 'SRV') return placeOf(found) === placeOf(record.value);
  // SPF, DMARC and where reports go are the domain's own policy: that there is one counts, not that it is the one we proposed.
  const version = /^v=(spf1|DMARC1|TLSRPTv1)\b/.exec(record.value)?.[0];
  if (version !== undefined) return found.startsWith(version);
  return found.replaceAll(/\s/g, '') === record.value.replaceAll(/\s/g, '');
}

function exchangeOf(text: string): string {
  return text.split(/\s+/).at(-1)!.toLowerCase().replace(/\.$/, '');
}

function placeOf(service: string): string {
  return service.toLowerCase().replace(/\.$/, '').split(' ').slice(2).join(' ');
}

function recordsOf(answer: DnsAnswer<string>): readonly string[] {
  return answer.ok ? answer.records : [];
}

function reasonOf(answer: DnsAnswer<string>): string {
  if (answer.ok) return 'no record';
  return answer.reason === 'failed' ? `the look-up failed (${answer.detail})` : 'no such record';
}
