/**
 * Reads GETQUOTA and SETQUOTA; GETQUOTAROOT takes a mailbox and nothing else.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9208 §4.1, §7.
 * Limits:    `listItemsMax` resources.
 */

import { type Cursor, fail } from './cursor.ts';
import { parenClose, parenOpen, space } from './octets.ts';
import {
  expectEnd,
  expectOctet,
  expectSpace,
  parseAstring,
  parseName,
  parseNumber64,
  takeOctet,
} from './parse-strings.ts';

/** A root's name may be empty. */
export function parseGetQuota(cursor: Cursor): string | undefined {
  if (!expectSpace(cursor)) return undefined;
  const root = parseAstring(cursor);
  return root !== undefined && expectEnd(cursor) ? root : undefined;
}

export interface SetQuotaCommand {
  readonly root: string;
  /** By resource, in upper case, known or not. */
  readonly limits: ReadonlyMap<string, number>;
}

export function parseSetQuota(cursor: Cursor): SetQuotaCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const root = parseAstring(cursor);
  if (root === undefined || !expectSpace(cursor)) return undefined;
  if (!expectOctet(cursor, parenOpen, 'A list of limits is missing')) return undefined;
  const limits = new Map<string, number>();
  if (takeOctet(cursor, parenClose)) return expectEnd(cursor) ? { root, limits } : undefined;
  do {
    const name = parseName(cursor, 'A resource');
    if (name === undefined || !expectSpace(cursor)) return undefined;
    const limit = parseNumber64(cursor);
    if (limit < 0) return undefined;
    if (limits.has(name)) return fail(cursor, 'A resource is named twice');
    limits.set(name, limit);
  } while (takeOctet(cursor, space));
  if (!expectOctet(cursor, parenClose, 'A closing parenthesis is missing')) return undefined;
  return expectEnd(cursor) ? { root, limits } : undefined;
}
