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
  type PackedStores,
  type Stored,
  type StoredMany,
  type UidRanges,
} from '../../../../actors/asks/imap-asks.ts';
import type { ErrorCode } from '../../../../base/errors.ts';
import { parseStore, type StoreCommand } from '../../../../mail/wire/imap/parse-store.ts';
import { writeModified } from '../../../../mail/wire/imap/response-status.ts';
import { star } from '../../../../mail/wire/imap/sequence-set.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, bad, type CommandEnd, no, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, selectedState } from '../command.ts';
import { beginModseqs } from '../condstore.ts';
import { keywordFault, keywordsTooMany } from '../keywords.ts';
import { recentOf } from '../recent.ts';
import { viewOf } from '../selected.ts';
import { tellKeywords } from '../telling.ts';
import { fetchAll } from './fetch-windows.ts';
import { countMaxOf, endLimited, isWithin, newestOf } from './message-limit.ts';
import { setOf } from './sets.ts';

/** Of one command, to be run together with others. */
const joinedUidsMax = 200;

async function store(
  session: CommandSession,
  command: StoreCommand,
  isUid: boolean,
): Promise<CommandEnd> {
  const selected = session.selected!;
  if (command.unchangedSince >= 0) beginModseqs(session);
  if (selected.isReadOnly) return no('The mailbox is read-only', 'READ-ONLY');
  const fault = keywordFault(command.flags);
  if (fault !== undefined) return fault;
  const limited = await newestOf(session, setOf(command.set, isUid, selected), countMaxOf(session));
  if ('ok' in limited) return failureEnd(limited.code);
  const { set, isUids } = limited.asked;
  const { op, flags, isSilent } = command;
  const meta: PackedStore = [
    ownerOf(session.owner),
    viewOf(selected),
    isUids,
    set,
    op,
    flags.system,
    flags.keywords,
    selected.flagModseq,
    selected.keywordCount,
    command.unchangedSince,
    !isUid,
  ];
  const answer = await session.ask(imapAsks.store, meta);
  if (!answer.ok) {
    const mayBeFull = command.flags.keywords.length > 0;
    if (answer.code === 'not-possible-now' && mayBeFull) return keywordsTooMany;
    return failureEnd(answer.code);
  }
  const { uids, flagModseq, keywords, modified } = answer.value as Stored;
  selected.flagModseq = flagModseq;
  if (keywords !== undefined) tellKeywords(session, selected, keywords);
  // RFC 7162 §3.1.3: who knows modseqs is told the new ones, silent or not.
  const modseq = session.isCondstore ? fetchItems.modseq : 0;
  const tellsUid = !session.isUidOnly && (isUid || session.isQresync);
  const uid = tellsUid ? fetchItems.uid : 0;
  if (!isSilent || modseq !== 0) await tellStored(session, uids, modseq | uid, isSilent);
  const end: CommandEnd =
    modified.length === 0
      ? ok('STORE done')
      : (writer, tag) => writeModified(writer, tag, 'OK', modified, 'Some were changed before');
  return endLimited(session, end, limited.code);
}

function failureEnd(code: ErrorCode): CommandEnd {
  return code === 'argument-invalid' ? bad('No such message number') : answerOf(code);
}

/** The flags are stored, whether they can be told or not. */
async function tellStored(
  session: CommandSession,
  uids: UidRanges,
  items: number,
  isSilent: boolean,
): Promise<void> {
  const told = items | (isSilent ? 0 : fetchItems.flags);
  const asked = { set: uids, isUids: true, items: told, sections: [], marksSeen: false };
  await fetchAll(session, { ...asked, changedSince: -1 });
}

/** RFC 9051 §5.5: nothing one of these does changes what another one means. */
function mayJoin(session: CommandSession, command: StoreCommand): boolean {
  const { selected, account } = session;
  const { set, flags, unchangedSince } = command;
  if (selected === undefined || selected.isReadOnly || unchangedSince >= 0) return false;
  // In somebody else's mailbox each has rights of its own to be looked at.
  if (selected.owner.id !== account!.id) return false;
  const countMax = Math.min(joinedUidsMax, countMaxOf(session) || joinedUidsMax);
  const isSmall = !set.ranges.includes(star) && isWithin(set.ranges, countMax);
  return flags.keywords.length === 0 && !set.isSaved && isSmall;
}

async function storeMany(
  session: CommandSession,
  commands: readonly StoreCommand[],
  isUid: boolean,
  end: (index: number, end: CommandEnd) => void,
): Promise<void> {
  const selected = session.selected!;
  const uid = isUid || session.isQresync ? fetchItems.uid : 0;
  const how = session.isUidOnly ? fetchItems.byUid : uid;
  const items = how | (session.isCondstore ? fetchItems.modseq : 0);
  let atOnce = commands.length;
  for (let done = 0; done < commands.length; ) {
    const stores = commands
      .slice(done, done + atOnce)
      .map(
        ({ set, op, flags, isSilent }) => [isUid, set.ranges, op, flags.system, isSilent] as const,
      );
    const { flagModseq: before, keywordCount } = selected;
    const view = viewOf(selected);
    const owner = ownerOf(session.account!);
    const known = [before, keywordCount, recentOf(selected)] as const;
    const meta: PackedStores = [owner, view, stores, items, ...known];
    const answer = await session.ask(imapAsks.storeMany, meta);
    if (session.isEnded) return;
    if (!answer.ok) {
      end(done++, failureEnd(answer.code));
      continue;
    }
    const { told, uids, flagModseq, keywords } = answer.value as StoredMany;
    selected.flagModseq = flagModseq;
    // Those left out are packed again: where few go together at a time, not all of them each time.
    atOnce = told.length * 2;
    if (keywords !== undefined) tellKeywords(session, selected, keywords);
    let at = 0;
    for (let i = 0; i < told.length; i++) {
      const bytes = told[i]!;
      if (bytes > 0) session.send(answer.body!.subarray(at, at + bytes));
      else if (bytes < 0) await tellStored(session, uids[i]!, items, commands[done]!.isSilent);
      at += Math.max(0, bytes);
      end(done++, ok('STORE done'));
    }
  }
}

export const storeCommand = {
  name: 'STORE',
  states: selectedState,
  keepsNumbers: true,
  namesNumbers: true,
  parse: parseStore,
  run: (session, command) => store(session, command, false),
  joins: { mayJoin, run: (session, commands, end) => storeMany(session, commands, false, end) },
} as const satisfies ImapCommand<StoreCommand>;

export const uidStoreCommand = {
  name: 'UID STORE',
  states: selectedState,
  parse: parseStore,
  run: (session, command) => store(session, command, true),
  joins: { mayJoin, run: (session, commands, end) => storeMany(session, commands, true, end) },
} as const satisfies ImapCommand<StoreCommand>;
