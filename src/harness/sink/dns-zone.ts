/**
 * The answers of the sink's name server: which variant a domain is, and what that means for a question.
 *
 * Runs in:   sink; pure.
 * Specs:     RFC 1035, RFC 2308 (negative answers), RFC 7505, RFC 7672 §2.2 (where TLSA lies), RFC 8461 §3.1.
 * Invariant: every domain nobody named is `*`, by default one whose mail comes to the sink: no mail of a test leaves.
 */

import type { Answer } from 'dns-packet';
import type { ServerCertificate } from './certificates.ts';
import { type DnsVariant, dnsVariants } from './dns-variants.ts';
import type { DnsModel } from './model.ts';

const suffixDefault = 'sink.test';
const ttlSeconds = 60;
const manyMx = 40;

export interface ZoneOptions {
  readonly model: DnsModel;
  /** Where the sink listens, as A or AAAA. */
  readonly address: string;
  /** Of the policies' server; the sink's own by default. */
  readonly policyAddress?: string;
  readonly mxPort: number;
  /** The certificate of a host, for TLSA. */
  certificateOf(host: string): Promise<ServerCertificate>;
}

/** What to do with a question. */
export interface ZoneAnswer {
  readonly rcode: 'NOERROR' | 'SERVFAIL' | 'NXDOMAIN' | 'REFUSED';
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
  readonly isSecure: boolean;
  readonly isLame: boolean;
  readonly isSilent: boolean;
  readonly delayMs: number;
  readonly truncated: 'udp' | 'always' | undefined;
}

export class DnsZone {
  readonly #options: ZoneOptions;
  readonly #suffix: string;
  readonly #domains: ReadonlyMap<string, string>;

  constructor(options: ZoneOptions) {
    this.#options = options;
    this.#suffix = (options.model.suffix ?? suffixDefault).toLowerCase();
    const domains = Object.entries(options.model.domains ?? {});
    this.#domains = new Map(domains.map(([domain, variant]) => [domain.toLowerCase(), variant]));
  }

