/**
 * Reads STATUS, and the items that LIST-STATUS asks for.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9051 §6.3.11; RFC 8438 (SIZE); RFC 7162 (HIGHESTMODSEQ); RFC 7889 (APPENDLIMIT); RFC 8474 (MAILBOXID);
 *            RFC 9208 §4.1.4 (DELETED-STORAGE).
 */

import { type Cursor, fail } from './cursor.ts';
import { parseMailbox } from './parse-mailbox.ts';
import { expectEnd, expectSpace, parseList, parseName } from './parse-strings.ts';

const statusItems = [
  'MESSAGES',
  'RECENT',
  'UIDNEXT',
  'UIDVALIDITY',
  'UNSEEN',
  'DELETED',
  'DELETED-STORAGE',
  'SIZE',
  'HIGHESTMODSEQ',
  'APPENDLIMIT',
  'MAILBOXID',
] as const;
export type StatusItem = (typeof statusItems)[number];

export interface StatusCommand {
  readonly mailbox: string;
  /** Each once. */
  readonly items: readonly StatusItem[];
}

export function parseStatus(cursor: Cursor): StatusCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const mailbox = parseMailbox(cursor);
  if (mailbox === undefined || !expectSpace(cursor)) return undefined;
  const items = parseStatusItems(cursor);
  return items !== undefined && expectEnd(cursor) ? { mailbox, items } : undefined;
}

export function parseStatusItems(cursor: Cursor): readonly StatusItem[] | undefined {
  const items = parseList(cursor, parseStatusItem);
  return items === undefined ? undefined : [...new Set(items)];
}

function parseStatusItem(cursor: Cursor): StatusItem | undefined {
  const name = parseName(cursor, 'A STATUS item');
  const item = statusItems.find((known) => known === name);
  return item ?? fail(cursor, 'Unknown STATUS item');
}
