/**
 * ESEARCH: the selected mailbox and others, without selecting them.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 7377 (MULTISEARCH).
 * Limits:  mailboxes are searched one after the other; who is gone waits for none of them.
 */

import { type ImapList, imapAsks, type OpenedMailbox } from '../../../../actors/asks/imap-asks.ts';
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
import type { Account } from '../../../../ports/account-directory.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, bad, type CommandEnd, needsUids, notSaved, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, loggedInStates } from '../command.ts';
import { beginModseqs } from '../condstore.ts';
import { beginContext, isTagInUse, keepContext } from '../contexts.ts';
import { pathOf } from '../listing.ts';
import { isOthers, placeOf } from '../places.ts';
import { keepSaved, ownSelected } from '../selected.ts';
import { chosen, enoughFor, modseqOf, savedOf, wantsOf } from './search.ts';
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
  if (returns.save && !isSelectedAlone) return bad('SAVE is of the selected mailbox');
  const begun = { tag, isUid: true, criteria, order: null };
  if (returns.update && (selected === undefined || isTagInUse(selected, tag))) {
    return bad('UPDATE is of the selected mailbox, and of a new tag');
  }
  if (hasModseq) beginModseqs(session);
  const context = returns.update ? await beginContext(session, selected!, begun) : undefined;
  let updated: Uint32Array | undefined;
  const answer = await session.ask(imapAsks.list, ownerOf(session.account!));
  if (!answer.ok) return answerOf(answer.code);
  const wants = wantsOf(returns, true, hasModseq) | (returns.update ? searchWants.uids : 0);
  const asked = { criteria, wants, ...enoughFor(returns, hasModseq) };
  const own = ownSources(session, answer.value as ImapList, sources);
  for (const { name, info, owner } of [...own, ...(await othersSources(session, sources))]) {
    const isSelected = info.mailbox === selected?.mailbox && owner.id === selected.owner.id;
    const target = isSelected ? targetOf(selected) : targetNow(owner, info);
    const found = await runSearch(session, tag, target, asked);
    if (found === undefined || session.isEnded) return ok('ESEARCH ended');
    if (!found.ok) {
      // Deleted meanwhile, or not to be read any more: it holds nothing.
      if (found.code === 'not-found' || found.code === 'permission-missing') continue;
      if (returns.save) selected!.saved = [];
      return answerOf(found.code);
    }
    if (returns.save && !keepSaved(selected!, savedOf(found, returns))) return notSaved;
    if (isSelected) updated = found.uids;
    const results = found.count === 0 ? undefined : chosen(found, returns, true);
    if (results === undefined) continue;
    const mailbox = { name, uidValidity: info.uidValidity };
    const modseqs = [found.modseq, found.minModseq, found.maxModseq] as const;
    const modseq = hasModseq ? { modseq: modseqOf(returns, ...modseqs) } : {};
    await respondInParts(session, (writer) =>
      esearchParts(writer, tag, true, { ...results, ...modseq, mailbox }),
    );
  }
  // RFC 7377 §2.2: updates are of the selected mailbox alone, where it was searched.
  if (context !== undefined) keepContext(session, selected!, context, updated);
  return ok('ESEARCH done');
}

function targetNow(
  owner: Account,
  { mailbox, highestModseq, uidNext, messages }: MailboxInfo,
): SearchTarget {
  const view = [mailbox, highestModseq, uidNext] as const;
  return { owner, view, count: messages, saved: [], recent: [] };
}

interface Source {
  readonly name: string;
  readonly info: MailboxInfo;
  readonly owner: Account;
}

/**
 * Mailboxes of others that are named, or selected. What may not be read is passed by without a word (RFC 7377 §2.2).
 */
async function othersSources(
  session: CommandSession,
  sources: readonly SourceFilter[],
): Promise<Source[]> {
  const names = new Set<string>();
  for (const { filter, mailboxes } of sources) {
    if (filter === 'SELECTED') names.add(session.selected!.name);
    else if (filter === 'MAILBOXES') for (const name of mailboxes) names.add(name);
  }
  const found: Source[] = [];
  for (const name of names) {
    const place = isOthers(session, name) ? await placeOf(session, name) : undefined;
    if (place === undefined) continue;
    const { owner, path } = place;
    const answer = await session.ask(imapAsks.open, [ownerOf(owner), path], { to: owner });
    if (answer.ok) found.push({ name, info: (answer.value as OpenedMailbox).info, owner });
  }
  return found;
}

/** Each mailbox once, whatever filters name it. */
function ownSources(
  session: CommandSession,
  { mailboxes, subscribed }: ImapList,
  sources: readonly SourceFilter[],
): Source[] {
  const owner = session.account!;
  const selected = ownSelected(session);
  const byNumber = new Map(mailboxes.map((info) => [info.mailbox, info]));
  const isSubscribed = new Set(subscribed);
  return mailboxes
    .map((info) => ({ name: pathOf(info, byNumber), info, owner }))
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
