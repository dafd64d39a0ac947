/**
 * Addresses and the networks they are in, as numbers.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 4291 §2.2 (text), RFC 4632 (prefixes).
 */

import { isIP } from 'node:net';

/** Words of 32 bits: one of IPv4, four of IPv6. */
export type AddressWords = readonly number[];

/** Undefined: no address, or one with a zone. */
export function addressWords(text: string): AddressWords | undefined {
  switch (isIP(text)) {
    case 4:
      return [wordOfQuad(text)];
    case 6:
      return text.includes('%') ? undefined : wordsOfGroups(text);
    default:
      return undefined;
  }
}

/** Both of one family, and alike in the first `bits`. */
export function isWithin(address: AddressWords, network: AddressWords, bits: number): boolean {
  if (address.length !== network.length) return false;
  let left = bits;
  for (let i = 0; i < address.length && left > 0; i++) {
    const difference = address[i]! ^ network[i]!;
    if (left >= 32 ? difference !== 0 : difference >>> (32 - left) !== 0) return false;
    left -= 32;
  }
  return true;
}

/** RFC 7208 §7.3 `i`: a dotted quad, or all 32 digits with dots between. */
export function dottedAddress(words: AddressWords): string {
  if (words.length === 1) {
    const word = words[0]!;
    return [24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff).join('.');
  }
  const digits = words.map((word) => word.toString(16).padStart(8, '0')).join('');
  return [...digits].join('.');
}

function wordOfQuad(text: string): number {
  let word = 0;
  for (const part of text.split('.')) word = (word << 8) | Number(part);
  return word >>> 0;
}

function wordsOfGroups(text: string): AddressWords {
  let hex = text;
  const quadStart = text.lastIndexOf(':') + 1;
  if (text.includes('.')) {
    const word = wordOfQuad(text.slice(quadStart));
    const high = (word >>> 16).toString(16);
    hex = `${text.slice(0, quadStart)}${high}:${(word & 0xffff).toString(16)}`;
  }
  const [head = '', tail] = hex.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(8 - left.length - right.length).fill('0');
  const groups = [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
  return [0, 2, 4, 6].map((i) => ((groups[i]! << 16) | groups[i + 1]!) >>> 0);
}
