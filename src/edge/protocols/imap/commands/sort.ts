/**
 * SORT and UID SORT, with and without RETURN.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 5256 §3, §4; RFC 5957 (DISPLAYFROM, DISPLAYTO); RFC 5267 §3 (ESORT); RFC 7162 §3.1.6 (MODSEQ).
 */

import { imapAsks } from '../../../../actors/asks/imap-asks.ts';
import {
  contextNumbersMax,
  type PackedSort,
  type Sorted,
  searchWants,
} from '../../../../actors/asks/imap-search-asks.ts';
import type { Failure } from '../../../../base/errors.ts';
import { parseSort, type SortCommand } from '../../../../mail/wire/imap/parse-sort.ts';
import type { ReturnOptions } from '../../../../mail/wire/imap/parse-window.ts';
import {
  type Esearch,
  esearchParts,
  sortParts,
} from '../../../../mail/wire/imap/response-search.ts';
import type { Criteria } from '../../../../mail/wire/imap/search-keys.ts';
import { joinSets, orderedRanges } from '../../../../mail/wire/imap/set-parts.ts';
import { answerOf, bad, type CommandEnd, needsUids, notSaved, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, selectedState } from '../command.ts';
import { beginModseqs } from '../condstore.ts';
import { beginContext, isTagInUse, keepContext } from '../contexts.ts';
import { recentOf, withoutRecent } from '../recent.ts';
import { keepSaved, type SelectedMailbox, viewOf } from '../selected.ts';
import { modseqOf } from './search.ts';
import {
  numbersIn,
  readsText,
  respondInParts,
  runSearch,
  targetOf,
  usesNumbers,
} from './search-run.ts';

/** Above so many messages their order may take long to make. */
const shortCountMax = 5_000;

/** What a SORT or THREAD works on: its criteria, with texts looked for already. */
export interface Searchable {
  readonly criteria: Criteria;
  readonly saved: readonly number[];
}

const savedKey: Criteria = { op: 'set', isUid: true, isSaved: true, ranges: [] };

/** Searches texts piece by piece; the rest is left to the ask. Undefined: nobody waits any more. */
export async function searchable(
  session: CommandSession,
  tag: string,
  asked: Criteria,
): Promise<Searchable | Failure | undefined> {
  const selected = session.selected!;
  const criteria = withoutRecent(asked, recentOf(selected));
  if (!readsText(criteria)) return { criteria, saved: selected.saved };
  const wants = searchWants.uids;
  const found = await runSearch(session, tag, targetOf(selected), { criteria, wants });
  if (found === undefined || !found.ok) return found;
  return { criteria: savedKey, saved: Array.from(found.uids) };
}

export function classFor({ count }: SelectedMailbox): 'short' | 'long' {
  return count > shortCountMax ? 'long' : 'short';
}

async function sort(
  session: CommandSession,
  command: SortCommand,
  isUid: boolean,
  tag: string,
): Promise<CommandEnd> {
  if (session.isUidOnly && usesNumbers(command.criteria)) return needsUids;
  const { returns, order, hasModseq } = command;
  if (hasModseq) beginModseqs(session);
  const selected = session.selected!;
  const isUpdate = returns?.update === true;
  if (isUpdate && isTagInUse(selected, tag)) return bad('The tag is in use');
  const begun = { tag, isUid, criteria: command.criteria, order };
  const context = isUpdate ? await beginContext(session, selected, begun) : undefined;
  const asked = await searchable(session, tag, command.criteria);
  if (asked === undefined) return ok('SORT ended');
  if ('ok' in asked) return failed(selected, returns, asked);
  const { criteria, saved } = asked;
  const wants = (hasModseq ? searchWants.modseq : 0) | savedWants(returns);
  const how = [criteria, saved, order, windowOf(returns), wants] as const;
  const meta: PackedSort = [session.owner.id, viewOf(selected), isUid, ...how];
  const answer = await session.ask(imapAsks.sort, meta, { class: classFor(selected) });
  if (!answer.ok) return failed(selected, returns, answer);
  const sorted = answer.value as Sorted;
  const numbers = numbersIn(answer.body);
  const uids = numbers.subarray(0, sorted.uidsLength);
  const list = numbers.subarray(sorted.uidsLength);
  const modseqs = [sorted.modseq, sorted.firstModseq, sorted.lastModseq] as const;
  const told = hasModseq && sorted.count > 0 ? { modseq: modseqOf(returns, ...modseqs) } : {};
  if (returns === undefined) {
    await respondInParts(session, (writer) => sortParts(writer, list, told.modseq));
    return ok('SORT done');
  }
  if (returns.save && !keepSaved(selected, savedOf(sorted, uids, returns))) return notSaved;
  const found = chosen(sorted, list, returns);
  if (found !== undefined) {
    await respondInParts(session, (writer) =>
      esearchParts(writer, tag, isUid, { ...found, ...told }),
    );
  }
  if (context !== undefined) {
    const uids = await sortedUids(session, selected, { criteria, saved }, order, sorted.count);
    keepContext(session, selected, context, uids);
  }
  return ok('SORT done');
}

