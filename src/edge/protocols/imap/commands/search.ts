/**
 * SEARCH and UID SEARCH.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.4.4, §7.3.4 (ESEARCH); RFC 3501 §7.2.5 (SEARCH); RFC 4731 §3.2 (MODSEQ); RFC 5182 (SAVE);
 *          RFC 9394 (PARTIAL); RFC 9738 (MESSAGELIMIT).
 */

import { searchWants } from '../../../../actors/asks/imap-search-asks.ts';
import { parseSearch, type SearchCommand } from '../../../../mail/wire/imap/parse-search.ts';
import type { PartialRange, ReturnOptions } from '../../../../mail/wire/imap/parse-window.ts';
import {
  type Esearch,
  esearchParts,
  searchParts,
} from '../../../../mail/wire/imap/response-search.ts';
import { joinSets, partOf } from '../../../../mail/wire/imap/set-parts.ts';
import { answerOf, bad, type CommandEnd, needsUids, notSaved, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, selectedState } from '../command.ts';
import { beginModseqs } from '../condstore.ts';
import { beginContext, isTagInUse, keepContext } from '../contexts.ts';
import { keepSaved, type SelectedMailbox } from '../selected.ts';
import {
  countMaxOf,
  endLimited,
  isPartTooLarge,
  limitCode,
  newestToSearch,
  tooMany,
} from './message-limit.ts';
import {
  respondInParts,
  runSearch,
  type SearchAsked,
  type Searched,
  targetOf,
  usesNumbers,
} from './search-run.ts';

async function search(
  session: CommandSession,
  command: SearchCommand,
  isUid: boolean,
  tag: string,
): Promise<CommandEnd> {
  const { returns, criteria, hasModseq } = command;
  if (session.isUidOnly && usesNumbers(criteria)) return needsUids;
  if (hasModseq) beginModseqs(session);
  const selected = session.selected!;
  const isUpdate = returns?.update === true;
  if (isUpdate && isTagInUse(selected, tag)) return bad('The tag is in use');
  if (isPartTooLarge(session, returns?.partial)) {
    return failed(selected, returns, tooMany(limitCode(countMaxOf(session))));
  }
  const begun = { tag, isUid, criteria, order: null };
  const context = isUpdate ? await beginContext(session, selected, begun) : undefined;
  const limited = isPartAlone(returns)
    ? { asked: criteria, code: '' }
    : await newestToSearch(session, criteria);
  if ('ok' in limited) return failed(selected, returns, answerOf(limited.code));
  const wants = wantsOf(returns, isUid, hasModseq) | (isUpdate ? searchWants.uids : 0);
  const asked = { criteria: limited.asked, wants, ...enoughFor(returns, hasModseq) };
  const found = await runSearch(session, tag, targetOf(selected), asked);
  if (found === undefined) return ok('SEARCH ended');
  if (!found.ok) return failed(selected, returns, answerOf(found.code));
  const done = endLimited(session, ok('SEARCH done'), limited.code);
  const ranges = isUid ? found.uids : found.numbers;
  // RFC 7162 §3.1.5: where it was searched for.
  const modseqs = [found.modseq, found.minModseq, found.maxModseq] as const;
  const told = hasModseq && found.count > 0 ? { modseq: modseqOf(returns, ...modseqs) } : {};
  if (returns === undefined) {
    // RFC 9051 §7.3.4: rev2 knows no SEARCH response.
    await respondInParts(session, (writer) =>
      session.isRev2
        ? esearchParts(writer, tag, isUid, { all: ranges, ...told })
        : searchParts(writer, ranges, told.modseq),
    );
    return done;
  }
  if (returns.save && !keepSaved(selected, savedOf(found, returns))) return notSaved;
  const answer = chosen(found, returns, isUid);
  // RFC 5182 §2.1: SAVE alone answers nothing.
  if (answer !== undefined) {
    await respondInParts(session, (writer) =>
      esearchParts(writer, tag, isUid, { ...answer, ...told }),
    );
  }
  // What is left out cannot be told apart from what changed.
  const kept = limited.code === '' ? found.uids : undefined;
  if (context !== undefined) keepContext(session, selected, context, kept);
  return done;
}

