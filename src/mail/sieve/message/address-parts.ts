/**
 * Addresses, and the parts of them that scripts ask for.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5228 §2.7.4 (:all, :localpart, :domain), RFC 5233 §4 (:user, :detail).
 */

import { mailboxesOf, parseAddressList } from '../../formats/address/parse.ts';

export type AddressPart = 'all' | 'localpart' | 'domain' | 'user' | 'detail';

export interface PlainAddress {
  readonly localPart: string;
  readonly domain: string;
}

/** The addresses of a field, names left out; those in groups too. */
export function addressesIn(raw: string): readonly PlainAddress[] {
  return mailboxesOf(parseAddressList(raw)).filter(
    ({ localPart, domain }) => localPart !== '' || domain !== '',
  );
}

/** Undefined: the address has no such part, and matches nothing. */
export function addressPart(
  { localPart, domain }: PlainAddress,
  part: AddressPart,
  separator: string,
): string | undefined {
  if (part === 'all') return domain === '' ? localPart : `${localPart}@${domain}`;
  if (part === 'domain') return domain === '' ? undefined : domain;
  if (part === 'localpart') return localPart;
  const at = separator === '' ? -1 : localPart.indexOf(separator);
  if (part === 'user') return at < 0 ? localPart : localPart.slice(0, at);
  return at < 0 ? undefined : localPart.slice(at + separator.length);
}

/** An address of an envelope, or as a script gives one. Undefined: it is none. */
export function oneAddress(text: string): PlainAddress | undefined {
  const [address, ...others] = mailboxesOf(parseAddressList(text));
  if (address === undefined || others.length > 0 || !address.isValid || address.domain === '') {
    return undefined;
  }
  return address;
}

/** An envelope's path, brackets and source route perhaps with it. Undefined: it is none. */
export function pathAddress(path: string): PlainAddress | undefined {
  const text = path.replace(/^<(?:@[^:@]+(?:,@[^:@]+)*:)?(.*)>$/, '$1');
  const at = text.lastIndexOf('@');
  if (at < 0) return /[\s<>:]/.test(text) ? undefined : { localPart: text, domain: '' };
  const address = { localPart: text.slice(0, at), domain: text.slice(at + 1) };
  const isQuoted = /^".*"$/.test(address.localPart);
  const isBad = /[\s<>@:,]/.test(`${isQuoted ? '' : address.localPart}${address.domain}`);
  if (isBad || address.localPart === '' || address.domain === '') return undefined;
  if (!isQuoted) return address;
  return { ...address, localPart: address.localPart.slice(1, -1).replace(/\\(.)/g, '$1') };
}

/** Domains in any case; local parts as they are, as RFC 5321 §2.4 has it. */
export function addressText({ localPart, domain }: PlainAddress): string {
  return `${localPart}@${domain}`;
}
