/**
 * A text that is looked for in others, as a substring, in the collation i;unicode-casemap.
 *
 * Runs in:   anywhere; pure; hot.
 * Specs:     RFC 9051 §6.4.4 (substrings, whatever the case), RFC 5255 §4.3.
 */

import { casemap } from './casemap.ts';

const ascii = /^[\u0000-\u007f]*$/;
const blank = /[\t ]/;

export class Needle {
  readonly mapped: string;
  readonly isAscii: boolean;
  /** It may stand across a fold of a header. */
  readonly hasBlank: boolean;

  constructor(text: string) {
    this.mapped = casemap(text);
    this.isAscii = ascii.test(text);
    this.hasBlank = blank.test(text);
  }

  get isEmpty(): boolean {
    return this.mapped === '';
  }

  isIn(text: string): boolean {
    return casemap(text).includes(this.mapped);
  }
}
