/**
 * The DNS records a domain needs for its mail to arrive here and to be believed elsewhere, as data.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 5321 §5 (MX), RFC 7208 (SPF), RFC 6376 §3.6 (DKIM), RFC 9989 (DMARC), RFC 1035 §3.3.14 (TXT strings).
 */

export interface DnsRecord {
  /** Without a trailing dot. */
  readonly name: string;
  readonly type: 'MX' | 'TXT';
  /** The value in one piece: `10 mx.example.org` or the text. */
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
}

/** A TXT string holds at most 255 bytes; longer values are several strings that readers join. */
const stringBytesMax = 255;

export function dnsRecordsFor({ domain, hostname, keys }: DomainForDns): readonly DnsRecord[] {
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
      value: 'v=spf1 mx -all',
      purpose: 'SPF: only the hosts of the MX record send for the domain.',
    },
    ...keys.map(
      ({ selector, recordText }): DnsRecord => ({
        name: `${selector}._domainkey.${domain}`,
        type: 'TXT',
        value: recordText,
        purpose: 'DKIM: the key that signatures are checked with.',
      }),
    ),
    {
      name: `_dmarc.${domain}`,
      type: 'TXT',
      value: `v=DMARC1; p=quarantine; rua=mailto:postmaster@${domain}`,
      purpose: 'DMARC: what receivers do with mail that only claims to be from the domain.',
    },
  ];
}

/** One line of a zone file, long texts in several strings. */
export function zoneLine({ name, type, value }: DnsRecord): string {
  if (type === 'MX') return `${name}. IN MX ${value}.`;
  const strings: string[] = [];
  for (let at = 0; at < value.length; at += stringBytesMax) {
    const piece = value.slice(at, at + stringBytesMax);
    strings.push(`"${piece.replace(/["\\]/g, (char) => `\\${char}`)}"`);
  }
  return `${name}. IN TXT ${strings.length > 1 ? `( ${strings.join(' ')} )` : strings[0]}`;
}