  /** The domain a name lies in, and what that is. */
  find(givenName: string): { readonly domain: string; readonly variant: DnsVariant } {
    const name = givenName.toLowerCase().replace(/\.$/, '');
    for (let at = name; at !== ''; at = at.slice(at.indexOf('.') + 1)) {
      const named = this.#domains.get(at) ?? this.#ownVariant(at);
      if (named !== undefined) return { domain: at, variant: dnsVariants[named]! };
      if (!at.includes('.')) break;
    }
    const variant = dnsVariants[this.#domains.get('*') ?? 'ok']!;
    return { domain: baseOf(name), variant };
  }

  async answer(givenName: string, type: string): Promise<ZoneAnswer> {
    const name = givenName.toLowerCase().replace(/\.$/, '');
    const { domain, variant } = this.find(name);
    const blank: ZoneAnswer = {
      ...{ rcode: 'NOERROR', answers: [], authorities: [soaOf(domain)], isLame: false },
      isSecure: variant.isSecure === true,
      isSilent: variant.isSilent === true,
      delayMs: variant.delayMs ?? 0,
      truncated: variant.truncated,
    };
    if (variant.rcode !== undefined) return { ...blank, rcode: variant.rcode };
    if (variant.isLame === true) {
      const data = `ns.gone.${this.#suffix}`;
      const referral: Answer = { type: 'NS', name: domain, ttl: ttlSeconds, data };
      return { ...blank, authorities: [referral], isLame: true };
    }
    if (type === 'TLSA') return { ...blank, ...(await this.#tlsa(name, domain, variant)) };
    const answers = this.#records(name, type, domain, variant);
    if (answers === undefined) return { ...blank, rcode: 'NXDOMAIN' };
    return answers.length === 0 ? blank : { ...blank, answers, authorities: [] };
  }

  #ownVariant(name: string): string | undefined {
    if (!name.endsWith(`.${this.#suffix}`)) return undefined;
    const label = name.slice(0, -this.#suffix.length - 1);
    if (Object.hasOwn(dnsVariants, label)) return label;
    // What only says which certificate its host shows.
    return /^cert-[a-z-]+$/.test(label) ? 'ok' : undefined;
  }

  /** Undefined where there is no such name. */
  #records(
    name: string,
    type: string,
    domain: string,
    variant: DnsVariant,
  ): readonly Answer[] | undefined {
    if (name === domain) return this.#apex(type, domain, variant);
    if (name === `_mta-sts.${domain}`) {
      if (variant.policy === undefined) return undefined;
      return type === 'TXT' ? [txt(name, 'v=STSv1; id=20260101000000Z')] : [];
    }
    if (name === `mta-sts.${domain}`) {
      if (variant.policy === undefined) return undefined;
      return this.#addresses(name, type, this.#options.policyAddress ?? this.#options.address);
    }
    const loop = /^loop([12])\./.exec(name)?.[1];
    if (loop !== undefined && variant.mx === 'alias-loop') {
      const data = `loop${loop === '1' ? 2 : 1}.${domain}`;
      return [{ type: 'CNAME', name, ttl: ttlSeconds, data }];
    }
    if (name === `mx.${domain}`) {
      return variant.mx === 'none' || variant.mx === 'null'
        ? undefined
        : this.#addresses(name, type, this.#options.address);
    }
    return undefined;
  }

  #apex(type: string, domain: string, variant: DnsVariant): readonly Answer[] {
    if (type === 'MX') return mxRecords(domain, variant, this.#options.address);
    if (type === 'TXT') return [txt(domain, 'v=spf1 mx -all')];
    if (type === 'SOA') return [soaOf(domain)];
    if (type === 'NS') {
      return [{ type: 'NS', name: domain, ttl: ttlSeconds, data: `ns.${this.#suffix}` }];
    }
    return variant.mx === 'none' ? this.#addresses(domain, type, this.#options.address) : [];
  }

  #addresses(name: string, type: string, address: string): readonly Answer[] {
    const own = address.includes(':') ? 'AAAA' : 'A';
    return type === own ? [{ type: own, name, ttl: ttlSeconds, data: address }] : [];
  }

  async #tlsa(name: string, domain: string, variant: DnsVariant): Promise<Partial<ZoneAnswer>> {
    const host = `mx.${domain}`;
    const isOurs = name === `_${this.#options.mxPort}._tcp.${host}`;
    if (!isOurs || variant.tlsa === undefined) return { rcode: 'NXDOMAIN' };
    if (variant.tlsa === 'servfail') return { rcode: 'SERVFAIL', authorities: [] };
    const digest = Buffer.from((await this.#options.certificateOf(host)).keyDigest);
    if (variant.tlsa === 'wrong') digest[0]! ^= 0xff;
    // RFC 7671 §5.1: DANE-EE(3) SPKI(1) SHA2-256(1).
    const data = { usage: 3, selector: 1, matchingType: 1, certificate: digest };
    return { answers: [{ type: 'TLSA', name, ttl: ttlSeconds, data }], authorities: [] };
  }
}

function mxRecords(domain: string, variant: DnsVariant, address: string): readonly Answer[] {
  const mx = (exchange: string, preference = 10): Answer => ({
    ...{ type: 'MX', name: domain, ttl: ttlSeconds, data: { preference, exchange } },
  });
  switch (variant.mx) {
    case 'none':
      return [];
    case 'null':
      return [mx('.', 0)];
    case 'nowhere':
      return [mx(`gone.${domain}`)];
    case 'alias-loop':
      return [mx(`loop1.${domain}`)];
    case 'literal':
      return [mx(address)];
    case 'many': {
      const gone = Array.from({ length: manyMx - 1 }, (_, at) => mx(`gone${at}.${domain}`, at));
      return [...gone, mx(`mx.${domain}`, manyMx)];
    }
    default:
      return [mx(`mx.${domain}`)];
  }
}

function txt(name: string, data: string): Answer {
  return { type: 'TXT', name, ttl: ttlSeconds, data };
}

function soaOf(domain: string): Answer {
  const data = {
    ...{ mname: `ns.${domain}`, rname: `hostmaster.${domain}`, serial: 1 },
    ...{ refresh: 3_600, retry: 600, expire: 86_400, minimum: ttlSeconds },
  };
  return { type: 'SOA', name: domain, ttl: ttlSeconds, data };
}

/** Of a name nobody configured: without the labels that are ours. */
function baseOf(name: string): string {
  return name.replace(
    /^(?:_\d+\._tcp\.)?(?:mx\.|mta-sts\.|_mta-sts\.|loop[12]\.|gone\d*\.)?(?=[^.]+\.)/,
    '',
  );
}
