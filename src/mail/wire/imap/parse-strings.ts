/**
 * The smallest things commands are made of: spaces, words, atoms, strings, numbers, lists.
 *
 * Runs in:   anywhere; pure; hot. Text is made of octets only where it is kept.
 * Specs:     RFC 9051 §4, §9 (atom, astring, string, nstring, number, number64); RFC 7888 (`{n+}`); RFC 3516 (`~{n}`).
 * Limits:    `listItemsMax` items a list.
 * Invariant: never throws. A parser answers undefined (a number parser -1, an `expect` false) exactly when it set
 *            the cursor's fault.
 */

import { Buffer, isUtf8 } from 'node:buffer';
import { type Cursor, fail } from './cursor.ts';
import { listItemsMax } from './limits.ts';
import {
  backslash,
  braceClose,
  braceOpen,
  carriageReturn,
  classAstring,
  classAtom,
  classes,
  isDigit,
  lineFeed,
  parenClose,
  parenOpen,
  plus,
  quote,
  space,
  tilde,
} from './octets.ts';

/** What stands between numbers that fit a double and those of the grammar (RFC 9051 §9: number64 has 63 bits). */
const safeMax = Number.MAX_SAFE_INTEGER;
const u32Max = 0xffff_ffff;

export function expectSpace(cursor: Cursor): boolean {
  return expectOctet(cursor, space, 'A space is missing');
}

export function expectOctet(cursor: Cursor, octet: number, fault: string): boolean {
  if (cursor.peek() !== octet) {
    fail(cursor, fault);
    return false;
  }
  cursor.at++;
  return true;
}

/** Takes the octet if it comes next. */
export function takeOctet(cursor: Cursor, octet: number): boolean {
  if (cursor.peek() !== octet) return false;
  cursor.at++;
  return true;
}

/** Trailing spaces are common and harmless. */
export function expectEnd(cursor: Cursor): boolean {
  while (cursor.peek() === space) cursor.at++;
  if (cursor.fault !== '') return false;
  if (cursor.isAtEnd()) return true;
  fail(cursor, 'Unexpected words after the command');
  return false;
}

/** Takes `word` (in upper case) in any case, where no further atom octet follows it. */
export function takeWord(cursor: Cursor, word: string): boolean {
  const { bytes, at } = cursor;
  const stop = at + word.length;
  if (stop > cursor.end) return false;
  for (let i = 0; i < word.length; i++) {
    let octet = bytes[at + i]!;
    if (octet >= 0x61 && octet <= 0x7a) octet -= 0x20;
    if (octet !== word.charCodeAt(i)) return false;
  }
  if (stop < cursor.end && (classes[bytes[stop]!]! & classAtom) !== 0) return false;
  cursor.at = stop;
  return true;
}

/** End of the run of octets of a class that begins at the cursor. */
export function runEnd(cursor: Cursor, octetClass: number): number {
  const { bytes, end } = cursor;
  let i = cursor.at;
  while (i < end && (classes[bytes[i]!]! & octetClass) !== 0) i++;
  return i;
}

/** "" where none begins; sets no fault. */
export function takeRun(cursor: Cursor, octetClass: number): string {
  const from = cursor.at;
  cursor.at = runEnd(cursor, octetClass);
  return asciiText(cursor.bytes, from, cursor.at);
}

/** Going through the runtime for a few octets costs twice what joining them does. */
const nearBytes = 6;

