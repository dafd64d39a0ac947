/**
 * STORE and UID STORE.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.4.6.
 */

import {
  fetchItems,
  imapAsks,
  type PackedStore,
  type Stored,
} from '../../../../actors/asks/imap-asks.ts';
import { parseStore, type StoreCommand } from '../../../../mail/wire/imap/parse-store.ts';
import { writeModified } from '../../../../mail/wire/imap/response-status.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, bad, type CommandEnd, no, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, selectedState } from '../command.ts';
import { keywordFault, keywordsTooMany } from '../keywords.ts';
import { viewOf } from '../selected.ts';
import { tellKeywords } from '../telling.ts';
import { fetchAll } from './fetch-windows.ts';
import { setOf } from './sets.ts';

async function store(
  session: CommandSession,
  command: StoreCommand,
  isUid: boolean,
): Promise<CommandEnd> {
  const selected = session.selected!;
  session.isCondstore ||= command.unchangedSince >= 0;
  if (selected.isReadOnly) return no('The mailbox is read-only', 'READ-ONLY');
  const fault = keywordFault(command.flags);
  if (fault !== undefined) return fault;
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
    command.unchangedSince,
  ];
  const answer = await session.ask(imapAsks.store, meta);
  if (!answer.ok) {
    const mayBeFull = command.flags.keywords.length > 0;
    if (answer.code === 'not-possible-now' && mayBeFull) return keywordsTooMany;
    return answer.code === 'argument-invalid'
      ? bad('No such message number')
      : answerOf(answer.code);
  }
  const { uids, flagModseq, keywords, modified } = answer.value as Stored;
  selected.flagModseq = flagModseq;
  if (keywords !== undefined) tellKeywords(session, selected, keywords);
  // RFC 7162 §3.1.3: who knows modseqs is told the new ones, silent or not.
  const items = isSilent ? 0 : fetchItems.flags;
  const modseq = session.isCondstore ? fetchItems.modseq : 0;
  if ((items | modseq) !== 0) {
    const tellsUid = !session.isUidOnly && (isUid || session.isQresync);
    const told = items | modseq | (tellsUid ? fetchItems.uid : 0);
    const asked = { set: uids, isUids: true, items: told, sections: [], marksSeen: false };
    // The flags are stored, whether they can be told or not.
    await fetchAll(session, { ...asked, changedSince: -1 });
  }
  if (modified.length === 0) return ok('STORE done');
  return (writer, tag) => writeModified(writer, tag, 'OK', modified, 'Some were changed before');
}

export const storeCommand = {
  name: 'STORE',
  states: selectedState,
  keepsNumbers: true,
  namesNumbers: true,
  parse: parseStore,
  run: (session, command) => store(session, command, false),
} as const satisfies ImapCommand<StoreCommand>;

export const uidStoreCommand = {
  name: 'UID STORE',
  states: selectedState,
  parse: parseStore,
  run: (session, command) => store(session, command, true),
} as const satisfies ImapCommand<StoreCommand>;
