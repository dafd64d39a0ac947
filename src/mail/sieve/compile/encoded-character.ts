/**
 * `${hex: 40}` and `${unicode: 20ac}` in strings.
 *
 * Runs in:   anywhere; pure; linear time.
 * Specs:     RFC 5228 §2.4.2.4. It is done before variables are looked for.
 */

import { Buffer } from 'node:buffer';
import { SieveFault } from '../fault.ts';

const encoded =
  /\$\{(?:(hex):((?:\s*[0-9a-f]{1,2}(?:\s|(?=\})))+)|(unicode):((?:\s*[0-9a-f]{1,32}(?:\s|(?=\})))+))\s*\}/gi;

/** What is not of either form stays as it is. `at` is where faults are told. */
export function decodeEncodedCharacters(text: string, at: number): string {
  if (!text.includes('${')) return text;
  return text.replace(encoded, (_, _hex, octets?: string, _unicode?, points?: string) => {
    if (octets !== undefined) return fromOctets(numbersOf(octets), at);
    return fromPoints(numbersOf(points!), at);
  });
}

function numbersOf(text: string): number[] {
  return text
    .trim()
    .split(/\s+/)
    .map((digits) => Number.parseInt(digits, 16));
}

function fromOctets(octets: readonly number[], at: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(octets));
  } catch {
    throw new SieveFault(at, 'the octets of an encoded character are no UTF-8');
  }
}

function fromPoints(points: readonly number[], at: number): string {
  for (const point of points) {
    const isSurrogate = point >= 0xd800 && point <= 0xdfff;
    if (point === 0 || point > 0x10ffff || isSurrogate) {
      throw new SieveFault(at, `there is no character ${point.toString(16)}`);
    }
  }
  return String.fromCodePoint(...points);
}
