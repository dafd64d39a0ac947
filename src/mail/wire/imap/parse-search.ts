/**
 * Reads SEARCH: its options, its charset, and the keys.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9051 §6.4.4, §9 (search, search-key); RFC 9738 §3.2; see also search-keys.ts.
 * Limits:    `searchKeysMax` keys, `nestingDepthMax` deep.
 * Invariant: MODSEQ anywhere is told by `hasModseq`: the answer must then carry one (RFC 7162 §3.1.5).
 */

import { type Cursor, descend, fail } from './cursor.ts';
import { searchKeysMax } from './limits.ts';
import {
  asterisk,
  classAtom,
  dollar,
  isDigit,
  parenClose,
  parenOpen,
  quote,
  space,
} from './octets.ts';
import { parseDate } from './parse-dates.ts';
import { systemFlagBit } from './parse-flags.ts';
import {
  expectEnd,
  expectOctet,
  expectSpace,
  parseAstring,
  parseAtom,
  parseNumber64,
  parseNzNumber,
  parseString,
  takeOctet,
  takeRun,
  takeWord,
} from './parse-strings.ts';
import { parseReturn, type ReturnOptions } from './parse-window.ts';
import type { Criteria, TextPlace } from './search-keys.ts';
import { parseSequenceSet } from './sequence-set.ts';

export interface SearchCommand {
  /** Undefined: RETURN does not stand there, and rev1 answers `* SEARCH`. */
  readonly returns: ReturnOptions | undefined;
  readonly criteria: Criteria;
  readonly hasModseq: boolean;
}

/** RFC 9051 §9: uniqueid is of 32 bits. */
const uidMax = 0xffff_ffff;

/** What one program of keys has used up. */
interface Program {
  keys: number;
  hasModseq: boolean;
}

/** The cursor stands behind the command's name. */
export function parseSearch(cursor: Cursor): SearchCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const returns = parseReturn(cursor);
  if (cursor.fault !== '') return undefined;
  if (takeWord(cursor, 'CHARSET')) {
    if (!cursor.takesCharset) return fail(cursor, 'All is UTF-8: no charset may be named');
    if (!expectSpace(cursor) || !parseCharset(cursor) || !expectSpace(cursor)) return undefined;
  }
  const program = parseProgram(cursor);
  return program === undefined ? undefined : { returns, ...program };
}

/** RFC 9051 §6.4.4: US-ASCII and UTF-8 must be known, and no other is: clients that would use one are gone. */
export function parseCharset(cursor: Cursor): boolean {
  const charset = parseAstring(cursor)?.toUpperCase();
  if (charset === undefined) return false;
  if (charset === 'UTF-8' || charset === 'US-ASCII') return true;
  fail(cursor, 'Unknown charset', 'charset');
  return false;
}

/** Keys to the command's end: all must match. */
export function parseProgram(
  cursor: Cursor,
): { readonly criteria: Criteria; readonly hasModseq: boolean } | undefined {
  const program: Program = { keys: 0, hasModseq: false };
  const keys: Criteria[] = [];
  do {
    const key = parseKey(cursor, program);
    if (key === undefined) return undefined;
    keys.push(key);
  } while (takeOctet(cursor, space) && !cursor.isAtEnd());
  if (!expectEnd(cursor)) return undefined;
  return { criteria: allOf(keys), hasModseq: program.hasModseq };
}

function allOf(keys: readonly Criteria[]): Criteria {
  return keys.length === 1 ? keys[0]! : { op: 'and', keys };
}

function parseKey(cursor: Cursor, program: Program): Criteria | undefined {
  if (++program.keys > searchKeysMax) return fail(cursor, 'Too many search keys', 'limit');
  const octet = cursor.peek();
  if (octet === parenOpen) return parseGroup(cursor, program);
  if (isDigit(octet) || octet === asterisk || octet === dollar) return parseSetKey(cursor, false);
  const from = cursor.at;
  const name = takeRun(cursor, classAtom).toUpperCase();
  const plain = plainKeys.get(name);
  if (plain !== undefined) return plain;
  const parser = keyParsers.get(name);
  if (parser === undefined) {
    cursor.at = from;
    return fail(cursor, name === '' ? 'A search key is missing' : 'Unknown search key');
  }
  return expectSpace(cursor) ? parser(cursor, program) : undefined;
}

function parseGroup(cursor: Cursor, program: Program): Criteria | undefined {
  if (!descend(cursor)) return undefined;
  cursor.at++;
  const keys: Criteria[] = [];
  do {
    const key = parseKey(cursor, program);
    if (key === undefined) return undefined;
    keys.push(key);
  } while (takeOctet(cursor, space));
  cursor.depth--;
  if (!expectOctet(cursor, parenClose, 'A closing parenthesis is missing')) return undefined;
  return allOf(keys);
}

function parseInner(cursor: Cursor, program: Program): Criteria | undefined {
  if (!descend(cursor)) return undefined;
  const key = parseKey(cursor, program);
  cursor.depth--;
  return key;
}

function parseSetKey(cursor: Cursor, isUid: boolean): Criteria | undefined {
  const set = parseSequenceSet(cursor);
  if (set === undefined) return undefined;
  return { op: 'set', isUid: isUid || set.isSaved, isSaved: set.isSaved, ranges: set.ranges };
}

type KeyParser = (cursor: Cursor, program: Program) => Criteria | undefined;

const flagKey = (name: string, isSet: boolean): Criteria => ({
  op: 'flag',
  bit: systemFlagBit(name),
  isSet,
});