/** RFC 5182 §2.1: a SEARCH that fails saves nothing. */
function failed(
  selected: SelectedMailbox,
  returns: ReturnOptions | undefined,
  end: CommandEnd,
): CommandEnd {
  if (returns?.save === true) selected.saved = [];
  return end;
}

/** It has a limit of its own: no more of the search is told or counted. */
function isPartAlone(returns: ReturnOptions | undefined): boolean {
  if (returns?.partial === undefined) return false;
  return !returns.min && !returns.max && !returns.count;
}

/** What the engine must answer with. */
export function wantsOf(
  returns: ReturnOptions | undefined,
  isUid: boolean,
  hasModseq: boolean,
): number {
  const lists = returns === undefined || returns.all || returns.partial !== undefined;
  const list = lists ? (isUid ? searchWants.uids : searchWants.numbers) : 0;
  const saved = returns?.save === true ? searchWants.uids : 0;
  return list | saved | (hasModseq ? searchWants.modseq : 0);
}

/** RFC 4731 §3.2: MIN and MAX alone tell the modseq of what they name; all else the highest of all found. */
export function modseqOf(
  returns: ReturnOptions | undefined,
  highest: number,
  first: number,
  last: number,
): number {
  if (returns === undefined) return highest;
  const { min, max, all, count, partial } = returns;
  if (all || count || partial !== undefined || (!min && !max)) return highest;
  return Math.max(min ? first : 0, max ? last : 0);
}

/** How much of the results is needed, and from which end: a search that has found it looks no further. */
export function enoughFor(
  returns: ReturnOptions | undefined,
  hasModseq: boolean,
): Pick<SearchAsked, 'enough' | 'isFromEnd'> {
  if (returns === undefined) return {};
  const { min, max, all, count, save, partial, update } = returns;
  if (update || all || count || (min && max) || (partial !== undefined && (min || max))) return {};
  if (partial !== undefined) {
    // The highest modseq is of all that match.
    return hasModseq ? {} : { enough: partial.last, isFromEnd: partial.isFromEnd };
  }
  if (min || max) return { enough: 1, isFromEnd: max };
  return save ? {} : { enough: 1 };
}

/** Undefined: nothing is to be answered. */
export function chosen(
  found: Searched,
  { min, max, all, count, save, partial }: ReturnOptions,
  isUid: boolean,
): Esearch | undefined {
  if (!min && !max && !all && !count && partial === undefined && save) return undefined;
  const isEmpty = found.count === 0;
  const ranges = isUid ? found.uids : found.numbers;
  return {
    ...(min && !isEmpty ? { min: isUid ? found.minUid : found.min } : {}),
    ...(max && !isEmpty ? { max: isUid ? found.maxUid : found.max } : {}),
    ...(count ? { count: found.count } : {}),
    ...(all ? { all: ranges } : {}),
    ...(partial === undefined ? {} : { partial: partialOf(ranges, partial) }),
  };
}

function partialOf(ranges: ArrayLike<number>, range: PartialRange) {
  return { range, found: partOf(ranges, range) };
}

/** RFC 5182 §2.4 and RFC 9394 §3.2: without ALL and COUNT only what MIN, MAX and PARTIAL name is saved. */
export function savedOf(found: Searched, returns: ReturnOptions): ArrayLike<number> {
  const { min, max, all, count, partial } = returns;
  if (all || count || (!min && !max && partial === undefined)) return found.uids;
  if (found.count === 0) return [];
  const { minUid, maxUid } = found;
  return joinSets([
    ...(min ? [[minUid, minUid]] : []),
    ...(max ? [[maxUid, maxUid]] : []),
    ...(partial === undefined ? [] : [partOf(found.uids, partial)]),
  ]);
}

export const searchCommand = {
  name: 'SEARCH',
  states: selectedState,
  keepsNumbers: true,
  namesNumbers: true,
  parse: parseSearch,
  run: (session, command, tag) => search(session, command, false, tag),
} as const satisfies ImapCommand<SearchCommand>;

export const uidSearchCommand = {
  name: 'UID SEARCH',
  states: selectedState,
  parse: parseSearch,
  run: (session, command, tag) => search(session, command, true, tag),
} as const satisfies ImapCommand<SearchCommand>;