/** The whole list, for updates of it. Undefined: it is too long to keep. */
async function sortedUids(
  session: CommandSession,
  selected: SelectedMailbox,
  { criteria, saved }: Searchable,
  order: SortCommand['order'],
  count: number,
): Promise<ArrayLike<number> | undefined> {
  if (count > contextNumbersMax) return undefined;
  const how = [true, criteria, saved, order, null, 0] as const;
  const meta: PackedSort = [session.owner.id, viewOf(selected), ...how];
  const answer = await session.ask(imapAsks.sort, meta, { class: classFor(selected) });
  return answer.ok ? numbersIn(answer.body) : undefined;
}

/** RFC 9394 §3.2: without COUNT the part alone is saved. */
function savedWants(returns: ReturnOptions | undefined): number {
  if (returns?.save !== true) return 0;
  const isPart = returns.partial !== undefined && !returns.count;
  return isPart ? searchWants.partUids : searchWants.uids;
}

function failed(
  selected: SelectedMailbox,
  returns: ReturnOptions | undefined,
  { code }: Failure,
): CommandEnd {
  if (returns?.save === true) selected.saved = [];
  return answerOf(code);
}

/** Of the sorted list, what the answer tells. */
function windowOf(returns: ReturnOptions | undefined): PackedSort[6] {
  if (returns === undefined || returns.all) return null;
  return returns.partial ?? 0;
}

/** RFC 5267 §3.1: MIN and MAX are the first and the last in the order asked for. */
function chosen(
  { count, first, last }: Sorted,
  list: Uint32Array,
  returns: ReturnOptions,
): Esearch | undefined {
  const { min, max, all, save, partial } = returns;
  if (!min && !max && !all && !returns.count && partial === undefined && save) return undefined;
  return {
    ...(min && count > 0 ? { min: first } : {}),
    ...(max && count > 0 ? { max: last } : {}),
    ...(returns.count ? { count } : {}),
    ...(all ? { all: orderedRanges(list) } : {}),
    ...(partial === undefined ? {} : { partial: { range: partial, found: orderedRanges(list) } }),
  };
}

/** As of SEARCH. `uids` are those of the part where only that is saved. */
function savedOf(
  { firstUid, lastUid, count }: Sorted,
  uids: Uint32Array,
  { min, max, all, count: tellsCount, partial }: ReturnOptions,
): ArrayLike<number> {
  if (all || tellsCount || (!min && !max)) return uids;
  if (count === 0) return [];
  return joinSets([
    ...(min ? [[firstUid, firstUid]] : []),
    ...(max ? [[lastUid, lastUid]] : []),
    ...(partial === undefined ? [] : [uids]),
  ]);
}

export const sortCommand = {
  name: 'SORT',
  states: selectedState,
  keepsNumbers: true,
  namesNumbers: true,
  parse: parseSort,
  run: (session, command, tag) => sort(session, command, false, tag),
} as const satisfies ImapCommand<SortCommand>;

export const uidSortCommand = {
  name: 'UID SORT',
  states: selectedState,
  parse: parseSort,
  run: (session, command, tag) => sort(session, command, true, tag),
} as const satisfies ImapCommand<SortCommand>;
