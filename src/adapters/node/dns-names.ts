/**
 * Names of reverse look-ups.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 1035 §3.5 (in-addr.arpa), RFC 3596 §2.5 (ip6.arpa).
 */

import ipaddr from 'ipaddr.js';

/** Undefined for what is no address. */
export function reverseName(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return undefined;
  const parsed = ipaddr.process(address);
  const bytes = parsed.toByteArray();
  if (parsed.kind() === 'ipv4') return `${bytes.reverse().join('.')}.in-addr.arpa`;
  const nibbles = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${[...nibbles].reverse().join('.')}.ip6.arpa`;
}
