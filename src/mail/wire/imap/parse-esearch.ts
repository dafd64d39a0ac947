/**
 * Reads ESEARCH: which mailboxes to search, and what for.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 7377 §2.2, §4 (source options); RFC 5465 §6 (filters).
 * Limits:    `listItemsMax` filters, and names of each; those of SEARCH.
 */

import { type Cursor, fail } from './cursor.ts';
import { listItemsMax } from './limits.ts';
import { parenClose, parenOpen, space } from './octets.ts';
import { parseMailboxes } from './parse-notify.ts';
import { parseSearch, type SearchCommand } from './parse-search.ts';
import { expectOctet, expectSpace, parseName, takeOctet, takeWord } from './parse-strings.ts';

const filters = [
  'SELECTED',
  'INBOXES',
  'PERSONAL',
  'SUBSCRIBED',
  'SUBTREE',
  'SUBTREE-ONE',
  'MAILBOXES',
] as const;

export interface SourceFilter {
  readonly filter: (typeof filters)[number];
  /** Of SUBTREE, SUBTREE-ONE and MAILBOXES. */
  readonly mailboxes: readonly string[];
}

export interface EsearchCommand extends SearchCommand {
  readonly sources: readonly SourceFilter[];
}

const selectedAlone: readonly SourceFilter[] = [{ filter: 'SELECTED', mailboxes: [] }];

export function parseEsearch(cursor: Cursor): EsearchCommand | undefined {
  const from = cursor.at;
  if (!expectSpace(cursor)) return undefined;
  let sources: readonly SourceFilter[] | undefined = selectedAlone;
  if (takeWord(cursor, 'IN')) sources = expectSpace(cursor) ? parseSources(cursor) : undefined;
  else cursor.at = from;
  if (sources === undefined) return undefined;
  const command = parseSearch(cursor);
  return command === undefined ? undefined : { ...command, sources };
}

function parseSources(cursor: Cursor): SourceFilter[] | undefined {
  if (!expectOctet(cursor, parenOpen, 'Mailboxes are missing')) return undefined;
  const sources: SourceFilter[] = [];
  do {
    // RFC 7377 §4: options of the scope may follow here; none is defined.
    if (cursor.peek() === parenOpen) return fail(cursor, 'Unknown option of the scope');
    const source = parseSource(cursor);
    if (source === undefined) return undefined;
    if (sources.push(source) > listItemsMax) return fail(cursor, 'Too many filters', 'limit');
  } while (takeOctet(cursor, space));
  return expectOctet(cursor, parenClose, 'Mailboxes have no end') ? sources : undefined;
}

function parseSource(cursor: Cursor): SourceFilter | undefined {
  const name = parseName(cursor, 'A filter of mailboxes');
  if (name === undefined) return undefined;
  const filter = filters.find((one) => one === name);
  if (filter === undefined) return fail(cursor, 'Unknown filter of mailboxes');
  if (filter !== 'SUBTREE' && filter !== 'SUBTREE-ONE' && filter !== 'MAILBOXES') {
    return { filter, mailboxes: [] };
  }
  const mailboxes = expectSpace(cursor) ? parseMailboxes(cursor) : undefined;
  return mailboxes === undefined ? undefined : { filter, mailboxes };
}
