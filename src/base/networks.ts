/**
 * Networks as plain data, and sets of them an address may belong to.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 4291 §2.5.5.2 (IPv4 addresses in IPv6), RFC 4632 (prefixes), RFC 6890 (loopback).
 * Invariant: an IPv4 address mapped into IPv6 is treated as the IPv4 address it is; what is no address is in no set.
 */

import { BlockList, isIP, isIPv4 } from 'node:net';

export interface Network {
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefixBits: number;
}

export interface NetworkSet {
  readonly isEmpty: boolean;
  has(address: string): boolean;
}

export const noNetworks: NetworkSet = { isEmpty: true, has: () => false };

export const loopbackNetworks: readonly Network[] = [
  { family: 4, address: '127.0.0.0', prefixBits: 8 },
  { family: 6, address: '::1', prefixBits: 128 },
];

export function networkSet(networks: readonly Network[]): NetworkSet {
  if (networks.length === 0) return noNetworks;
  const list = new BlockList();
  for (const { address, prefixBits, family } of networks) {
    list.addSubnet(address, prefixBits, family === 4 ? 'ipv4' : 'ipv6');
  }
  return {
    isEmpty: false,
    has: (given) => {
      const address = plainAddress(given);
      const version = isIP(address);
      return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

/** `::ffff:192.0.2.1` as `192.0.2.1`: a listener on `::` sees IPv4 peers so. */
export function plainAddress(address: string): string {
  if (address.length > 7 && /^::ffff:/i.test(address)) {
    const inner = address.slice(7);
    if (isIPv4(inner)) return inner;
  }
  return address;
}

const loopback = networkSet(loopbackNetworks);

export function isLoopback(address: string): boolean {
  return loopback.has(address);
}

/** One peer: an IPv4 address, or the /64 an IPv6 address is in, for whoever has one has all of it. */
export function peerNetwork(given: string): string {
  const address = plainAddress(given);
  return isIP(address) === 6 ? `${firstGroups(address)}::/64` : address;
}

/** What one owner holds together: the /24 of an IPv4 address, the /64 of an IPv6 one. */
export function networkOf(given: string): string {
  const address = plainAddress(given);
  switch (isIP(address)) {
    case 4:
      return `${address.slice(0, address.lastIndexOf('.'))}.0/24`;
    case 6:
      return `${firstGroups(address)}::/64`;
    default:
      return given;
  }
}

function firstGroups(address: string): string {
  const [head = '', tail] = address.toLowerCase().split('%')[0]!.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...new Array<string>(zeros).fill('0'), ...right].slice(0, 4).join(':');
}
