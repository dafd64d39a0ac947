/**
 * A text that is looked for in others, as a substring, in the collation i;unicode-casemap.
 *
 * Runs in:   anywhere; pure; hot.
 * Specs:     RFC 9051 §6.4.4 (substrings, whatever the case), RFC 5255 §4.3.
 */

import { Buffer } from 'node:buffer';
import { casemap } from './casemap.ts';

const ascii = /^[\u0000-\u007f]*$/;

export class Needle {
  readonly mapped: string;
  /** The same as UTF-8. */
  readonly octets: Buffer;
  readonly isAscii: boolean;

  constructor(text: string) {
    this.mapped = casemap(text.toWellFormed());
    this.octets = Buffer.from(this.mapped, 'utf8');
    this.isAscii = ascii.test(text);
  }

  get isEmpty(): boolean {
    return this.mapped === '';
  }

  isIn(text: string): boolean {
    return casemap(text).includes(this.mapped);
  }

  /** The longest piece without what `apart` matches; "" where there is none. */
  longestPiece(apart: RegExp): string {
    let longest = '';
    for (const piece of this.mapped.split(apart))
      if (piece.length > longest.length) longest = piece;
    return longest;
  }
}
