/**
 * Reads LIST with its selection and return options, and LSUB.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9051 §6.3.9 and RFC 5258 (LIST-EXTENDED); RFC 5819 (STATUS); RFC 6154
 *            (SPECIAL-USE); RFC 8440 (MYRIGHTS); RFC 9590 (METADATA); RFC 3501 §6.3.9 (LSUB).
 * Limits:    `patternsMax` patterns, `listItemsMax` options.
 */

import { type Cursor, fail } from './cursor.ts';
import { patternsMax } from './limits.ts';
import { parenClose, parenOpen, space } from './octets.ts';
import { parsePattern } from './parse-mailbox.ts';
import { parseMetadataEntries } from './parse-metadata.ts';
import { parseStatusItems, type StatusItem } from './parse-status.ts';
import {
  expectEnd,
  expectOctet,
  expectSpace,
  parseList,
  parseName,
  takeOctet,
  takeWord,
} from './parse-strings.ts';

export interface ListSelection {
  readonly subscribed: boolean;
  readonly remote: boolean;
  readonly recursiveMatch: boolean;
  readonly specialUse: boolean;
}

export interface ListReturn {
  readonly subscribed: boolean;
  readonly children: boolean;
  readonly specialUse: boolean;
  /** Empty: STATUS was not asked for. */
  readonly status: readonly StatusItem[];
  /** RFC 8440: the reader's rights. */
  readonly myRights?: true;
  /** RFC 9590: entries of metadata. */
  readonly metadata?: readonly string[];
}

export interface ListCommand {
  readonly reference: string;
  readonly patterns: readonly string[];
  readonly select: ListSelection;
  readonly returns: ListReturn;
  /** Neither options nor several patterns: an empty pattern asks for the separator (RFC 9051 §6.3.9). */
  readonly isBasic: boolean;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const nothingSelected: ListSelection = {
  subscribed: false,
  remote: false,
  recursiveMatch: false,
  specialUse: false,
};
const nothingReturned: ListReturn = {
  subscribed: false,
  children: false,
  specialUse: false,
  status: [],
};

/** LSUB; the cursor stands behind the name. */
export function parseLsub(cursor: Cursor): ListCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const reference = parsePattern(cursor);
  if (reference === undefined || !expectSpace(cursor)) return undefined;
  const pattern = parsePattern(cursor);
  if (pattern === undefined || !expectEnd(cursor)) return undefined;
  return {
    reference,
    patterns: [pattern],
    select: nothingSelected,
    returns: nothingReturned,
    isBasic: true,
  };
}

export function parseListCommand(cursor: Cursor): ListCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  let select = nothingSelected;
  let isBasic = true;
  if (cursor.peek() === parenOpen) {
    const options = parseSelection(cursor);
    if (options === undefined || !expectSpace(cursor)) return undefined;
    select = options;
    isBasic = false;
  }
  const reference = parsePattern(cursor);
  if (reference === undefined || !expectSpace(cursor)) return undefined;
  let patterns: readonly string[] | undefined;
  if (cursor.peek() === parenOpen) {
    patterns = parseList(cursor, parsePattern);
    if (patterns !== undefined && patterns.length > patternsMax) {
      return fail(cursor, 'Too many patterns', 'limit');
    }
    isBasic = false;
  } else {
    const pattern = parsePattern(cursor);
    patterns = pattern === undefined ? undefined : [pattern];
  }
  if (patterns === undefined) return undefined;
  let returns: ListReturn | undefined = nothingReturned;
  if (takeOctet(cursor, space) && takeWord(cursor, 'RETURN')) {
    returns = parseReturns(cursor);
    if (returns === undefined) return undefined;
    isBasic = false;
  }
  return expectEnd(cursor) ? { reference, patterns, select, returns, isBasic } : undefined;
}

function parseSelection(cursor: Cursor): ListSelection | undefined {
  const options: Writable<ListSelection> = { ...nothingSelected };
  const names = parseList(cursor, parseOption, 0);
  if (names === undefined) return undefined;
  for (const name of names) {
    if (name === 'SUBSCRIBED') options.subscribed = true;
    else if (name === 'REMOTE') options.remote = true;
    else if (name === 'RECURSIVEMATCH') options.recursiveMatch = true;
    else if (name === 'SPECIAL-USE') options.specialUse = true;
    else return fail(cursor, 'Unknown LIST selection option');
  }
  // RFC 9051 §6.3.9.1: RECURSIVEMATCH needs an option that selects; REMOTE does not.
  if (options.recursiveMatch && !options.subscribed && !options.specialUse) {
    return fail(cursor, 'RECURSIVEMATCH needs a selection option beside it');
  }
  return options;
}

function parseOption(cursor: Cursor): string | undefined {
  return parseName(cursor, 'A LIST option');
}

function parseReturns(cursor: Cursor): ListReturn | undefined {
  const returns: Writable<ListReturn> = { ...nothingReturned };
  if (!expectSpace(cursor)) return undefined;
  if (!expectOctet(cursor, parenOpen, 'RETURN has no options')) return undefined;
  if (takeOctet(cursor, parenClose)) return returns;
  do {
    const name = parseName(cursor, 'A LIST option');
    if (name === 'SUBSCRIBED') returns.subscribed = true;
    else if (name === 'CHILDREN') returns.children = true;
    else if (name === 'SPECIAL-USE') returns.specialUse = true;
    else if (name === 'STATUS') {
      const items = expectSpace(cursor) ? parseStatusItems(cursor) : undefined;
      if (items === undefined) return undefined;
      returns.status = items;
    } else if (name === 'MYRIGHTS') returns.myRights = true;
    else if (name === 'METADATA') {
      const entries = expectSpace(cursor) ? parseMetadataEntries(cursor) : undefined;
      if (entries === undefined) return undefined;
      returns.metadata = entries;
    } else return fail(cursor, 'Unknown LIST return option');
  } while (takeOctet(cursor, space));
  return expectOctet(cursor, parenClose, 'RETURN has no closing parenthesis') ? returns : undefined;
}
