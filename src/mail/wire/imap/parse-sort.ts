/**
 * Reads SORT and THREAD.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5256 (SORT, THREAD); RFC 5957 (DISPLAYFROM, DISPLAYTO); RFC 5267 §3 (ESORT's RETURN).
 * Limits:    those of SEARCH; a sort key counts once, so there are at most as many as kinds.
 */

import { type Cursor, fail } from './cursor.ts';
import { parenClose, parenOpen, space } from './octets.ts';
import { parseCharset, parseProgram } from './parse-search.ts';
import { expectOctet, expectSpace, parseName, takeOctet, takeWord } from './parse-strings.ts';
import { parseReturn, type ReturnOptions } from './parse-window.ts';
import type { Criteria } from './search-keys.ts';

const sortKinds = [
  'ARRIVAL',
  'CC',
  'DATE',
  'DISPLAYFROM',
  'DISPLAYTO',
  'FROM',
  'SIZE',
  'SUBJECT',
  'TO',
] as const;
export type SortKind = (typeof sortKinds)[number];

export interface SortKey {
  readonly kind: SortKind;
  readonly isReverse: boolean;
}

export interface SortCommand {
  readonly returns: ReturnOptions | undefined;
  readonly order: readonly SortKey[];
  readonly criteria: Criteria;
  readonly hasModseq: boolean;
}

export interface ThreadCommand {
  readonly algorithm: 'ORDEREDSUBJECT' | 'REFERENCES';
  readonly criteria: Criteria;
  readonly hasModseq: boolean;
}

export function parseSort(cursor: Cursor): SortCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const returns = parseReturn(cursor);
  if (cursor.fault !== '') return undefined;
  const order = parseOrder(cursor);
  if (order === undefined) return undefined;
  if (!expectSpace(cursor) || !parseCharset(cursor) || !expectSpace(cursor)) return undefined;
  const program = parseProgram(cursor);
  return program === undefined ? undefined : { returns, order, ...program };
}

export function parseThread(cursor: Cursor): ThreadCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const algorithm = parseName(cursor, 'A threading algorithm');
  if (algorithm !== 'ORDEREDSUBJECT' && algorithm !== 'REFERENCES') {
    return fail(cursor, 'Unknown threading algorithm');
  }
  if (!expectSpace(cursor) || !parseCharset(cursor) || !expectSpace(cursor)) return undefined;
  const program = parseProgram(cursor);
  return program === undefined ? undefined : { algorithm, ...program };
}

function parseOrder(cursor: Cursor): SortKey[] | undefined {
  if (!expectOctet(cursor, parenOpen, 'Sort keys are missing')) return undefined;
  const order: SortKey[] = [];
  do {
    let isReverse = false;
    while (takeWord(cursor, 'REVERSE')) {
      // RFC 5256 §3: REVERSE stands before the key it turns round, once.
      if (isReverse) return fail(cursor, 'REVERSE stands twice');
      isReverse = true;
      if (!expectSpace(cursor)) return undefined;
    }
    const name = parseName(cursor, 'A sort key');
    const kind = sortKinds.find((known) => known === name);
    if (kind === undefined) return fail(cursor, 'Unknown sort key');
    // Sorting by the same again cannot change the order.
    if (!order.some((key) => key.kind === kind)) order.push({ kind, isReverse });
  } while (takeOctet(cursor, space));
  return expectOctet(cursor, parenClose, 'Sort keys have no end') ? order : undefined;
}
