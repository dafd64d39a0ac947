/**
 * Comparators: when two texts are the same, and which of them comes first.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 4790 §9 (i;octet, i;ascii-casemap, i;ascii-numeric), RFC 5051 (i;unicode-casemap).
 */

import { casemap, codePointOrder } from '../../formats/text/casemap.ts';

export interface Comparator {
  readonly name: string;
  /** Texts are the same where their folded forms are. */
  fold(text: string): string;
  /** Below 0: `a` comes first; both are folded. */
  order(a: string, b: string): number;
  /** Whether parts of texts may be compared too (RFC 4790 §4.2.4). */
  readonly hasSubstrings: boolean;
  /** Folding keeps each character's place and number of units. */
  readonly keepsPlaces: boolean;
}

const lowerAscii = /[A-Z]+/g;
const digitsAtStart = /^[0-9]+/;

function byCodePoints(a: string, b: string): number {
  const left = codePointOrder(a);
  const right = codePointOrder(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** RFC 4790 §9.1.1: what does not begin with a digit is greater than all numbers, and equal to its like. */
const notNumber = 'x';

function numeric(text: string): string {
  const digits = digitsAtStart.exec(text)?.[0];
  if (digits === undefined) return notNumber;
  return digits.replace(/^0+(?=[0-9])/, '');
}

function byNumber(a: string, b: string): number {
  if (a === b) return 0;
  if (a === notNumber) return 1;
  if (b === notNumber) return -1;
  // Any number of digits: no number type holds them.
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

export const comparators: Readonly<Record<string, Comparator>> = {
  'i;octet': {
    name: 'i;octet',
    fold: (text) => text,
    order: byCodePoints,
    hasSubstrings: true,
    keepsPlaces: true,
  },
  'i;ascii-casemap': {
    name: 'i;ascii-casemap',
    fold: (text) => text.replace(lowerAscii, (letters) => letters.toLowerCase()),
    // RFC 4790 §9.2.1: letters count as capitals where order is asked for.
    order: (a, b) => byCodePoints(upperAscii(a), upperAscii(b)),
    hasSubstrings: true,
    keepsPlaces: true,
  },
  'i;ascii-numeric': {
    name: 'i;ascii-numeric',
    fold: numeric,
    order: byNumber,
    hasSubstrings: false,
    keepsPlaces: false,
  },
  'i;unicode-casemap': {
    name: 'i;unicode-casemap',
    fold: casemap,
    order: byCodePoints,
    hasSubstrings: true,
    keepsPlaces: false,
  },
};

function upperAscii(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

export const defaultComparator = comparators['i;ascii-casemap']!;
