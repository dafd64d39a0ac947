/**
 * A text that is looked for in others, as a substring, in the collation i;unicode-casemap.
 *
 * Runs in:   anywhere; pure; hot.
 * Specs:     RFC 9051 §6.4.4 (substrings, whatever the case), RFC 5255 §4.3.
 */

import { casemap } from './casemap.ts';

const ascii = /^[\u0000-\u007f]*$/;
const blank = /[\t ]/;
/** What an address is put together with, or a part of it has. */
const glue = /[\t <>@,:]/;
const special = /[$()*+./?[\\\]^{|}-]/g;

export class Needle {
  readonly mapped: string;
  readonly isAscii: boolean;
  /** It may stand across a fold of a header. */
  readonly hasBlank: boolean;
  /** It may stand across the parts of an address. */
  readonly hasGlue: boolean;
  readonly #inAscii: RegExp | undefined;

  constructor(text: string) {
    this.mapped = casemap(text);
    this.isAscii = ascii.test(text);
    this.hasBlank = blank.test(text);
    this.hasGlue = glue.test(text);
    if (this.isAscii) this.#inAscii = new RegExp(text.replace(special, '\\$&'), 'i');
  }

  get isEmpty(): boolean {
    return this.mapped === '';
  }

  /** As `isIn`, of a needle and a text that are ASCII: it makes no other text of it. */
  isInAscii(text: string): boolean {
    return this.#inAscii!.test(text);
  }

  isIn(text: string): boolean {
    return casemap(text).includes(this.mapped);
  }
}
