/**
 * The part of a set that PARTIAL asks for.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9394 §3.3; §3.4 (the part is taken before CHANGEDSINCE is looked at).
 */

import { searchWants } from '../../../../actors/asks/imap-search-asks.ts';
import type { Failure } from '../../../../base/errors.ts';
import type { FetchCommand } from '../../../../mail/wire/imap/parse-fetch.ts';
import { partOf } from '../../../../mail/wire/imap/set-parts.ts';
import type { CommandSession } from '../command.ts';
import { runSearch, targetOf } from './search-run.ts';
import type { AskedSet } from './sets.ts';

/** Undefined: all of the set is asked for. */
export async function partOfSet(
  session: CommandSession,
  tag: string,
  { set, partial }: FetchCommand,
): Promise<AskedSet | Failure | undefined> {
  if (partial === undefined) return undefined;
  const found = await runSearch(session, tag, targetOf(session.selected!), {
    criteria: { op: 'set', isUid: true, ...set },
    wants: searchWants.uids,
    enough: partial.last,
    isFromEnd: partial.isFromEnd,
  });
  if (found === undefined) return { set: [], isUids: true };
  return found.ok ? { set: partOf(found.uids, partial), isUids: true } : found;
}
