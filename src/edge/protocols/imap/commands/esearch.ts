/**
 * ESEARCH: the selected mailbox and others, without selecting them.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 7377 (MULTISEARCH).
 * Limits:  mailboxes are searched one after the other; who is gone waits for none of them.
 */

import { type ImapList, imapAsks } from '../../../../actors/asks/imap-asks.ts';
import { searchWants } from '../../../../actors/asks/imap-search-asks.ts';
import type { MailboxInfo } from '../../../../actors/asks/mailbox-asks.ts';
import { separator } from '../../../../mail/wire/imap/mailbox-name.ts';
import {
  type EsearchCommand,
  parseEsearch,
  type SourceFilter,
} from '../../../../mail/wire/imap/parse-esearch.ts';
import type { ReturnOptions } from '../../../../mail/wire/imap/parse-window.ts';
import { esearchParts } from '../../../../mail/wire/imap/response-search.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, bad, type CommandEnd, needsUids, no, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, loggedInStates } from '../command.ts';
import { beginContext, isTagInUse, keepContext } from '../contexts.ts';
import { pathOf } from '../listing.ts';
import { ownSelected } from '../selected.ts';
import { chosen, enoughFor, savedOf, wantsOf } from './search.ts';
import {
  respondInParts,
  runSearch,
  type SearchTarget,
  targetOf,
  usesNumbers,
} from './search-run.ts';

/** RFC 7377 §2.1: ALL where nothing else is said. */
const allResults: ReturnOptions = {
  ...{ min: false, max: false, all: true, count: false, save: false, partial: undefined },
  update: false,
};

async function esearch(
  session: CommandSession,
  command: EsearchCommand,
  tag: string,
): Promise<CommandEnd> {
  const { sources, criteria, hasModseq, returns = allResults } = command;
  const { selected } = session;
  if (session.isUidOnly && usesNumbers(criteria)) return needsUids;
  const isSelectedAlone = sources.every(({ filter }) => filter === 'SELECTED');
  const hasSelected = sources.some(({ filter }) => filter === 'SELECTED');
  if (hasSelected && selected === undefined) return bad('No mailbox is selected');
  const own = ownSelected(session);
  // Its owner's other mailboxes are not among those that filters name.
  if (hasSelected && own === 0) return no('Not of a mailbox of somebody else', 'CANNOT');
  if (returns.save && !isSelectedAlone) return bad('SAVE is of the selected mailbox');
  const begun = { tag, isUid: true, criteria, order: null };
  if (returns.update && (selected === undefined || isTagInUse(selected, tag))) {
    return bad('UPDATE is of the selected mailbox, and of a new tag');
  }
  session.isCondstore ||= hasModseq;
  const context = returns.update ? await beginContext(session, selected!, begun) : undefined;
  let updated: Uint32Array | undefined;
  const answer = await session.ask(imapAsks.list, ownerOf(session.account!));
  if (!answer.ok) return answerOf(answer.code);
  const wants = wantsOf(returns, true, hasModseq) | (returns.update ? searchWants.uids : 0);
  const asked = { criteria, wants, ...enoughFor(returns) };
  for (const { name, info } of sourcesOf(answer.value as ImapList, sources, own)) {
    const isSelected = info.mailbox === own;
    const target = isSelected ? targetOf(selected!) : targetNow(session.account!.id, info);
    const found = await runSearch(session, tag, target, asked);
    if (found === undefined || session.isEnded) return ok('ESEARCH ended');
    if (!found.ok) {
      // Deleted meanwhile: it holds nothing any more.
      if (found.code === 'not-found') continue;
      if (returns.save) selected!.saved = [];
      return answerOf(found.code);
    }
    if (returns.save) selected!.saved = Array.from(savedOf(found, returns));
    if (isSelected) updated = found.uids;
    const results = found.count === 0 ? undefined : chosen(found, returns, true);
    if (results === undefined) continue;
    const mailbox = { name, uidValidity: info.uidValidity };
    const modseq = hasModseq ? { modseq: found.modseq } : {};
    await respondInParts(session, (writer) =>
      esearchParts(writer, tag, true, { ...results, ...modseq, mailbox }),
    );
  }
  // RFC 7377 §2.2: updates are of the selected mailbox alone, where it was searched.
  if (context !== undefined) keepContext(session, selected!, context, updated);
  return ok('ESEARCH done');
}

function targetNow(
  account: number,
  { mailbox, highestModseq, uidNext, messages }: MailboxInfo,
): SearchTarget {
  return { account, view: [mailbox, highestModseq, uidNext], count: messages, saved: [] };
}

interface Source {
  readonly name: string;
  readonly info: MailboxInfo;
}

/** Each mailbox once, whatever filters name it. */
function sourcesOf(
  { mailboxes, subscribed }: ImapList,
  sources: readonly SourceFilter[],
  selected: number | undefined,
): Source[] {
  const byNumber = new Map(mailboxes.map((info) => [info.mailbox, info]));
  const isSubscribed = new Set(subscribed);
  return mailboxes
    .map((info) => ({ name: pathOf(info, byNumber), info }))
    .filter(({ name, info }) =>
      sources.some(({ filter, mailboxes: named }) => {
        if (filter === 'SELECTED') return info.mailbox === selected;
        if (filter === 'SUBSCRIBED') return isSubscribed.has(name);
        if (filter === 'MAILBOXES') return named.includes(name);
        if (filter === 'SUBTREE') return named.some((top) => isWithin(name, top));
        if (filter === 'SUBTREE-ONE') return named.some((top) => isChild(name, top));
        return true;
      }),
    );
}

function isWithin(name: string, top: string): boolean {
  return name === top || name.startsWith(top + separator);
}

/** The mailbox itself, or right below it. */
function isChild(name: string, top: string): boolean {
  return isWithin(name, top) && !name.slice(top.length + 1).includes(separator);
}

export const esearchCommand = {
  name: 'ESEARCH',
  states: loggedInStates,
  parse: parseEsearch,
  run: esearch,
} as const satisfies ImapCommand<EsearchCommand>;
