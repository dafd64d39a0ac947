/**
 * SELECT, EXAMINE, UNSELECT, CLOSE.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.3.2-3, §6.4.1-2, §7.3.1; RFC 3501 §7.1 (UNSEEN), §7.3.2 (RECENT).
 */

import {
  fetchItems,
  imapAsks,
  type MailboxChange,
  type OpenedMailbox,
  objectIds,
} from '../../../../actors/asks/imap-asks.ts';
import type { Failure } from '../../../../base/errors.ts';
import {
  parseSelect,
  type Qresync,
  type SelectCommand,
} from '../../../../mail/wire/imap/parse-select.ts';
import { parseNothing } from '../../../../mail/wire/imap/parse-session.ts';
import type { ResponseWriter } from '../../../../mail/wire/imap/response.ts';
import {
  writeCount,
  writeList,
  writeMailboxFlags,
  writePermanentFlags,
} from '../../../../mail/wire/imap/response-data.ts';
import { untagged, writeStatus } from '../../../../mail/wire/imap/response-status.ts';
import { changing, flagsAllowed, rights } from '../../../../mail/wire/imap/rights.ts';
import { anyMailbox, type MailboxWatcher } from '../../../notices/hub.ts';
import { ownerOf, weighOpened } from '../account-asks.ts';
import { answerOf, bad, type CommandEnd, needsUids, ok } from '../answers.ts';
import {
  type CommandSession,
  type ImapCommand,
  loggedInStates,
  selectedState,
} from '../command.ts';
import { placeOf } from '../places.ts';
import { openRecent, writeRecent } from '../recent.ts';
import { noContexts, type SelectedMailbox, viewOf } from '../selected.ts';
import { allFlags } from '../telling.ts';
import { allUids, fetchAll, tellVanished } from './fetch-windows.ts';

/** Changes of any mailbox of the account while it is not known which one is opened. */
class EarlyChanges implements MailboxWatcher {
  readonly #modseqs = new Map<number, number>();

  changed({ mailbox, modseq }: MailboxChange): void {
    // A mailbox that is gone has no modseq: what was opened is past.
    this.#modseqs.set(mailbox, modseq === 0 ? Number.POSITIVE_INFINITY : modseq);
  }

