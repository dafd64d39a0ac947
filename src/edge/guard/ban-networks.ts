/**
 * Networks that bans are of: one spelling each, so that they can be looked up.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 4632, RFC 4291 §2.2.
 * Limits:    IPv4 prefixes of 8 to 32 bits, IPv6 ones of 16 to 64: nobody bans half the world by a slip, and whoever
 *            has one IPv6 address has its /64.
 */

import { isIP } from 'node:net';
import { plainAddress } from '../../base/networks.ts';

const prefixBits = { 4: { min: 8, max: 32 }, 6: { min: 16, max: 64 } } as const;

export interface PrefixBits {
  readonly v4: number;
  readonly v6: number;
}

/** As `192.0.2.0/24` or `2001:db8:0:1::/64`; undefined: it is no address. */
export function networkAround(given: string, bits: PrefixBits): string | undefined {
  const address = plainAddress(given).split('%')[0]!;
  switch (isIP(address)) {
    case 4:
      return `${masked(address.split('.').map(Number), 8, bits.v4).join('.')}/${bits.v4}`;
    case 6: {
      const groups = masked(firstGroups(address), 16, bits.v6);
      return `${groups.map((group) => group.toString(16)).join(':')}::/${bits.v6}`;
    }
    default:
      return undefined;
  }
}

/** What an operator wrote, an address or a network, in that spelling; undefined: nothing that can be banned. */
export function bannable(text: string): string | undefined {
  const [address = '', bitsText, ...rest] = text.split('/');
  const family = isIP(plainAddress(address));
  if (family === 0 || rest.length > 0) return undefined;
  const { min, max } = prefixBits[family as 4 | 6];
  const isWhole = bitsText === undefined || (family === 6 && bitsText === '128');
  const bits = isWhole ? max : Number(/^\d{1,3}$/.exec(bitsText)?.[0] ?? -1);
  return bits < min || bits > max ? undefined : networkAround(address, { v4: bits, v6: bits });
}

function masked(parts: readonly number[], partBits: number, bits: number): number[] {
  return parts.map((part, i) => {
    const kept = Math.min(partBits, Math.max(0, bits - i * partBits));
    return (part >>> (partBits - kept)) << (partBits - kept);
  });
}

/** The first 64 bits. */
function firstGroups(address: string): number[] {
  // Its host is in one spelling: lower-case, and no dotted quad in it.
  const plain = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].slice(0, 4).map((group) => Number.parseInt(group, 16));
}
