/**
 * Reads UIDBATCHES.
 *
 * Runs in: anywhere; pure.
 * Specs:   RFC 10022 §4.
 */

import type { Cursor } from './cursor.ts';
import { colon } from './octets.ts';
import { expectEnd, expectOctet, expectSpace, parseNzNumber } from './parse-strings.ts';

export interface BatchesCommand {
  /** Messages of a batch. */
  readonly size: number;
  /** Batches from 1 on, the newest first; as written, which may be the wrong way round. Undefined: all. */
  readonly range: { readonly first: number; readonly last: number } | undefined;
}

export function parseBatches(cursor: Cursor): BatchesCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const size = parseNzNumber(cursor);
  if (size < 0) return undefined;
  if (cursor.isAtEnd()) return { size, range: undefined };
  if (!expectSpace(cursor)) return undefined;
  const first = parseNzNumber(cursor);
  if (first < 0 || !expectOctet(cursor, colon, 'A range has no colon')) return undefined;
  const last = parseNzNumber(cursor);
  return last > 0 && expectEnd(cursor) ? { size, range: { first, last } } : undefined;
}
