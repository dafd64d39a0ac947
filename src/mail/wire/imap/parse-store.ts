/**
 * Reads STORE and UID STORE.
 *
 * Runs in:   anywhere; pure; hot.
 * Specs:     RFC 9051 §6.4.6; RFC 7162 §3.1.3 (UNCHANGEDSINCE).
 */

import { type Cursor, fail } from './cursor.ts';
import { minus, parenClose, parenOpen, plus } from './octets.ts';
import { type Flags, parseBareFlags, parseFlagList } from './parse-flags.ts';
import {
  expectEnd,
  expectOctet,
  expectSpace,
  parseNumber64,
  takeOctet,
  takeWord,
} from './parse-strings.ts';
import { parseSequenceSet, type SequenceSet } from './sequence-set.ts';

export interface StoreCommand {
  readonly set: SequenceSet;
  /** Only messages whose modseq is not above; -1: all. */
  readonly unchangedSince: number;
  readonly op: 'add' | 'remove' | 'replace';
  readonly isSilent: boolean;
  readonly flags: Flags;
}

/** The cursor stands behind the command's name. */
export function parseStore(cursor: Cursor): StoreCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const set = parseSequenceSet(cursor);
  if (set === undefined || !expectSpace(cursor)) return undefined;
  const unchangedSince = cursor.peek() === parenOpen ? parseUnchangedSince(cursor) : -1;
  if (cursor.fault !== '') return undefined;
  let op: StoreCommand['op'] = 'replace';
  if (takeOctet(cursor, plus)) op = 'add';
  else if (takeOctet(cursor, minus)) op = 'remove';
  const isSilent = takeWord(cursor, 'FLAGS.SILENT');
  if (!isSilent && !takeWord(cursor, 'FLAGS')) return fail(cursor, 'Unknown STORE item');
  if (!expectSpace(cursor)) return undefined;
  const flags = cursor.peek() === parenOpen ? parseFlagList(cursor) : parseBareFlags(cursor);
  if (flags === undefined || !expectEnd(cursor)) return undefined;
  return { set, unchangedSince, op, isSilent, flags };
}

function parseUnchangedSince(cursor: Cursor): number {
  cursor.at++;
  if (!takeWord(cursor, 'UNCHANGEDSINCE')) {
    fail(cursor, 'Unknown modifier');
    return -1;
  }
  if (!expectSpace(cursor)) return -1;
  const modseq = parseNumber64(cursor);
  if (modseq < 0) return -1;
  expectOctet(cursor, parenClose, 'A closing parenthesis is missing');
  expectSpace(cursor);
  return modseq;
}