function asciiText(bytes: Buffer, from: number, to: number): string {
  if (to - from > nearBytes) return bytes.toString('latin1', from, to);
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

export function parseAtom(cursor: Cursor, what = 'A word'): string | undefined {
  const atom = takeRun(cursor, classAtom);
  return atom === '' ? fail(cursor, `${what} is missing`) : atom;
}

/** An atom in upper case: names of items, keys and options are compared in any case. */
export function parseName(cursor: Cursor, what: string): string | undefined {
  return parseAtom(cursor, what)?.toUpperCase();
}

/** Digits of an atom-like place, at most 63 bits by the grammar; what a double cannot hold is its largest integer. */
export function parseNumber64(cursor: Cursor): number {
  const { bytes, end } = cursor;
  let i = cursor.at;
  let value = 0;
  while (i < end && isDigit(bytes[i]!)) value = Math.min(safeMax, value * 10 + bytes[i++]! - 0x30);
  if (i === cursor.at) {
    fail(cursor, 'A number is missing');
    return -1;
  }
  cursor.at = i;
  return value;
}

function parseNumber(cursor: Cursor): number {
  const from = cursor.at;
  const value = parseNumber64(cursor);
  if (value <= u32Max) return value;
  cursor.at = from;
  fail(cursor, 'A number is too large');
  return -1;
}

/** A number that is not zero. */
export function parseNzNumber(cursor: Cursor): number {
  const from = cursor.at;
  const value = parseNumber(cursor);
  if (value !== 0) return value;
  cursor.at = from;
  fail(cursor, 'A number must not be zero');
  return -1;
}

/** Whether a quoted string or a literal begins here. */
export function isAtString(cursor: Cursor): boolean {
  return cursor.peek() === quote || isAtLiteral(cursor);
}

/** A quoted string or literal as octets: a view, but for a quoted string with escapes. */
export function parseStringBytes(cursor: Cursor): Buffer | undefined {
  if (cursor.peek() === quote) return parseQuoted(cursor);
  return parseLiteral(cursor);
}

export function parseString(cursor: Cursor): string | undefined {
  return isAtString(cursor)
    ? textOf(cursor, parseStringBytes(cursor))
    : fail(cursor, 'A string is missing');
}

/** Text of UTF-8, whether the client enabled it or not: a log-in name or a search text may be any. */
export function parseAstring(cursor: Cursor): string | undefined {
  if (isAtAstringOctet(cursor)) return takeRun(cursor, classAstring);
  return parseString(cursor);
}

/** Null is NIL. */
export function parseNstring(cursor: Cursor): string | null | undefined {
  if (takeWord(cursor, 'NIL')) return null;
  return parseString(cursor);
}

function isAtAstringOctet(cursor: Cursor): boolean {
  const octet = cursor.peek();
  return octet >= 0 && (classes[octet]! & classAstring) !== 0 && !isAtLiteral(cursor);
}

/** `{` or `~{`. */
function isAtLiteral(cursor: Cursor): boolean {
  const octet = cursor.peek();
  return octet === braceOpen || (octet === tilde && cursor.peekSecond() === braceOpen);
}

function textOf(cursor: Cursor, bytes: Buffer | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  let ors = 0;
  for (let i = 0; i < bytes.length; i++) ors |= bytes[i]!;
  if (ors < 0x80) return bytes.toString('latin1');
  if (!isUtf8(bytes)) return fail(cursor, 'A string is not UTF-8');
  return bytes.toString('utf8');
}

function parseQuoted(cursor: Cursor): Buffer | undefined {
  const { bytes, end } = cursor;
  const from = cursor.at + 1;
  let escapes = 0;
  for (let i = from; i < end; i++) {
    const octet = bytes[i]!;
    if (octet === quote) {
      cursor.at = i + 1;
      const quoted = bytes.subarray(from, i);
      return escapes === 0 ? quoted : withoutEscapes(quoted, escapes);
    }
    if (octet === backslash) {
      escapes++;
      i++;
      if (i < end && bytes[i] !== quote && bytes[i] !== backslash) {
        cursor.at = i;
        return fail(cursor, 'A backslash quotes neither a quote nor a backslash');
      }
    } else if (octet === carriageReturn || octet === lineFeed || octet === 0) {
      cursor.at = i;
      return fail(cursor, 'A quoted string has a line break or NUL in it');
    }
  }
  return fail(cursor, 'A quoted string has no end');
}

function withoutEscapes(quoted: Buffer, escapes: number): Buffer {
  const plain = Buffer.allocUnsafe(quoted.length - escapes);
  let at = 0;
  for (let i = 0; i < quoted.length; i++) {
    if (quoted[i] === backslash) i++;
    plain[at++] = quoted[i]!;
  }
  return plain;
}

/** Offset of a literal's first octet where its mark begins at the cursor, and its length; undefined sets the fault. */
export interface LiteralMark {
  readonly from: number;
  readonly bytes: number;
  readonly isBinary: boolean;
}

export function parseLiteralMark(cursor: Cursor): LiteralMark | undefined {
  const start = cursor.at;
  const isBinary = takeOctet(cursor, tilde);
  if (!takeOctet(cursor, braceOpen)) return fail(cursor, 'A string is missing');
  const bytes = parseNumber64(cursor);
  if (bytes < 0) return undefined;
  takeOctet(cursor, plus);
  if (!expectOctet(cursor, braceClose, 'A literal has no closing brace')) return undefined;
  takeOctet(cursor, carriageReturn);
  if (!expectOctet(cursor, lineFeed, 'A literal does not end its line')) return undefined;
  const from = cursor.at;
  cursor.at = start;
  return { from, bytes, isBinary };
}

function parseLiteral(cursor: Cursor): Buffer | undefined {
  const mark = parseLiteralMark(cursor);
  if (mark === undefined) return undefined;
  if (mark.bytes > cursor.end - mark.from) return fail(cursor, 'A literal is not there');
  const literal = cursor.bytes.subarray(mark.from, mark.from + mark.bytes);
  // RFC 9051 §4.3: a literal has no NUL. literal8 may, and stands for messages only.
  if (mark.isBinary) return fail(cursor, 'A binary literal may not stand here');
  if (literal.includes(0)) return fail(cursor, 'A literal has NUL in it');
  cursor.at = mark.from + mark.bytes;
  return literal;
}

/** `(item item …)`; `least` 0 allows `()`. Nesting is the business of `parseItem`. */
export function parseList<T>(
  cursor: Cursor,
  parseItem: (cursor: Cursor) => T | undefined,
  least: 0 | 1 = 1,
): T[] | undefined {
  if (!expectOctet(cursor, parenOpen, 'An opening parenthesis is missing')) return undefined;
  const items: T[] = [];
  if (least === 0 && takeOctet(cursor, parenClose)) return items;
  for (;;) {
    const item = parseItem(cursor);
    if (item === undefined) return undefined;
    if (items.push(item) > listItemsMax) return fail(cursor, 'A list is too long', 'limit');
    if (takeOctet(cursor, parenClose)) return items;
    if (!expectOctet(cursor, space, 'A closing parenthesis is missing')) return undefined;
  }
}
