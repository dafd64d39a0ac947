/**
 * The DNS records a domain needs for its mail to arrive here, to be believed elsewhere and to be found by mail
 * programs, as data.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 5321 §5 (MX), RFC 7208 (SPF), RFC 6376 §3.6 (DKIM), RFC 9989 (DMARC), RFC 1035 §3.3.14 (TXT strings),
 *            RFC 6186 §3, RFC 8314 §5.1 and RFC 5804 §1.8 (SRV), RFC 8461 §3.1 (MTA-STS), RFC 8460 §3 (TLS-RPT),
 *            MS-OXDSCLI (autodiscover).
 */

import type { Services } from '../formats/client-config/services.ts';

export interface DnsRecord {
  /** Without a trailing dot. */
  readonly name: string;
  readonly type: 'MX' | 'TXT' | 'SRV' | 'CNAME';
  /** The value in one piece: `10 mx.example.org`, `0 1 993 mail.example.org`, a name, or the text. */
  readonly value: string;
  /** What it is for, in one sentence. */
  readonly purpose: string;
}

export interface DomainForDns {
  /** A-labels. */
  readonly domain: string;
  /** Our own name in A-labels. */
  readonly hostname: string;
  readonly keys: readonly { readonly selector: string; readonly recordText: string }[];
  /** What mail programs are told of. */
  readonly services: Services;
  /** Where they find autoconfig and autodiscover, under a certificate; "" is nowhere. */
  readonly webHost: string;
  /** Of the MTA-STS policy served there; "" is none. */
  readonly policyId: string;
  /** Where TLS reports are taken by HTTPS; absent or "": they come by mail. */
  readonly reportUrl?: string;
  /** Addresses mail leaves by, besides that of `hostname`. */
  readonly sources?: readonly string[];
}

/** A TXT string holds at most 255 bytes; longer values are several strings that readers join. */
const stringBytesMax = 255;

export function dnsRecordsFor(wanted: DomainForDns): readonly DnsRecord[] {
  return [
    ...mailRecords(wanted),
    ...policyRecords(wanted),
    ...serviceRecords(wanted),
    ...webRecords(wanted),
  ];
}

function mailRecords({ domain, hostname, keys, sources = [] }: DomainForDns): readonly DnsRecord[] {
  const senders = sources.map((address) => `${address.includes(':') ? 'ip6' : 'ip4'}:${address}`);
  const others = senders.length > 0 ? ' and sources of ours' : '';
  return [
    {
      name: domain,
      type: 'MX',
      value: `10 ${hostname}`,
      purpose: 'Brings mail for the domain to this server.',
    },
    {
      name: domain,
      type: 'TXT',
      value: ['v=spf1 mx', ...senders, '-all'].join(' '),
      purpose: `SPF: only the hosts of the MX record${others} send for the domain.`,
    },
    ...keys.map((key) => dkimRecord(domain, key)),
    {
      name: `_dmarc.${domain}`,
      type: 'TXT',
      value: `v=DMARC1; p=quarantine; rua=mailto:postmaster@${domain}`,
      purpose: 'DMARC: what receivers do with mail that only claims to be from the domain.',
    },
  ];
}

export function dkimRecord(
  domain: string,
  { selector, recordText }: DomainForDns['keys'][number],
): DnsRecord {
  return {
    name: `${selector}._domainkey.${domain}`,
    type: 'TXT',
    value: recordText,
    purpose: 'DKIM: the key that signatures are checked with.',
  };
}

function policyRecords({
  domain,
  webHost,
  policyId,
  reportUrl = '',
}: DomainForDns): readonly DnsRecord[] {
  if (policyId === '') return [];
  return [
    {
      name: `_mta-sts.${domain}`,
      type: 'TXT',
      value: `v=STSv1; id=${policyId}`,
      purpose: 'MTA-STS: tells servers that send that there is a policy, and when it is another.',
    },
    {
      name: `mta-sts.${domain}`,
      type: 'CNAME',
      value: webHost,
      purpose: 'Leads them to the policy; the certificate there must hold this name.',
    },
    {
      name: `_smtp._tls.${domain}`,
      type: 'TXT',
      value: `v=TLSRPTv1; rua=${reportUrl === '' ? `mailto:postmaster@${domain}` : reportUrl}`,
      purpose: 'TLS-RPT: where they report that TLS with this server failed.',
    },
  ];
}

/** RFC 6186 §3.4: the lower priority is preferred; so is what stands first. */
function serviceRecords({ domain, services }: DomainForDns): readonly DnsRecord[] {
  return services.map(({ name, protocol, isImplicitTls, host, port }, index) => ({
    name: `_${name === 'managesieve' ? 'sieve' : name}._tcp.${domain}`,
    type: 'SRV',
    value: `${index * 10} 1 ${port} ${host}`,
    purpose: `Tells mail programs where ${serviceWords[protocol]} is, with ${isImplicitTls ? 'TLS from the first byte' : 'STARTTLS'}.`,
  }));
}

const serviceWords = {
  imap: 'IMAP',
  pop3: 'POP3',
  smtp: 'submission',
  sieve: 'ManageSieve (filters)',
} as const;

/** What programs look for that know no SRV records of mail. */
function webRecords({ domain, webHost }: DomainForDns): readonly DnsRecord[] {
  if (webHost === '') return [];
  return [
    {
      name: `autoconfig.${domain}`,
      type: 'CNAME',
      value: webHost,
      purpose: 'Leads Thunderbird and its like to their configuration.',
    },
    {
      name: `autodiscover.${domain}`,
      type: 'CNAME',
      value: webHost,
      purpose: 'Leads Outlook to its configuration.',
    },
    {
      name: `_autodiscover._tcp.${domain}`,
      type: 'SRV',
      value: `0 1 443 ${webHost}`,
      purpose:
        'Leads Outlook to its configuration where the certificate has no name of the domain.',
    },
  ];
}

/** One line of a zone file, long texts in several strings. */
export function zoneLine({ name, type, value }: DnsRecord): string {
  if (type !== 'TXT') return `${name}. IN ${type} ${value}.`;
  const strings: string[] = [];
  for (let at = 0; at < value.length; at += stringBytesMax) {
    const piece = value.slice(at, at + stringBytesMax);
    strings.push(`"${piece.replace(/["\\]/g, (char) => `\\${char}`)}"`);
  }
  return `${name}. IN TXT ${strings.length > 1 ? `( ${strings.join(' ')} )` : strings[0]}`;
}
