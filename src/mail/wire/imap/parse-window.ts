/**
 * Reads what results are wanted: RETURN of SEARCH and SORT, and PARTIAL's range.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9051 §6.4.4 (RETURN), RFC 4731, RFC 5182 (SAVE), RFC 5267 §4.4 and RFC 9394 (PARTIAL).
 */

import { type Cursor, fail } from './cursor.ts';
import { colon, minus, parenClose, parenOpen, space } from './octets.ts';
import {
  expectOctet,
  expectSpace,
  parseName,
  parseNzNumber,
  takeOctet,
  takeWord,
} from './parse-strings.ts';

/** Places in the results, from 1 on, `first` <= `last`; counted from their end where `isFromEnd`. */
export interface PartialRange {
  readonly first: number;
  readonly last: number;
  readonly isFromEnd: boolean;
}

export interface ReturnOptions {
  readonly min: boolean;
  readonly max: boolean;
  readonly all: boolean;
  readonly count: boolean;
  readonly save: boolean;
  /** Changes of the results are told from then on (RFC 5267 §4.3). */
  readonly update: boolean;
  readonly partial: PartialRange | undefined;
}

/** `1:100`, or `-1:-100` from the end. */
export function parsePartialRange(cursor: Cursor): PartialRange | undefined {
  const isFromEnd = takeOctet(cursor, minus);
  const one = parseNzNumber(cursor);
  if (one < 0 || !expectOctet(cursor, colon, 'A range has no colon')) return undefined;
  if (isFromEnd && !expectOctet(cursor, minus, 'A range is half from the end')) return undefined;
  const other = parseNzNumber(cursor);
  if (other < 0) return undefined;
  return { first: Math.min(one, other), last: Math.max(one, other), isFromEnd };
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** `RETURN (MIN COUNT …) `; undefined without a fault where it does not stand. */
export function parseReturn(cursor: Cursor): ReturnOptions | undefined {
  if (!takeWord(cursor, 'RETURN') || !expectSpace(cursor)) return undefined;
  const options = parseReturnOptions(cursor);
  return options !== undefined && expectSpace(cursor) ? options : undefined;
}

/** `()` is ALL (RFC 4731 §3.1). */
function parseReturnOptions(cursor: Cursor): ReturnOptions | undefined {
  const options: Writable<ReturnOptions> = {
    min: false,
    max: false,
    all: false,
    count: false,
    save: false,
    update: false,
    partial: undefined,
  };
  if (!expectOctet(cursor, parenOpen, 'RETURN has no options')) return undefined;
  if (takeOctet(cursor, parenClose)) return { ...options, all: true };
  do {
    if (!parseReturnOption(cursor, options)) return undefined;
  } while (takeOctet(cursor, space));
  if (!expectOctet(cursor, parenClose, 'RETURN has no closing parenthesis')) return undefined;
  // RFC 9394 §3.1: ALL and PARTIAL exclude each other.
  if (options.all && options.partial !== undefined) {
    return fail(cursor, 'ALL and PARTIAL exclude each other');
  }
  return options;
}

function parseReturnOption(cursor: Cursor, options: Writable<ReturnOptions>): boolean {
  const name = parseName(cursor, 'A RETURN option');
  switch (name) {
    case 'MIN':
      options.min = true;
      return true;
    case 'MAX':
      options.max = true;
      return true;
    case 'ALL':
      options.all = true;
      return true;
    case 'COUNT':
      options.count = true;
      return true;
    case 'SAVE':
      options.save = true;
      return true;
    case 'UPDATE':
      options.update = true;
      return true;
    // RFC 5267 §4.2: a hint that the search may come again, which may be ignored.
    case 'CONTEXT':
      return true;
    case 'PARTIAL':
      if (options.partial !== undefined) {
        fail(cursor, 'PARTIAL stands twice');
        return false;
      }
      options.partial = expectSpace(cursor) ? parsePartialRange(cursor) : undefined;
      return options.partial !== undefined;
    default:
      fail(cursor, 'Unknown RETURN option');
      return false;
  }
}
