/**
 * Searches whose results are kept up to date: what is told of them beside the changes of the mailbox.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5267 §4.3 (UPDATE, NOUPDATE, ADDTO, REMOVEFROM); sequence numbers in a search mean the messages they
 *            named when it came.
 * Limits:    `contextsMax` of a session, each with `contextNumbersMax` numbers, and as many in each set of its
 *            criteria; past any of them NOUPDATE tells so.
 * Invariant: REMOVEFROM is told before the EXPUNGE, ADDTO after the EXISTS of the same change.
 */

import { imapAsks, type PackedView } from '../../../actors/asks/imap-asks.ts';
import {
  type ContextUpdate,
  contextNumbersMax,
  type PackedContext,
  type ResultChange,
  searchWants,
} from '../../../actors/asks/imap-search-asks.ts';
import { esearchParts } from '../../../mail/wire/imap/response-search.ts';
import { untagged, writeStatus } from '../../../mail/wire/imap/response-status.ts';
import type { Criteria } from '../../../mail/wire/imap/search-keys.ts';
import type { CommandSession } from './command.ts';
import { readsText, respondInParts, runSearch, targetOf } from './commands/search-run.ts';
import { recentOf, withoutRecent } from './recent.ts';
import { type SearchContext, type SelectedMailbox, viewOf } from './selected.ts';

const contextsMax = 8;

/** RFC 5267 §4.3: the tag names the context. */
export function isTagInUse({ contexts }: SelectedMailbox, tag: string): boolean {
  return contexts.some((context) => context.tag === tag);
}

export type NewContext = Pick<SearchContext, 'tag' | 'isUid' | 'order' | 'modseq' | 'uidNext'> & {
  /** Undefined: what its numbers stand for could not be kept, or not be found out. */
  readonly criteria: Criteria | undefined;
};

type Begun = Pick<SearchContext, 'tag' | 'isUid' | 'criteria' | 'order'>;

/** What a command with UPDATE begins from, before it searches. */
export async function beginContext(
  session: CommandSession,
  selected: SelectedMailbox,
  context: Begun,
): Promise<NewContext> {
  const { flagModseq: modseq, uidNext } = selected;
  const criteria = await frozen(session, selected, context.tag, context.criteria);
  return { ...context, criteria, modseq, uidNext };
}

/** Undefined results: there are too many. */
export function keepContext(
  session: CommandSession,
  selected: SelectedMailbox,
  context: NewContext,
  uids: ArrayLike<number> | undefined,
): void {
  const { criteria } = context;
  const isTooMuch = uids === undefined || uids.length > contextNumbersMax;
  if (isTooMuch || criteria === undefined || selected.contexts.length >= contextsMax) {
    refuse(session, context.tag);
    return;
  }
  const kept = { ...context, criteria, uids: Array.from(uids) };
  selected.contexts = [...selected.contexts, kept];
}

function refuse(session: CommandSession, tag: string): void {
  const code = `NOUPDATE "${tag}"`;
  session.respond((writer) => writeStatus(writer, untagged, 'NO', code, 'Too much to keep'));
}

/** Numbers and `$` as the UIDs they stand for now, one after the other. Undefined: too many, or not to be had. */
async function frozen(
  session: CommandSession,
  selected: SelectedMailbox,
  tag: string,
  criteria: Criteria,
): Promise<Criteria | undefined> {
  const inner = (key: Criteria) => frozen(session, selected, tag, key);
  switch (criteria.op) {
    case 'not': {
      const key = await inner(criteria.key);
      return key === undefined ? undefined : { op: 'not', key };
    }
    case 'or': {
      const left = await inner(criteria.left);
      const right = left === undefined ? undefined : await inner(criteria.right);
      return left === undefined || right === undefined ? undefined : { op: 'or', left, right };
    }
    case 'and': {
      const keys: Criteria[] = [];
      for (const one of criteria.keys) {
        const key = await inner(one);
        if (key === undefined) return undefined;
        keys.push(key);
      }
      return { op: 'and', keys };
    }
    case 'set': {
      if (criteria.isUid && !criteria.isSaved) return criteria;
      const asked = { criteria, wants: searchWants.uids };
      const found = await runSearch(session, tag, targetOf(selected), asked);
      if (found?.ok !== true || found.uids.length > contextNumbersMax) return undefined;
      return { op: 'set', isUid: true, isSaved: false, ranges: Array.from(found.uids) };
    }
    default:
      return criteria;
  }
}

export interface ContextChanges {
  readonly context: SearchContext;
  readonly update: ContextUpdate;
}

/** What changed of all results between what the session believes and `after`. */
export async function contextChanges(
  session: CommandSession,
  selected: SelectedMailbox,
  after: PackedView,
): Promise<readonly ContextChanges[]> {
  const changes: ContextChanges[] = [];
  for (const context of selected.contexts) {
    const { isUid, order, uids, modseq, uidNext } = context;
    const criteria = withoutRecent(context.criteria, recentOf(selected));
    const how = [isUid, criteria, order, uids, modseq, uidNext] as const;
    const { owner } = selected;
    const meta: PackedContext = [owner.id, viewOf(selected), after, ...how];
    const kind = readsText(criteria) ? 'long' : 'short';
    const answer = await session.ask(imapAsks.context, meta, { class: kind, to: owner });
    if (session.isEnded) break;
    // Told later, what is expunged now would have no number any more.
    const over = { modseq, uidNext, uids: [], removed: [], added: [], isOver: true };
    changes.push({ context, update: answer.ok ? (answer.value as ContextUpdate) : over });
  }
  return changes;
}

export async function tellRemoved(session: CommandSession, all: readonly ContextChanges[]) {
  for (const { context, update } of all) await tell(session, context, 'REMOVEFROM', update.removed);
}

/** And keeps the results as they are now. */
export async function tellAdded(
  session: CommandSession,
  selected: SelectedMailbox,
  all: readonly ContextChanges[],
): Promise<void> {
  for (const { context, update } of all) {
    await tell(session, context, 'ADDTO', update.added);
    const { uids, modseq, uidNext, isOver } = update;
    const next = isOver ? [] : [{ ...context, uids, modseq, uidNext }];
    selected.contexts = selected.contexts.flatMap((one) => (one === context ? next : [one]));
    if (isOver) refuse(session, context.tag);
  }
}

async function tell(
  session: CommandSession,
  { tag, isUid }: SearchContext,
  kind: 'ADDTO' | 'REMOVEFROM',
  changes: readonly ResultChange[],
): Promise<void> {
  if (changes.length === 0) return;
  await respondInParts(session, (writer) =>
    esearchParts(writer, tag, isUid, { context: { kind, changes } }),
  );
}
