/**
 * STORE and UID STORE.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.4.6.
 */

import {
  type FetchCursor,
  type Fetched,
  fetchItems,
  imapAsks,
  type PackedFetch,
  type PackedStore,
  type Stored,
} from '../../../../actors/asks/imap-asks.ts';
import { parseStore, type StoreCommand } from '../../../../mail/wire/imap/parse-store.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, bad, type CommandEnd, no, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, selectedState } from '../command.ts';
import { viewOf } from '../selected.ts';
import { tellKeywords } from '../telling.ts';
import { setOf } from './sets.ts';

async function store(
  session: CommandSession,
  command: StoreCommand,
  isUid: boolean,
): Promise<CommandEnd> {
  const selected = session.selected!;
  if (command.unchangedSince >= 0) return bad('Unknown modifier');
  if (selected.isReadOnly) return no('The mailbox is read-only', 'READ-ONLY');
  const { set, isUids } = setOf(command.set, isUid, selected);
  const { op, flags, isSilent } = command;
  const meta: PackedStore = [
    ownerOf(session.account!),
    viewOf(selected),
    isUids,
    set,
    op,
    flags.system,
    flags.keywords,
    selected.flagModseq,
    selected.keywordCount,
  ];
  const answer = await session.ask(imapAsks.store, meta);
  if (!answer.ok) {
    return answer.code === 'argument-invalid'
      ? bad('No such message number')
      : answerOf(answer.code);
  }
  const { uids, flagModseq, keywords } = answer.value as Stored;
  selected.flagModseq = flagModseq;
  if (keywords !== undefined) tellKeywords(session, selected, keywords);
  return isSilent ? ok('STORE done') : tellFlags(session, uids, isUid);
}

/** RFC 9051 §6.4.6: what the flags are now. */
async function tellFlags(
  session: CommandSession,
  uids: readonly number[],
  isUid: boolean,
): Promise<CommandEnd> {
  const selected = session.selected!;
  const items = isUid ? fetchItems.flags | fetchItems.uid : fetchItems.flags;
  let cursor: FetchCursor = [0, 0, 0, 0];
  while (uids.length > 0) {
    const view = viewOf(selected);
    const owner = ownerOf(session.account!);
    const { flagModseq } = selected;
    const meta: PackedFetch = [owner, view, true, uids, items, [], false, flagModseq, cursor];
    const answer = await session.ask(imapAsks.fetch, meta);
    if (!answer.ok) return answerOf(answer.code);
    if (answer.body !== undefined) session.send(answer.body);
    const { next } = answer.value as Fetched;
    if (next === undefined) break;
    cursor = next;
    await session.room();
    if (session.isEnded) break;
  }
  return ok('STORE done');
}

export const storeCommand = {
  name: 'STORE',
  states: selectedState,
  keepsNumbers: true,
  parse: parseStore,
  run: (session, command) => store(session, command, false),
} as const satisfies ImapCommand<StoreCommand>;

export const uidStoreCommand = {
  name: 'UID STORE',
  states: selectedState,
  parse: parseStore,
  run: (session, command) => store(session, command, true),
} as const satisfies ImapCommand<StoreCommand>;