/** Keys without an argument. */
const plainKeys: ReadonlyMap<string, Criteria> = new Map<string, Criteria>([
  ['ALL', { op: 'all' }],
  ...['ANSWERED', 'DELETED', 'DRAFT', 'FLAGGED', 'SEEN'].flatMap(
    (name) =>
      [
        [name, flagKey(name, true)],
        [`UN${name}`, flagKey(name, false)],
      ] as const,
  ),
  ['RECENT', { op: 'recent', isSet: true }],
  ['OLD', { op: 'recent', isSet: false }],
  // RFC 3501 §6.4.4: NEW is RECENT UNSEEN.
  ['NEW', { op: 'and', keys: [{ op: 'recent', isSet: true }, flagKey('SEEN', false)] }],
  ['SAVEDATESUPPORTED', { op: 'saves-dates' }],
]);

const textKey =
  (place: TextPlace): KeyParser =>
  (cursor) => {
    const text = parseAstring(cursor);
    return text === undefined ? undefined : { op: 'text', place, text };
  };

const dateKey =
  (of: 'internal' | 'saved' | 'sent', test: 'before' | 'on' | 'since'): KeyParser =>
  (cursor) => {
    const day = parseDate(cursor);
    return day === undefined ? undefined : { op: 'date', of, test, day };
  };

const keywordKey =
  (isSet: boolean): KeyParser =>
  (cursor) => {
    const keyword = parseAtom(cursor, 'A keyword');
    return keyword === undefined ? undefined : { op: 'keyword', keyword, isSet };
  };

const sizeKey =
  (test: 'larger' | 'smaller'): KeyParser =>
  (cursor) => {
    const bytes = parseNumber64(cursor);
    return bytes < 0 ? undefined : { op: 'size', test, bytes };
  };

const ageKey =
  (test: 'older' | 'younger'): KeyParser =>
  (cursor) => {
    const seconds = parseNzNumber(cursor);
    return seconds < 0 ? undefined : { op: 'age', test, seconds };
  };

const keyParsers: ReadonlyMap<string, KeyParser> = new Map<string, KeyParser>([
  ...(['bcc', 'body', 'cc', 'from', 'subject', 'text', 'to'] as const).map(
    (place) => [place.toUpperCase(), textKey(place)] as const,
  ),
  ...(['before', 'on', 'since'] as const).flatMap(
    (test) =>
      [
        [test.toUpperCase(), dateKey('internal', test)],
        [`SENT${test.toUpperCase()}`, dateKey('sent', test)],
        [`SAVED${test.toUpperCase()}`, dateKey('saved', test)],
      ] as const,
  ),
  ['KEYWORD', keywordKey(true)],
  ['UNKEYWORD', keywordKey(false)],
  ['LARGER', sizeKey('larger')],
  ['SMALLER', sizeKey('smaller')],
  ['OLDER', ageKey('older')],
  ['YOUNGER', ageKey('younger')],
  ['UID', (cursor) => parseSetKey(cursor, true)],
  ['UIDAFTER', besideUidKey((uid) => (uid < uidMax ? [uid + 1, uidMax] : []))],
  ['UIDBEFORE', besideUidKey((uid) => (uid > 1 ? [1, uid - 1] : []))],
  ['HEADER', parseHeaderKey],
  ['MODSEQ', parseModseqKey],
  ['NOT', parseNotKey],
  ['OR', parseOrKey],
  ['EMAILID', (cursor) => idKey('email-id', parseAtom(cursor, 'An id'))],
  ['THREADID', (cursor) => idKey('thread-id', parseAtom(cursor, 'An id'))],
]);

/** RFC 9738 §3.2. Unlike `UID n:*` it never means the last message where that is below. */
function besideUidKey(rangesBeside: (uid: number) => readonly number[]): KeyParser {
  return (cursor) => {
    const uid = parseNzNumber(cursor);
    if (uid < 0) return undefined;
    return { op: 'set', isUid: true, isSaved: false, ranges: rangesBeside(uid) };
  };
}

function idKey(op: 'email-id' | 'thread-id', id: string | undefined): Criteria | undefined {
  return id === undefined ? undefined : { op, id };
}

function parseHeaderKey(cursor: Cursor): Criteria | undefined {
  const field = parseAstring(cursor);
  if (field === undefined || !expectSpace(cursor)) return undefined;
  const text = parseAstring(cursor);
  return text === undefined ? undefined : { op: 'header', field: field.toUpperCase(), text };
}

/** RFC 7162 §3.1.5: `MODSEQ ["/flags/\\Seen" all|priv|shared] n`; we keep one modseq a message, so the entry changes nothing. */
function parseModseqKey(cursor: Cursor, program: Program): Criteria | undefined {
  program.hasModseq = true;
  if (cursor.peek() === quote) {
    if (parseString(cursor) === undefined || !expectSpace(cursor)) return undefined;
    const kind = parseAtom(cursor, 'An entry type')?.toUpperCase();
    if (kind !== 'ALL' && kind !== 'PRIV' && kind !== 'SHARED') {
      return fail(cursor, 'Unknown entry type');
    }
    if (!expectSpace(cursor)) return undefined;
  }
  const modseq = parseNumber64(cursor);
  return modseq < 0 ? undefined : { op: 'modseq', modseq };
}

function parseNotKey(cursor: Cursor, program: Program): Criteria | undefined {
  const key = parseInner(cursor, program);
  return key === undefined ? undefined : { op: 'not', key };
}

function parseOrKey(cursor: Cursor, program: Program): Criteria | undefined {
  const left = parseInner(cursor, program);
  if (left === undefined || !expectSpace(cursor)) return undefined;
  const right = parseInner(cursor, program);
  return right === undefined ? undefined : { op: 'or', left, right };
}