  isPast(mailbox: number, modseq: number): boolean {
    return (this.#modseqs.get(mailbox) ?? 0) > modseq;
  }
}

async function open(
  session: CommandSession,
  { mailbox: name, isCondstore, qresync }: SelectCommand,
  isExamined: boolean,
): Promise<CommandEnd> {
  if (qresync !== undefined && !session.isQresync) return bad('QRESYNC is not enabled');
  if (session.isUidOnly && qresync?.matchNumbers !== undefined) return needsUids;
  session.isCondstore ||= isCondstore;
  if (session.selected !== undefined) {
    session.unselect();
    // RFC 9051 §7.1: the client must know which mailbox later responses are of.
    session.respond((writer) => writeStatus(writer, untagged, 'OK', 'CLOSED', 'Closed'));
  }
  const place = await placeOf(session, name);
  if (place === undefined) return answerOf('not-found');
  const { owner, path } = place;
  const { notices } = session.service;
  // Watched before it is read, so that a change after the reading is told.
  const early = new EarlyChanges();
  notices.watch(owner.id, anyMailbox, early);
  const stamp = session.service.kept.stampOf(owner.id);
  // Numbers of messages mean nothing to a client that enabled UIDONLY (RFC 9586 §3).
  const wantsUnseen = !session.isRev2 && !session.isUidOnly;
  const meta = [ownerOf(owner), path, wantsUnseen];
  const answer = await session.askKept(imapAsks.open, meta, { to: owner, weigh: weighOpened });
  notices.unwatch(owner.id, anyMailbox, early);
  if (!answer.ok) return answerOf(answer.code);
  if (session.isEnded) return ok('');
  const opened = answer.value as OpenedMailbox;
  const { info, keywords } = opened;
  const isReadOnly = isExamined || (opened.rights & changing) === 0;
  notices.watch(owner.id, info.mailbox, session.news);
  const selected: SelectedMailbox = {
    owner,
    mailbox: info.mailbox,
    name,
    isReadOnly,
    modseq: info.highestModseq,
    flagModseq: info.highestModseq,
    uidNext: info.uidNext,
    count: info.messages,
    keywordCount: keywords.length,
    saved: [],
    isStale: early.isPast(info.mailbox, info.highestModseq),
    isHalfTold: false,
    stamp,
    contexts: noContexts,
    ownEntries: 0,
  };
  session.selected = selected;
  session.usedMailOf(owner);
  await openRecent(session, selected, info);
  if (session.isEnded) return ok('');
  session.respond((writer) => {
    writeOpened(writer, opened, selected);
    // RFC 9051 §6.3.2: which mailbox it is, by its own name.
    if (session.isRev2) writeList(writer, { attributes: [], name });
  });
  if (qresync !== undefined && qresync.uidValidity === info.uidValidity) {
    const failed = await resync(session, selected, qresync);
    if (failed !== undefined) {
      session.unselect();
      return answerOf(failed.code);
    }
  }
  const done = isExamined ? 'EXAMINE done' : 'SELECT done';
  return ok(done, isReadOnly ? 'READ-ONLY' : 'READ-WRITE');
}

/** RFC 7162 §3.2.5: what a client that was here before has missed. */
async function resync(
  session: CommandSession,
  selected: SelectedMailbox,
  { modseq, knownUids }: Qresync,
): Promise<Failure | undefined> {
  const set = knownUids?.ranges ?? allUids;
  const untold = await tellVanished(session, selected, modseq, set);
  if (untold !== undefined || session.isEnded) return untold;
  const items = fetchItems.uid | fetchItems.flags | fetchItems.modseq;
  const asked = { set, isUids: true, items, sections: [], marksSeen: false, changedSince: modseq };
  return await fetchAll(session, asked);
}

function writeOpened(
  writer: ResponseWriter,
  { info, keywords, rights: had, firstUnseen }: OpenedMailbox,
  selected: SelectedMailbox,
): void {
  const { isReadOnly } = selected;
  writeMailboxFlags(writer, allFlags, keywords);
  // RFC 4314 §5.2: those that the reader has a right to change.
  const flags = isReadOnly ? 0 : flagsAllowed(had);
  const mayKeywords = !isReadOnly && (had & rights.write) !== 0;
  writePermanentFlags(writer, flags, mayKeywords ? keywords : [], mayKeywords);
  writeCount(writer, info.messages, 'EXISTS');
  writeRecent(writer, selected);
  if (firstUnseen !== undefined) {
    writeStatus(writer, untagged, 'OK', `UNSEEN ${firstUnseen}`, 'First unseen message');
  }
  const { uidValidity, uidNext } = info;
  writeStatus(writer, untagged, 'OK', `UIDVALIDITY ${uidValidity}`, 'UIDs valid');
  writeStatus(writer, untagged, 'OK', `UIDNEXT ${uidNext}`, 'Next UID');
  const modseq = Math.max(1, info.highestModseq);
  writeStatus(writer, untagged, 'OK', `HIGHESTMODSEQ ${modseq}`, 'Highest modseq');
  const id = objectIds.mailbox(info.mailbox);
  writeStatus(writer, untagged, 'OK', `MAILBOXID (${id})`, 'The mailbox for life');
}

export const selectCommand = {
  name: 'SELECT',
  states: loggedInStates,
  parse: parseSelect,
  run: (session, argument) => open(session, argument, false),
} as const satisfies ImapCommand<SelectCommand>;

export const examineCommand = {
  name: 'EXAMINE',
  states: loggedInStates,
  parse: parseSelect,
  run: (session, argument) => open(session, argument, true),
} as const satisfies ImapCommand<SelectCommand>;

export const unselectCommand = {
  name: 'UNSELECT',
  states: selectedState,
  parse: parseNothing,
  run(session) {
    session.unselect();
    return ok('UNSELECT done');
  },
} as const satisfies ImapCommand<true>;

/** RFC 9051 §6.4.1: expunges in silence; a mailbox that was only examined keeps all. */
export const closeCommand = {
  name: 'CLOSE',
  states: selectedState,
  parse: parseNothing,
  async run(session): Promise<CommandEnd> {
    const selected = session.selected!;
    session.unselect();
    if (selected.isReadOnly) return ok('CLOSE done');
    const { owner } = selected;
    const meta = [ownerOf(owner), viewOf(selected)];
    const answer = await session.ask(imapAsks.expunge, meta, { to: owner });
    // RFC 4314 §4: without the right to expunge it closes all the same, and so it does where it is gone.
    const isDone = answer.ok || answer.code === 'permission-missing' || answer.code === 'not-found';
    return isDone ? ok('CLOSE done') : answerOf(answer.code);
  },
} as const satisfies ImapCommand<true>;
