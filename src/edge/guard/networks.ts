/**
 * Sets of networks an address may belong to.
 *
 * Runs in:   edge (main thread).
 * Invariant: an IPv4 address mapped into IPv6 is treated as the IPv4 address it is.
 */

import { BlockList, isIP, isIPv4 } from 'node:net';
import { MailError } from '../../base/errors.ts';

export interface NetworkSet {
  readonly isEmpty: boolean;
  has(address: string): boolean;
}

export const noNetworks: NetworkSet = { isEmpty: true, has: () => false };

/**
 * `networks` are addresses or prefixes: `192.0.2.1`, `10.0.0.0/8`, `2001:db8::/32`.
 * @throws MailError `argument-invalid` naming the one that is neither.
 */
export function networkSet(networks: readonly string[]): NetworkSet {
  if (networks.length === 0) return noNetworks;
  const list = new BlockList();
  for (const network of networks) addNetwork(list, network);
  return {
    isEmpty: false,
    has: (given) => {
      const address = plainAddress(given);
      const version = isIP(address);
      return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

function addNetwork(list: BlockList, network: string): void {
  const [address = '', prefix, ...rest] = network.trim().split('/');
  const version = isIP(address);
  const bitsMax = version === 4 ? 32 : 128;
  const bits = prefix === undefined ? bitsMax : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (version === 0 || bits < 0 || bits > bitsMax || rest.length > 0) {
    throw new MailError('argument-invalid', `not a network: ${network}`);
  }
  list.addSubnet(address, bits, version === 4 ? 'ipv4' : 'ipv6');
}

/** `::ffff:192.0.2.1` as `192.0.2.1`: a listener on `::` sees IPv4 peers so. */
export function plainAddress(address: string): string {
  if (address.length > 7 && /^::ffff:/i.test(address)) {
    const inner = address.slice(7);
    if (isIPv4(inner)) return inner;
  }
  return address;
}
