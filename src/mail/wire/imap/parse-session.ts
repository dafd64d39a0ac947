/**
 * Reads commands that concern the session itself.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9051 §6.1-6.3 (LOGIN, AUTHENTICATE, ENABLE); RFC 4959 (initial responses); RFC 2971 (ID); RFC 4978
 *            (COMPRESS).
 * Limits:    `idPairsMax` and its like, `listItemsMax` capabilities.
 * Invariant: credentials stand in the result only, never in a fault.
 */

import { Buffer } from 'node:buffer';
import { type Cursor, fail } from './cursor.ts';
import { idFieldBytesMax, idPairsMax, idValueBytesMax, listItemsMax } from './limits.ts';
import { classAtom, equals, parenClose, parenOpen, space } from './octets.ts';
import {
  expectEnd,
  expectOctet,
  expectSpace,
  parseAstring,
  parseAtom,
  parseName,
  parseNstring,
  parseString,
  takeOctet,
  takeRun,
  takeWord,
} from './parse-strings.ts';

/** NOOP, LOGOUT, CHECK, IDLE and all that takes nothing. */
export function parseNothing(cursor: Cursor): true | undefined {
  return expectEnd(cursor) ? true : undefined;
}

export interface LoginCommand {
  readonly user: string;
  readonly password: string;
}

export function parseLogin(cursor: Cursor): LoginCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const user = parseAstring(cursor);
  if (user === undefined || !expectSpace(cursor)) return undefined;
  const password = parseAstring(cursor);
  return password !== undefined && expectEnd(cursor) ? { user, password } : undefined;
}

export interface AuthenticateCommand {
  /** In upper case. */
  readonly mechanism: string;
  /** Decoded; empty for `=`; undefined where none stands and a continuation is due. */
  readonly initial: Buffer | undefined;
}

export function parseAuthenticate(cursor: Cursor): AuthenticateCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const mechanism = parseName(cursor, 'A mechanism');
  if (mechanism === undefined) return undefined;
  if (cursor.isAtEnd()) return { mechanism, initial: undefined };
  if (!expectSpace(cursor)) return undefined;
  // RFC 4959 §3: `=` is a response of no octets.
  if (takeOctet(cursor, equals)) {
    return expectEnd(cursor) ? { mechanism, initial: Buffer.alloc(0) } : undefined;
  }
  const text = takeRun(cursor, classAtom);
  const initial = decodeBase64(text);
  if (initial === undefined || text === '') return fail(cursor, 'The response is not base64');
  return expectEnd(cursor) ? { mechanism, initial } : undefined;
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Strictly (RFC 4648 §4): undefined for anything else. Also for the lines that answer a `+ `. */
export function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || !base64.test(text)) return undefined;
  return Buffer.from(text, 'base64');
}

/** Capabilities in upper case. */
export function parseEnable(cursor: Cursor): readonly string[] | undefined {
  const names: string[] = [];
  while (takeOctet(cursor, space)) {
    if (cursor.isAtEnd()) break;
    const name = parseName(cursor, 'A capability');
    if (name === undefined) return undefined;
    if (names.push(name) > listItemsMax) return fail(cursor, 'Too many capabilities', 'limit');
  }
  if (names.length === 0) return fail(cursor, 'A capability is missing');
  return expectEnd(cursor) ? names : undefined;
}

/** Fields in lower case; NIL is no pairs. */
export function parseId(cursor: Cursor): ReadonlyMap<string, string | null> | undefined {
  const pairs = new Map<string, string | null>();
  if (!expectSpace(cursor)) return undefined;
  if (takeWord(cursor, 'NIL')) return expectEnd(cursor) ? pairs : undefined;
  if (!expectOctet(cursor, parenOpen, 'ID takes a list or NIL')) return undefined;
  if (takeOctet(cursor, parenClose)) return expectEnd(cursor) ? pairs : undefined;
  do {
    const field = parseString(cursor);
    if (field === undefined || !expectSpace(cursor)) return undefined;
    const value = parseNstring(cursor);
    if (value === undefined) return undefined;
    const isTooLong =
      field.length > idFieldBytesMax || (value !== null && value.length > idValueBytesMax);
    pairs.set(field.toLowerCase(), value);
    if (isTooLong || pairs.size > idPairsMax) return fail(cursor, 'ID says too much', 'limit');
  } while (takeOctet(cursor, space));
  if (!expectOctet(cursor, parenClose, 'A closing parenthesis is missing')) return undefined;
  return expectEnd(cursor) ? pairs : undefined;
}

/** COMPRESS and its like: one word, in upper case. */
export function parseNameArgument(cursor: Cursor): string | undefined {
  if (!expectSpace(cursor)) return undefined;
  const name = parseAtom(cursor)?.toUpperCase();
  return name !== undefined && expectEnd(cursor) ? name : undefined;
}
