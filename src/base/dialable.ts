/**
 * Which addresses a name from the DNS may lead us to.
 *
 * Runs in:   anywhere; pure.
 * Specs:     the IANA special-purpose address registries (RFC 6890), as ipaddr.js knows them.
 */

import ipaddr from 'ipaddr.js';

/** Only what is routed on the Internet: no loopback, link-local, private, multicast or reserved address. */
export function isDialable(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.range() === 'unicast';
  // An IPv4 address in an IPv6 coat leads where the inner one leads.
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().range() === 'unicast';
  return parsed.range() === 'unicast';
}
