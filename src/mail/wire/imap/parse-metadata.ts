/**
 * Reads GETMETADATA and SETMETADATA, and the entries that LIST asks for.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5464 §3.2 (names of entries), §4.2-4.3, §5; RFC 9590 §5 (LIST … METADATA).
 * Limits:    `metadataEntriesMax` entries a command, `entryNameBytesMax` octets a name.
 * Invariant: names of entries come in lower case (RFC 5464 §3.2: they have no case). Values are copies.
 */

import { Buffer } from 'node:buffer';
import { type Cursor, fail } from './cursor.ts';
import { entryNameBytesMax, metadataEntriesMax } from './limits.ts';
import { braceOpen, parenClose, parenOpen, quote, slash, space, tilde } from './octets.ts';
import { parseMailbox } from './parse-mailbox.ts';
import {
  expectEnd,
  expectOctet,
  expectSpace,
  parseAstring,
  parseLiteralMark,
  parseName,
  parseNumber64,
  parseStringBytes,
  takeOctet,
  takeWord,
} from './parse-strings.ts';

/** 0: the entry alone; 1: those right below it too; infinite: all below it. */
export type MetadataDepth = 0 | 1 | 'infinity';

export interface GetMetadataCommand {
  /** "" is the server. */
  readonly mailbox: string;
  readonly entries: readonly string[];
  /** Larger values are left out; -1: none is. */
  readonly bytesMax: number;
  readonly depth: MetadataDepth;
}

export interface SetMetadataCommand {
  readonly mailbox: string;
  /** By entry; null takes it away. */
  readonly values: ReadonlyMap<string, Uint8Array | null>;
}

const entryPattern = /^\/(?:private|shared)(?:\/[^/\x00-\x1f\x7f-\uffff*%]+)*$/;
const roots: readonly string[] = ['/private', '/shared'];

export function parseGetMetadata(cursor: Cursor): GetMetadataCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  // Before the mailbox by the grammar, behind it by the examples (RFC 5464 §4.2.1, §5): both are read.
  const before = isAtOptions(cursor) ? parseOptions(cursor) : noOptions;
  if (before === undefined || (before !== noOptions && !expectSpace(cursor))) return undefined;
  const mailbox = parseMailboxOrServer(cursor);
  if (mailbox === undefined || !expectSpace(cursor)) return undefined;
  const isBehind = before === noOptions && isAtOptions(cursor);
  const options = isBehind ? parseOptions(cursor) : before;
  if (options === undefined || (isBehind && !expectSpace(cursor))) return undefined;
  const entries = parseMetadataEntries(cursor);
  return entries !== undefined && expectEnd(cursor) ? { mailbox, entries, ...options } : undefined;
}

/** One entry, or a list of them. Each once. */
export function parseMetadataEntries(cursor: Cursor): readonly string[] | undefined {
  const entries = new Set<string>();
  const isList = takeOctet(cursor, parenOpen);
  do {
    const entry = parseEntry(cursor);
    if (entry === undefined) return undefined;
    entries.add(entry);
    if (entries.size > metadataEntriesMax) return fail(cursor, 'Too many entries', 'limit');
  } while (isList && takeOctet(cursor, space));
  if (isList && !expectOctet(cursor, parenClose, 'A closing parenthesis is missing')) {
    return undefined;
  }
  return [...entries];
}

export function parseSetMetadata(cursor: Cursor): SetMetadataCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const mailbox = parseMailboxOrServer(cursor);
  if (mailbox === undefined || !expectSpace(cursor)) return undefined;
  if (!expectOctet(cursor, parenOpen, 'A list of entries is missing')) return undefined;
  const values = new Map<string, Uint8Array | null>();
  do {
    const from = cursor.at;
    const entry = parseEntry(cursor);
    if (entry === undefined) return undefined;
    if (roots.includes(entry) || values.has(entry)) {
      cursor.at = from;
      return fail(cursor, 'An entry is named twice, or cannot have a value');
    }
    if (!expectSpace(cursor)) return undefined;
    const value = parseValue(cursor);
    if (value === undefined) return undefined;
    values.set(entry, value);
    if (values.size > metadataEntriesMax) return fail(cursor, 'Too many entries', 'limit');
  } while (takeOctet(cursor, space));
  if (!expectOctet(cursor, parenClose, 'A closing parenthesis is missing')) return undefined;
  return expectEnd(cursor) ? { mailbox, values } : undefined;
}

interface Options {
  readonly bytesMax: number;
  readonly depth: MetadataDepth;
}

const noOptions: Options = { bytesMax: -1, depth: 0 };

/** A list that begins with neither a string nor a slash is not of entries. */
function isAtOptions(cursor: Cursor): boolean {
  const second = cursor.peekSecond();
  const isEntry = second === slash || second === quote || second === braceOpen || second === tilde;
  return cursor.peek() === parenOpen && !isEntry;
}

function parseOptions(cursor: Cursor): Options | undefined {
  let { bytesMax, depth } = noOptions;
  cursor.at++;
  do {
    const name = parseName(cursor, 'An option');
    if (name === undefined || !expectSpace(cursor)) return undefined;
    if (name === 'MAXSIZE') {
      bytesMax = parseNumber64(cursor);
      if (bytesMax < 0) return undefined;
    } else if (name === 'DEPTH') {
      if (takeWord(cursor, '0')) depth = 0;
      else if (takeWord(cursor, '1')) depth = 1;
      else if (takeWord(cursor, 'INFINITY')) depth = 'infinity';
      else return fail(cursor, 'DEPTH is 0, 1 or infinity');
    } else return fail(cursor, 'Unknown option');
  } while (takeOctet(cursor, space));
  if (!expectOctet(cursor, parenClose, 'A closing parenthesis is missing')) return undefined;
  return { bytesMax, depth };
}

function parseMailboxOrServer(cursor: Cursor): string | undefined {
  if (cursor.peek() !== quote || cursor.peekSecond() !== quote) return parseMailbox(cursor);
  cursor.at += 2;
  return '';
}

function parseEntry(cursor: Cursor): string | undefined {
  const from = cursor.at;
  const entry = parseAstring(cursor)?.toLowerCase();
  if (entry === undefined) return undefined;
  if (entry.length <= entryNameBytesMax && entryPattern.test(entry)) return entry;
  cursor.at = from;
  return fail(cursor, 'An entry begins with /private or /shared, and has no empty level');
}

/** A string, a literal of any octets, or NIL. */
function parseValue(cursor: Cursor): Uint8Array | null | undefined {
  if (takeWord(cursor, 'NIL')) return null;
  if (cursor.peek() !== tilde) {
    const octets = parseStringBytes(cursor);
    return octets === undefined ? undefined : Buffer.from(octets);
  }
  const mark = parseLiteralMark(cursor);
  if (mark === undefined) return undefined;
  const { from, bytes } = mark;
  if (bytes > cursor.end - from) return fail(cursor, 'A literal is not there');
  cursor.at = from + bytes;
  return Buffer.from(cursor.bytes.subarray(from, from + bytes));
}
