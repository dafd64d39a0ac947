/**
 * Judges the name that a stranger gives by EHLO or HELO.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5321 §2.3.5 (names are qualified), §4.1.3 (address literals), §4.1.4 (a name that does not verify is
 *            no reason to refuse, so nothing here does unless the operator says so).
 */

import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { AccountDirectory } from '../../ports/account-directory.ts';
import type { Dns, DnsAnswer } from '../../ports/dns.ts';

const heloFaults = [
  'notQualified',
  'bareAddress',
  'literalMismatch',
  'ownName',
  'unresolved',
] as const;
export type HeloFault = (typeof heloFaults)[number];

export const heloWhys: Readonly<Record<HeloFault, string>> = {
  notQualified: 'HELO name is not a full domain name',
  bareAddress: 'HELO name is an address without brackets',
  literalMismatch: 'HELO name is the address of somebody else',
  ownName: 'HELO name is ours',
  unresolved: 'HELO name is not known in the DNS',
};

/** What is wrong by the name alone; at most one thing is. */
export function faultOfName(
  given: string,
  peerAddress: string,
  hostname: string,
): Exclude<HeloFault, 'unresolved'> | undefined {
  const name = given.toLowerCase().replace(/\.$/, '');
  if (name.startsWith('[')) {
    const literal = name.slice(1, -1).replace(/^ipv6:/, '');
    return isSame(literal, peerAddress) ? undefined : 'literalMismatch';
  }
  if (isIP(name) !== 0) return 'bareAddress';
  if (name === hostname.toLowerCase()) return 'ownName';
  return isQualified(name) ? undefined : 'notQualified';
}

export async function isLocalName(
  directory: Pick<AccountDirectory, 'isLocalDomain'>,
  given: string,
): Promise<boolean> {
  return await directory.isLocalDomain(given.toLowerCase().replace(/\.$/, ''));
}

/** True where the DNS said of all three types that there is none. */
export async function isUnresolved(
  dns: Pick<Dns, 'a' | 'aaaa' | 'mx'>,
  name: string,
): Promise<boolean> {
  const asked: readonly Promise<DnsAnswer<unknown>>[] = [dns.a(name), dns.aaaa(name), dns.mx(name)];
  const answers = await Promise.all(asked);
  return answers.every((answer) => !answer.ok && answer.reason !== 'failed');
}

/** Letters of other scripts stand for themselves: names may come as U-labels. Underscores are common. */
function isQualified(name: string): boolean {
  return (
    name.includes('.') &&
    name.split('.').every((label) => /^[a-z0-9_\u0080-\u{10ffff}-]+$/u.test(label))
  );
}

function isSame(one: string, other: string): boolean {
  if (!ipaddr.isValid(one) || !ipaddr.isValid(other)) return false;
  return ipaddr.process(one).toNormalizedString() === ipaddr.process(other).toNormalizedString();
}
