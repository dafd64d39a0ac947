/**
 * Reads mailbox names and LIST patterns, and the commands that have little else.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9051 §5.1 (names), §6.3.4-8 (CREATE, DELETE, RENAME, SUBSCRIBE), §6.4.7-8 (COPY, MOVE); RFC 6154 §3
 *            (CREATE with USE).
 * Invariant: a name that is answered is canonical (INBOX in capitals, NFC) and Unicode, however it travelled.
 */

import { type Cursor, fail } from './cursor.ts';
import { patternBytesMax } from './limits.ts';
import { canonicalName, decodeMutf7, nameFault, separator } from './mailbox-name.ts';
import { backslash, classAtom, classList, parenClose, parenOpen } from './octets.ts';
import {
  expectEnd,
  expectOctet,
  expectSpace,
  isAtString,
  parseAstring,
  parseList,
  parseName,
  parseString,
  takeOctet,
  takeRun,
} from './parse-strings.ts';
import { parseSequenceSet, type SequenceSet } from './sequence-set.ts';

/** A name as it stands, canonical; one that nothing can have is a fault of kind `name`. */
export function parseMailbox(cursor: Cursor): string | undefined {
  const from = cursor.at;
  const written = parseAstring(cursor);
  if (written === undefined) return undefined;
  const name = decodeName(cursor, written);
  const fault = name === undefined ? 'A mailbox name is not modified UTF-7' : nameFault(name);
  if (fault === undefined) return name;
  cursor.at = from;
  return fail(cursor, fault, 'name');
}

/** RFC 9755 §3: once UTF-8 is enabled, `&` is an ampersand. */
function decodeName(cursor: Cursor, written: string): string | undefined {
  const name = cursor.isUtf8 ? written : decodeMutf7(written);
  return name === undefined ? undefined : canonicalName(name);
}

/** No name holds it: a pattern of it finds nothing. */
const unmatched = '\uffff';

/**
 * A LIST pattern or reference: wildcards may stand unquoted, and empty it is allowed. One that is no modified UTF-7 is
 * right all the same (RFC 9051 §6.3.9 has no NO for it), and finds nothing.
 */
export function parsePattern(cursor: Cursor): string | undefined {
  const from = cursor.at;
  const written = isAtString(cursor) ? parseString(cursor) : takeRun(cursor, classList);
  if (written === undefined) return undefined;
  if (cursor.at === from) return fail(cursor, 'A mailbox pattern is missing');
  if (cursor.at - from > patternBytesMax) return fail(cursor, 'A pattern is too long', 'limit');
  const pattern = cursor.isUtf8 ? written : decodeMutf7(written);
  return pattern === undefined ? unmatched : pattern.normalize('NFC');
}

/** DELETE, SUBSCRIBE, UNSUBSCRIBE and the like. */
export function parseMailboxArgument(cursor: Cursor): string | undefined {
  if (!expectSpace(cursor)) return undefined;
  const name = parseMailbox(cursor);
  return name !== undefined && expectEnd(cursor) ? name : undefined;
}

export interface CreateCommand {
  readonly mailbox: string;
  /** As `\Drafts`, in the spelling of RFC 6154. */
  readonly specialUses: readonly string[];
}

const specialUses = [
  '\\All',
  '\\Archive',
  '\\Drafts',
  '\\Flagged',
  '\\Important',
  '\\Junk',
  '\\Sent',
  '\\Snoozed',
  '\\Trash',
] as const;

export function parseCreate(cursor: Cursor): CreateCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const from = cursor.at;
  const written = parseAstring(cursor);
  if (written === undefined) return undefined;
  // RFC 9051 §6.3.4: a separator at the end says that names below it will follow.
  const name = decodeName(cursor, written.endsWith(separator) ? written.slice(0, -1) : written);
  const fault = name === undefined ? 'A mailbox name is not modified UTF-7' : nameFault(name);
  if (name === undefined || fault !== undefined) {
    cursor.at = from;
    return fail(cursor, fault ?? '', 'name');
  }
  const uses = parseUses(cursor);
  return uses !== undefined && expectEnd(cursor) ? { mailbox: name, specialUses: uses } : undefined;
}

function parseUses(cursor: Cursor): readonly string[] | undefined {
  if (cursor.isAtEnd()) return [];
  if (!expectSpace(cursor)) return undefined;
  if (cursor.isAtEnd()) return [];
  if (!expectOctet(cursor, parenOpen, 'An opening parenthesis is missing')) return undefined;
  if (parseName(cursor, 'A parameter') !== 'USE') return fail(cursor, 'Unknown parameter');
  if (!expectSpace(cursor)) return undefined;
  const uses = parseList(cursor, parseUse, 0);
  if (uses === undefined) return undefined;
  return expectOctet(cursor, parenClose, 'A closing parenthesis is missing') ? uses : undefined;
}

function parseUse(cursor: Cursor): string | undefined {
  if (!takeOctet(cursor, backslash)) return fail(cursor, 'A special use begins with a backslash');
  const name = `\\${takeRun(cursor, classAtom)}`.toLowerCase();
  const use = specialUses.find((known) => known.toLowerCase() === name);
  // RFC 6154 §3: a use that cannot be given is NO [USEATTR]; the name is right all the same.
  return use ?? name;
}

export interface RenameCommand {
  readonly from: string;
  readonly to: string;
}

export function parseRename(cursor: Cursor): RenameCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const from = parseMailbox(cursor);
  if (from === undefined || !expectSpace(cursor)) return undefined;
  const to = parseMailbox(cursor);
  return to !== undefined && expectEnd(cursor) ? { from, to } : undefined;
}

export interface CopyCommand {
  readonly set: SequenceSet;
  readonly mailbox: string;
}

/** COPY and MOVE, by number or by UID. */
export function parseCopy(cursor: Cursor): CopyCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const set = parseSequenceSet(cursor);
  if (set === undefined || !expectSpace(cursor)) return undefined;
  const mailbox = parseMailbox(cursor);
  return mailbox !== undefined && expectEnd(cursor) ? { set, mailbox } : undefined;
}

/** UID EXPUNGE (RFC 4315 §2.1). */
export function parseSetArgument(cursor: Cursor): SequenceSet | undefined {
  if (!expectSpace(cursor)) return undefined;
  const set = parseSequenceSet(cursor);
  return set !== undefined && expectEnd(cursor) ? set : undefined;
}
