/**
 * SEARCH and UID SEARCH.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.4.4, §7.3.4 (ESEARCH); RFC 3501 §7.2.5 (SEARCH); RFC 5182 (SAVE).
 */

import { type Found, imapAsks, type PackedSearch } from '../../../../actors/asks/imap-asks.ts';
import { parseSearch, type SearchCommand } from '../../../../mail/wire/imap/parse-search.ts';
import type { ReturnOptions } from '../../../../mail/wire/imap/parse-window.ts';
import {
  type Esearch,
  writeEsearch,
  writeSearch,
} from '../../../../mail/wire/imap/response-data.ts';
import type { Criteria } from '../../../../mail/wire/imap/search-keys.ts';
import { answerOf, bad, type CommandEnd, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, selectedState } from '../command.ts';
import { viewOf } from '../selected.ts';

async function search(
  session: CommandSession,
  command: SearchCommand,
  isUid: boolean,
  tag: string,
): Promise<CommandEnd> {
  const { returns, criteria, hasModseq } = command;
  if (returns?.partial !== undefined || asksUnknown(criteria)) {
    return bad('Unknown search key or option');
  }
  session.isCondstore ||= hasModseq;
  const selected = session.selected!;
  const account = session.account!;
  const meta: PackedSearch = [account.id, viewOf(selected), isUid, criteria, selected.saved];
  const kind = readsText(criteria) ? 'long' : 'short';
  const answer = await session.ask(imapAsks.search, meta, { class: kind });
  if (!answer.ok) {
    // RFC 5182 §2.1: a SEARCH that fails saves nothing.
    if (returns?.save === true) selected.saved = [];
    return answer.code === 'argument-invalid'
      ? bad('No such message number')
      : answerOf(answer.code);
  }
  const { ranges, uids, modseq } = answer.value as Found;
  // RFC 7162 §3.1.5: the highest of those found, where it was searched for.
  const told = hasModseq && uids.length > 0 ? { modseq } : {};
  if (returns === undefined && session.isRev2) {
    // RFC 9051 §7.3.4: rev2 knows no SEARCH response.
    session.respond((writer) => writeEsearch(writer, tag, isUid, { all: ranges, ...told }));
    return ok('SEARCH done');
  }
  if (returns === undefined) {
    session.respond((writer) => writeSearch(writer, ranges, told.modseq));
    return ok('SEARCH done');
  }
  if (returns.save) selected.saved = savedOf(uids, returns);
  const found = chosen(ranges, returns);
  // RFC 5182 §2.1: SAVE alone answers nothing.
  if (found !== undefined) {
    session.respond((writer) => writeEsearch(writer, tag, isUid, { ...found, ...told }));
  }
  return ok('SEARCH done');
}

function chosen(ranges: readonly number[], returns: ReturnOptions): Esearch | undefined {
  const { min, max, all, count, save } = returns;
  if (!min && !max && !all && !count && save) return undefined;
  const isEmpty = ranges.length === 0;
  return {
    ...(min && !isEmpty ? { min: ranges[0]! } : {}),
    ...(max && !isEmpty ? { max: ranges.at(-1)! } : {}),
    ...(count ? { count: countOf(ranges) } : {}),
    ...(all ? { all: ranges } : {}),
  };
}

/** RFC 5182 §2.4: with MIN or MAX and neither ALL nor COUNT, only those are saved. */
function savedOf(uids: readonly number[], { min, max, all, count }: ReturnOptions) {
  if (all || count || (!min && !max) || uids.length === 0) return uids;
  const [first, last] = [uids[0]!, uids.at(-1)!];
  if (min && max) return first === last ? [first, first] : [first, first, last, last];
  return min ? [first, first] : [last, last];
}

function countOf(ranges: readonly number[]): number {
  let count = 0;
  for (let i = 0; i < ranges.length; i += 2) count += ranges[i + 1]! - ranges[i]! + 1;
  return count;
}

function some(criteria: Criteria, test: (key: Criteria) => boolean): boolean {
  switch (criteria.op) {
    case 'not':
      return some(criteria.key, test);
    case 'or':
      return some(criteria.left, test) || some(criteria.right, test);
    case 'and':
      return criteria.keys.some((key) => some(key, test));
    default:
      return test(criteria);
  }
}

function readsText(criteria: Criteria): boolean {
  return some(criteria, ({ op }) => op === 'text' || op === 'header');
}

/** Keys of extensions that are not here. */
function asksUnknown(criteria: Criteria): boolean {
  return some(
    criteria,
    (key) => key.op === 'saves-dates' || (key.op === 'date' && key.of === 'saved'),
  );
}

export const searchCommand = {
  name: 'SEARCH',
  states: selectedState,
  keepsNumbers: true,
  parse: parseSearch,
  run: (session, command, tag) => search(session, command, false, tag),
} as const satisfies ImapCommand<SearchCommand>;

export const uidSearchCommand = {
  name: 'UID SEARCH',
  states: selectedState,
  parse: parseSearch,
  run: (session, command, tag) => search(session, command, true, tag),
} as const satisfies ImapCommand<SearchCommand>;
