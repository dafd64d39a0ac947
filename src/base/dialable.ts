/**
 * Which addresses a name from the DNS, or a URL that somebody else chose, may lead us to.
 *
 * Runs in:   anywhere; pure.
 * Specs:     the IANA special-purpose address registries (RFC 6890), as ipaddr.js knows them; RFC 4291 §2.4 (2000::/3
 *            is what is routed), RFC 6598, RFC 3056 (6to4), RFC 6052 and RFC 8215 (NAT64).
 */

import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Only what is routed on the Internet: no loopback, link-local, private, multicast or reserved address. */
export function isDialable(address: string): boolean {
  // Not as loosely as ipaddr.js reads: octal numbers are names to the system.
  if (isIP(address) === 0 || !ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.range() === 'unicast';
  // An IPv4 address in an IPv6 coat leads where the inner one leads.
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().range() === 'unicast';
  const isRouted = parsed.parts[0]! >> 13 === 1;
  return isRouted && parsed.range() === 'unicast';
}
