/**
 * Reads APPEND and REPLACE up to the literal of a message, and what follows it.
 *
 * Runs in:   anywhere; pure. The reader shows the command so far with its `literal`; what is read of it here says
 *            where the message goes before its first octet came.
 * Specs:     RFC 9051 §6.3.12; RFC 3502 (MULTIAPPEND); RFC 8508 (REPLACE); RFC 3516 §4.4 (`~{n}`); RFC 6855 §4 (`UTF8 (~{n}`).
 */

import { type Cursor, fail } from './cursor.ts';
import { parenClose, parenOpen, quote, space } from './octets.ts';
import { parseDateTime } from './parse-dates.ts';
import { type Flags, noFlags, parseFlagList } from './parse-flags.ts';
import { parseMailbox } from './parse-mailbox.ts';
import {
  expectEnd,
  expectOctet,
  expectSpace,
  isAtString,
  parseLiteralMark,
  takeOctet,
  takeWord,
} from './parse-strings.ts';
import { parseSequenceSet, type SequenceSet } from './sequence-set.ts';

export interface AppendItem {
  readonly flags: Flags;
  /** Epoch milliseconds; undefined: now. */
  readonly internalMs: number | undefined;
  /** `UTF8 (~{n}`: a closing parenthesis follows the literal. */
  readonly isUtf8: boolean;
}

export interface AppendStart {
  readonly mailbox: string;
  /** REPLACE's message; undefined for APPEND. */
  readonly replaced: SequenceSet | undefined;
  readonly item: AppendItem;
}

/** The literal announced is the mailbox's name: gather it, and parse again at the next one. */
export const nameIsLiteral = 'name';

/** Reads from behind the name to the end of a `literal`. */
export function parseAppendStart(cursor: Cursor): AppendStart | typeof nameIsLiteral | undefined {
  return parseStart(cursor, undefined);
}

/** REPLACE and UID REPLACE: one message, named before the mailbox. */
export function parseReplaceStart(cursor: Cursor): AppendStart | typeof nameIsLiteral | undefined {
  if (!expectSpace(cursor)) return undefined;
  const from = cursor.at;
  const replaced = parseSequenceSet(cursor);
  if (replaced === undefined) return undefined;
  // RFC 8508 §3.1: seq-number, or `*`.
  if (replaced.ranges.length !== 2 || replaced.ranges[0] !== replaced.ranges[1]) {
    cursor.at = from;
    return fail(cursor, 'REPLACE takes one message');
  }
  return parseStart(cursor, replaced);
}

function parseStart(
  cursor: Cursor,
  replaced: SequenceSet | undefined,
): AppendStart | typeof nameIsLiteral | undefined {
  if (!expectSpace(cursor)) return undefined;
  if (isAtString(cursor) && cursor.peek() !== quote) {
    const mark = parseLiteralMark(cursor);
    if (mark === undefined) return undefined;
    // Only the literal that is announced has none of its octets there yet: its mark ends what is shown.
    if (mark.from === cursor.end) {
      cursor.at = mark.from;
      return nameIsLiteral;
    }
  }
  const mailbox = parseMailbox(cursor);
  if (mailbox === undefined) return undefined;
  const item = parseItem(cursor);
  return item === undefined ? undefined : { mailbox, replaced, item };
}

/** MULTIAPPEND: a further message, in what is shown with the next `literal`; `before` is the item before it. */
export function parseAppendNext(cursor: Cursor, before: AppendItem): AppendItem | undefined {
  if (!endItem(cursor, before)) return undefined;
  return parseItem(cursor);
}

/** What is left of the command behind its last literal. */
export function parseAppendEnd(cursor: Cursor, last: AppendItem): boolean {
  return endItem(cursor, last) && expectEnd(cursor);
}

function endItem(cursor: Cursor, item: AppendItem): boolean {
  return !item.isUtf8 || expectOctet(cursor, parenClose, 'UTF8 has no closing parenthesis');
}

function parseItem(cursor: Cursor): AppendItem | undefined {
  if (!expectSpace(cursor)) return undefined;
  let flags: Flags | undefined = noFlags;
  if (cursor.peek() === parenOpen) {
    flags = parseFlagList(cursor);
    if (flags === undefined || !expectSpace(cursor)) return undefined;
  }
  let internalMs: number | undefined;
  if (cursor.peek() === quote) {
    internalMs = parseDateTime(cursor);
    if (internalMs === undefined || !expectSpace(cursor)) return undefined;
  }
  const isUtf8 = takeWord(cursor, 'UTF8');
  if (isUtf8 && !(takeOctet(cursor, space) && takeOctet(cursor, parenOpen))) {
    return fail(cursor, 'UTF8 has no literal');
  }
  const mark = parseLiteralMark(cursor);
  if (mark === undefined) return undefined;
  if (mark.from !== cursor.end) return fail(cursor, 'A message is not where it must be');
  cursor.at = mark.from;
  return { flags, internalMs, isUtf8 };
}
