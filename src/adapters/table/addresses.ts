/**
 * One spelling for addresses that mean the same.
 *
 * Runs in:   the main thread; pure.
 * Specs:     RFC 5321 §2.4 (case of local parts is the receiver's affair), §4.1.2 (quoting); RFC 5890 (A-labels);
 *            RFC 5233 (subaddress); RFC 6532 §3.1 (NFC).
 */

import { domainToASCII } from 'node:url';
import { composed } from '../../base/normal-forms.ts';

/** RFC 5321 §4.5.3.1: octets of a local part and of a domain. */
const localPartBytesMax = 64;
const domainBytesMax = 255;

const plainDomain = /^[a-z0-9.-]+$/;
const plainLocalPart = /^[a-z0-9!#$%&'*+/=?^_`{|}~.-]+$/;

export interface SplitAddress {
  readonly localPart: string;
  readonly domain: string;
}

/** Lower-case A-labels without a final dot; "" for what is no domain name (address literals too). */
export function normalDomain(domain: string): string {
  const name = domain.endsWith('.') ? domain.slice(0, -1) : domain;
  if (name.length > domainBytesMax) return '';
  if (plainDomain.test(name) && !name.includes('xn--')) return name;
  // `domainToASCII` reads URLs' hosts: it would turn an address literal or a number into an IP address.
  if (name.startsWith('[') || /[:/?#@\\%\s]/.test(name)) return '';
  return domainToASCII(name);
}

export function normalLocalPart(localPart: string): string {
  if (plainLocalPart.test(localPart)) return localPart;
  const isQuoted = localPart.length >= 2 && localPart.startsWith('"') && localPart.endsWith('"');
  // RFC 5321 §4.1.2: "Joe" and Joe are the same mailbox; quotes and backslashes only carry characters.
  const bare = isQuoted ? localPart.slice(1, -1).replace(/\\(.)/gs, '$1') : localPart;
  return composed(bare).toLowerCase();
}

/** Undefined for what is no address. The domain is after the last `@`. */
export function splitAddress(address: string): SplitAddress | undefined {
  const at = address.lastIndexOf('@');
  if (at < 1) return undefined;
  const localPart = normalLocalPart(address.slice(0, at));
  const domain = normalDomain(address.slice(at + 1));
  if (localPart === '' || domain === '') return undefined;
  if (Buffer.byteLength(localPart) > localPartBytesMax) return undefined;
  return { localPart, domain };
}

export function joined(address: SplitAddress): string {
  return `${address.localPart}@${address.domain}`;
}

/** The name of an account as the directory compares it; one that is no address, as near as can be. */
export function spelled(name: string): string {
  const address = splitAddress(name);
  return address === undefined ? composed(name).toLowerCase() : joined(address);
}

/** The user of `user+tag`; undefined without a tag or a user. */
export function subaddressUser(localPart: string): string | undefined {
  const separator = localPart.indexOf('+');
  return separator > 0 ? localPart.slice(0, separator) : undefined;
}
