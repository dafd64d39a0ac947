/**
 * Gives mailauth our DNS port in the shape of Node's `dns.promises.resolve`.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 1035 §3.5 and RFC 3596 §2.5 (names of reverse look-ups).
 * Invariant: `missing` and `empty` stay apart from `failed`: the first are facts about a domain, the last is
 *            temporary (RFC 6376 §6.1.2, RFC 7208 §2.6.6).
 */

import type { Dns, DnsAnswer } from '../../ports/dns.ts';

export type MailauthResolver = (name: string, type: string) => Promise<never>;

const codes = { missing: 'ENOTFOUND', empty: 'ENODATA', failed: 'ESERVFAIL' } as const;

/** An error as Node's resolver throws it. */
class ResolveError extends Error {
  override readonly name = 'ResolveError';
  readonly code: string;

  constructor(code: string, text: string) {
    super(text);
    this.code = code;
  }
}

export function mailauthResolver(dns: Dns): MailauthResolver {
  const resolve = async (givenName: string, type: string): Promise<unknown> => {
    const name = givenName.replace(/\.$/, '');
    switch (type) {
      case 'TXT':
        return records(await dns.txt(name), name).map((text) => [text]);
      case 'A':
        return records(await dns.a(name), name);
      case 'AAAA':
        return records(await dns.aaaa(name), name);
      case 'MX':
        return records(await dns.mx(name), name).map(({ preference, exchange }) => ({
          priority: preference,
          exchange,
        }));
      case 'PTR':
        return records(await dns.ptr(addressOfReverseName(name)), name);
      default:
        // CNAME, asked after an NXDOMAIN: the port follows aliases, so its answer stands.
        throw new ResolveError('ENODATA', `no ${type} look-ups`);
    }
  };
  return resolve as MailauthResolver;
}

function records<T>(answer: DnsAnswer<T>, name: string): readonly T[] {
  if (answer.ok) return answer.records;
  throw new ResolveError(codes[answer.reason], `${name}: ${answer.detail}`);
}

/** `4.3.2.1.in-addr.arpa` → `1.2.3.4`; the same for `ip6.arpa`. */
export function addressOfReverseName(name: string): string {
  const labels = name.toLowerCase().split('.');
  if (labels.at(-2) === 'in-addr') return labels.slice(0, -2).reverse().join('.');
  const digits = labels.slice(0, -2).reverse().join('');
  return (digits.match(/.{1,4}/g) ?? []).join(':');
}
