/**
 * DMARC of a plain author domain, from what SPF and DKIM found.
 *
 * Runs in:   engine threads; waits for the DNS.
 * Specs:     RFC 9989 §4.10 (tree walk and organizational domain), §4.10.1 (policy), §4.10.2 (alignment), appendix A.4.
 * Limits:    a walk asks at most eight names; `walksMax` identifiers are walked for.
 * Invariant: where the DNS fails anywhere, there is no verdict here.
 */

import type { Dns } from '../../../ports/dns.ts';
import type { PublishedPolicy } from '../../formats/dmarc-report/report.ts';
import { publishedPolicy } from '../dmarc-evidence.ts';
import {
  type DmarcPolicy,
  type DmarcRecord,
  isDmarcRecord,
  readDmarcRecord,
  recordCharsMax,
} from './dmarc-record.ts';

export interface DmarcQuestion {
  /** In lower case, of a plain shape. */
  readonly author: string;
  /** Of SPF, where it passed. */
  readonly spfDomain: string | undefined;
  readonly dkimDomains: readonly string[];
}

export interface DmarcVerdict {
  readonly result: 'none' | 'pass' | 'fail';
  /** What is to be done, after all options; absent: nobody said. */
  readonly policy?: DmarcPolicy;
  readonly p?: DmarcPolicy;
  readonly sp?: DmarcPolicy | undefined;
  /** Where somebody asks for reports. */
  readonly told?: ToldAlignment;
}

export interface ToldAlignment {
  readonly published: PublishedPolicy;
  readonly isSpfAligned: boolean;
  readonly isDkimAligned: boolean;
}

interface Found {
  readonly domain: string;
  readonly record: DmarcRecord;
}

const walksMax = 10;
const walkLabelsMax = 7;
const nameCharsMax = 253;
const milder: Readonly<Record<DmarcPolicy, DmarcPolicy>> = {
  reject: 'quarantine',
  quarantine: 'none',
  none: 'none',
};

export async function checkDmarc(
  question: DmarcQuestion,
  dns: Dns,
): Promise<DmarcVerdict | undefined> {
  const { author, spfDomain, dkimDomains } = question;
  const walks = new Walks(dns);
  const found = await walks.walk(author);
  if (found === undefined) return undefined;
  const organization = organizationOf(author, found);
  const own = found[0]?.domain === author ? found[0] : undefined;
  const { domain, record } = own ?? recordOf(organization, found) ?? {};
  const policies = record?.policies;
  if (domain === undefined || record === undefined || policies === undefined) {
    return { result: 'none' };
  }
  const isAligned = async (given: string, isStrict: boolean) => {
    const name = given.toLowerCase();
    if (name === author) return true;
    if (isStrict || (name !== organization && !name.endsWith(`.${organization}`))) return false;
    const others = await walks.walk(name);
    return others && organizationOf(name, others) === organization;
  };
  const { p, sp, np } = policies;
  let policy = p;
  if (domain !== author) {
    policy = sp ?? p;
    if (np !== undefined) {
      const exists = await isThere(author, dns);
      if (exists === undefined) return undefined;
      if (!exists) policy = np;
    }
  }
  if (record.isTest) policy = milder[policy];
  const identifiers = [
    ...(spfDomain === undefined ? [] : [{ name: spfDomain, isStrict: record.isSpfStrict }]),
    ...dkimDomains.map((name) => ({ name, isStrict: record.isDkimStrict })),
  ];
  if (identifiers.length > walksMax) return undefined;
  let result: DmarcVerdict['result'] = 'fail';
  for (const { name, isStrict } of identifiers) {
    const aligned = await isAligned(name, isStrict);
    if (aligned === undefined) return undefined;
    if (aligned) {
      result = 'pass';
      break;
    }
  }
  const published = publishedPolicy(domain, record);
  if (published === undefined) return { result, policy, p, sp };
  // Reports tell of both; what cannot be found out now is not aligned.
  const isAny = async (names: readonly string[], isStrict: boolean) => {
    for (const name of names) if (await isAligned(name, isStrict)) return true;
    return false;
  };
  const told = {
    published,
    isSpfAligned: await isAny(spfDomain === undefined ? [] : [spfDomain], record.isSpfStrict),
    isDkimAligned: await isAny(dkimDomains, record.isDkimStrict),
  };
  return { result, policy, p, sp, told };
}

/** Walks of one message share most of their names. */
class Walks {
  readonly #dns: Pick<Dns, 'txt'>;
  readonly #records = new Map<string, DmarcRecord | 'none'>();

  constructor(dns: Pick<Dns, 'txt'>) {
    this.#dns = dns;
  }

  /** Records on the way to the root, the longest name first; undefined: the DNS failed. */
  async walk(domain: string): Promise<readonly Found[] | undefined> {
    const found: Found[] = [];
    let labels = domain.split('.');
    while (labels.length > 0) {
      const name = labels.join('.');
      const record = this.#records.get(name) ?? (await this.#ask(name));
      if (record === undefined) return undefined;
      if (record !== 'none') {
        found.push({ domain: name, record });
        if (record.psd !== undefined) break;
      }
      labels = labels.length > walkLabelsMax ? labels.slice(-walkLabelsMax) : labels.slice(1);
    }
    return found;
  }

  async #ask(name: string): Promise<DmarcRecord | 'none' | undefined> {
    const asked = `_dmarc.${name}`;
    let record: DmarcRecord | 'none' = 'none';
    if (asked.length <= nameCharsMax) {
      const answer = await this.#dns.txt(asked);
      if (!answer.ok && answer.reason === 'failed') return undefined;
      const texts = answer.ok ? answer.records.filter(isDmarcRecord) : [];
      // RFC 9989 §4.10 step 2: several are none.
      const [text] = texts;
      if (text !== undefined && text.length > recordCharsMax) return undefined;
      if (text !== undefined && texts.length === 1) record = readDmarcRecord(text.trim()) ?? 'none';
    }
    this.#records.set(name, record);
    return record;
  }
}

/** RFC 9989 §4.10.2. */
function organizationOf(domain: string, found: readonly Found[]): string {
  // A walk ends where anything is said of suffixes.
  const last = found.at(-1);
  if (last === undefined) return domain;
  if (last.record.psd !== 'y' || last.domain === domain) return last.domain;
  // One label below the suffix.
  return domain
    .split('.')
    .slice(-last.domain.split('.').length - 1)
    .join('.');
}

/** Of the organization, or of the public suffix above it. */
function recordOf(organization: string, found: readonly Found[]): Found | undefined {
  const last = found.at(-1);
  return (
    found.find(({ domain }) => domain === organization) ??
    (last?.record.psd === 'y' ? last : undefined)
  );
}

/** RFC 9989 appendix A.4: whatever the type asked for, only NXDOMAIN says that a name is not there. */
async function isThere(domain: string, dns: Dns): Promise<boolean | undefined> {
  const answer = await dns.a(domain);
  if (answer.ok || answer.reason === 'empty') return true;
  return answer.reason === 'missing' ? false : undefined;
}

/** RFC 9989 §4.10.2: of a name in lower case; undefined: the DNS failed. */
export async function organizationalDomain(
  name: string,
  dns: Pick<Dns, 'txt'>,
): Promise<string | undefined> {
  const found = await new Walks(dns).walk(name);
  return found === undefined ? undefined : organizationOf(name, found);
}
