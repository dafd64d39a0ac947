/**
 * Reads SELECT and EXAMINE.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9051 §6.3.2-3; RFC 7162 §3.1.8 (CONDSTORE), §3.2.5 (QRESYNC).
 */

import { type Cursor, fail } from './cursor.ts';
import { parenClose, parenOpen, space } from './octets.ts';
import { parseMailbox } from './parse-mailbox.ts';
import {
  expectEnd,
  expectOctet,
  expectSpace,
  parseName,
  parseNumber64,
  parseNzNumber,
  takeOctet,
} from './parse-strings.ts';
import { parseKnownSet, type SequenceSet } from './sequence-set.ts';

export interface Qresync {
  readonly uidValidity: number;
  readonly modseq: number;
  /** UIDs the client has; undefined: all below its UIDNEXT. */
  readonly knownUids: SequenceSet | undefined;
  /** Message numbers and their UIDs as the client remembers them, of equal count (RFC 7162 §3.2.5.2). */
  readonly matchNumbers: SequenceSet | undefined;
  readonly matchUids: SequenceSet | undefined;
}

export interface SelectCommand {
  readonly mailbox: string;
  readonly isCondstore: boolean;
  readonly qresync: Qresync | undefined;
}

export function parseSelect(cursor: Cursor): SelectCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const mailbox = parseMailbox(cursor);
  if (mailbox === undefined) return undefined;
  let isCondstore = false;
  let qresync: Qresync | undefined;
  if (takeOctet(cursor, space) && takeOctet(cursor, parenOpen)) {
    do {
      const name = parseName(cursor, 'A parameter');
      if (name === 'CONDSTORE') {
        isCondstore = true;
      } else if (name === 'QRESYNC' && qresync === undefined) {
        qresync = parseQresync(cursor);
        if (qresync === undefined) return undefined;
      } else {
        return fail(cursor, 'Unknown parameter');
      }
    } while (takeOctet(cursor, space));
    if (!expectOctet(cursor, parenClose, 'A closing parenthesis is missing')) return undefined;
  }
  return expectEnd(cursor) ? { mailbox, isCondstore, qresync } : undefined;
}

/** ` (uidvalidity modseq [known-uids] [(numbers uids)])` */
function parseQresync(cursor: Cursor): Qresync | undefined {
  if (!expectSpace(cursor)) return undefined;
  if (!expectOctet(cursor, parenOpen, 'QRESYNC has no arguments')) return undefined;
  const uidValidity = parseNzNumber(cursor);
  if (uidValidity < 0 || !expectSpace(cursor)) return undefined;
  const modseq = parseNumber64(cursor);
  if (modseq < 0) return undefined;
  let knownUids: SequenceSet | undefined;
  let matchNumbers: SequenceSet | undefined;
  let matchUids: SequenceSet | undefined;
  let isMore = takeOctet(cursor, space);
  if (isMore && cursor.peek() !== parenOpen) {
    knownUids = parseKnownSet(cursor);
    if (knownUids === undefined) return undefined;
    isMore = takeOctet(cursor, space);
  }
  if (isMore) {
    if (!expectOctet(cursor, parenOpen, 'QRESYNC has too many arguments')) return undefined;
    matchNumbers = parseKnownSet(cursor);
    if (matchNumbers === undefined || !expectSpace(cursor)) return undefined;
    matchUids = parseKnownSet(cursor);
    if (matchUids === undefined) return undefined;
    if (!expectOctet(cursor, parenClose, 'A closing parenthesis is missing')) return undefined;
  }
  if (!expectOctet(cursor, parenClose, 'A closing parenthesis is missing')) return undefined;
  return { uidValidity, modseq, knownUids, matchNumbers, matchUids };
}
