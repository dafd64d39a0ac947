/**
 * Texts as searches compare them (`casemap`), as UTF-8, gathered one after the other.
 *
 * Runs in:   anywhere; pure; hot: once for each text of a mailbox that is searched the first time.
 * Invariant: a text that is ASCII is folded octet by octet and never is a string.
 */

import { Buffer } from 'node:buffer';
import { kibibyte } from '../../../base/units.ts';
import { casemap } from './casemap.ts';

const bytesFirst = 16 * kibibyte;
/** After a long text the room for it is given back. */
const bytesKept = 1_024 * kibibyte;

/** Stands in no UTF-8, and so in nothing that is looked for: no match goes past it. */
export const textEnd = 0xff;

const upper = Uint8Array.from({ length: 256 }, (_, octet) =>
  octet >= 97 && octet <= 122 ? octet - 32 : octet,
);

export class FoldedOctets {
  bytes: Buffer = Buffer.allocUnsafeSlow(bytesFirst);
  /** So many of `bytes` are taken; who cuts it down takes back. */
  length = 0;

  clear(): void {
    this.length = 0;
    if (this.bytes.length > bytesKept) this.bytes = Buffer.allocUnsafeSlow(bytesFirst);
  }

  /** ASCII that stands between `from` and `to`. */
  ascii(octets: Uint8Array, from: number, to: number): void {
    this.room(to - from);
    const { bytes } = this;
    let { length } = this;
    for (let at = from; at < to; at++) bytes[length++] = upper[octets[at]!]!;
    this.length = length;
  }

  text(text: string): void {
    const folded = casemap(text);
    this.room(3 * folded.length);
    this.length += this.bytes.write(folded, this.length, 'utf8');
  }

  octet(octet: number): void {
    if (this.length === this.bytes.length) this.room(1);
    this.bytes[this.length++] = octet;
  }

  /** For `count` more. */
  room(count: number): void {
    const wanted = this.length + count;
    if (wanted <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.bytes.length));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}
