/**
 * COPY, MOVE and their UID kinds.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.4.7-8 (COPYUID, TRYCREATE); RFC 6851 §4.3 (MOVE tells COPYUID before its expunges); RFC 9738.
 */

import {
  type Copied,
  copiesTooMany,
  imapAsks,
  type PackedCopy,
} from '../../../../actors/asks/imap-asks.ts';
import type { Failure } from '../../../../base/errors.ts';
import { type CopyCommand, parseCopy } from '../../../../mail/wire/imap/parse-mailbox.ts';
import { untagged, writeCopyUid } from '../../../../mail/wire/imap/response-status.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, bad, type CommandEnd, no, noTarget, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, selectedState } from '../command.ts';
import { type MailboxPlace, placeOf } from '../places.ts';
import { viewOf } from '../selected.ts';
import { type CopiedBetween, copyBetween } from './copy-between.ts';
import { countMaxOf, endLimited, newestOf, savedMaxOf, tooMany } from './message-limit.ts';
import { type AskedSet, setOf } from './sets.ts';

const nothingCopied: Copied = { uidValidity: 0, sources: [], targets: [] };

/** Within one account by its actor alone; between two as reads and appends. */
async function copied(
  session: CommandSession,
  asked: AskedSet,
  place: MailboxPlace,
  isMove: boolean,
): Promise<CopiedBetween> {
  const { owner } = session;
  if (place.owner.id !== owner.id) return await copyBetween(session, asked, place, isMove);
  const { set, isUids } = asked;
  const view = viewOf(session.selected!);
  const id = session.service.reception.nextId();
  const meta: PackedCopy = [ownerOf(owner), view, isUids, set, place.path, isMove, id];
  const answer = await session.ask(imapAsks.copy, meta, { key: id });
  if (!answer.ok) return { value: nothingCopied, failed: answer };
  return { value: answer.value as Copied, failed: undefined };
}

async function copy(
  session: CommandSession,
  command: CopyCommand,
  isUid: boolean,
  isMove: boolean,
): Promise<CommandEnd> {
  const selected = session.selected!;
  if (isMove && selected.isReadOnly) return no('The mailbox is read-only', 'READ-ONLY');
  const named = setOf(command.set, isUid, selected);
  const countMax = isMove ? countMaxOf(session) : savedMaxOf(session);
  const limited = await newestOf(session, named, countMax);
  if ('ok' in limited) return refusalOf(limited);
  const { asked, code } = limited;
  // RFC 9738 §3.1: COPY does all or nothing.
  if (!isMove && code !== '') return tooMany(code);
  const place = await placeOf(session, command.mailbox);
  if (place === undefined) return answerOf('not-found');
  const { value, failed } = await copied(session, asked, place, isMove);
  const { uidValidity, sources, targets } = value;
  const isAny = sources.length > 0;
  if (isMove && isAny) {
    session.respond((writer) => {
      writeCopyUid(writer, untagged, uidValidity, sources, targets, 'Moved');
    });
  }
  if (failed !== undefined) return refusalOf(failed);
  const done = isMove ? 'MOVE done' : 'COPY done';
  if (isMove || !isAny) return endLimited(session, ok(done), code);
  return (writer, tag) => writeCopyUid(writer, tag, uidValidity, sources, targets, done);
}

function refusalOf(failed: Failure): CommandEnd {
  if (failed.code === 'not-found') return noTarget(failed);
  if (failed.detail === copiesTooMany) return no('A message would have too many copies', 'LIMIT');
  return failed.code === 'argument-invalid' ? bad('No such message number') : answerOf(failed.code);
}

export const copyCommand = {
  name: 'COPY',
  states: selectedState,
  changesMailbox: true,
  namesNumbers: true,
  parse: parseCopy,
  run: (session, command) => copy(session, command, false, false),
} as const satisfies ImapCommand<CopyCommand>;

export const uidCopyCommand = {
  name: 'UID COPY',
  states: selectedState,
  changesMailbox: true,
  parse: parseCopy,
  run: (session, command) => copy(session, command, true, false),
} as const satisfies ImapCommand<CopyCommand>;

export const moveCommand = {
  name: 'MOVE',
  states: selectedState,
  changesMailbox: true,
  namesNumbers: true,
  parse: parseCopy,
  run: (session, command) => copy(session, command, false, true),
} as const satisfies ImapCommand<CopyCommand>;

export const uidMoveCommand = {
  name: 'UID MOVE',
  states: selectedState,
  changesMailbox: true,
  parse: parseCopy,
  run: (session, command) => copy(session, command, true, true),
} as const satisfies ImapCommand<CopyCommand>;
