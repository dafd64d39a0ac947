/**
 * COPY, MOVE and their UID kinds.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.4.7-8 (COPYUID, TRYCREATE); RFC 6851 §4.3 (MOVE tells COPYUID before its expunges).
 */

import { type Copied, imapAsks, type PackedCopy } from '../../../../actors/asks/imap-asks.ts';
import type { Failure } from '../../../../base/errors.ts';
import { type CopyCommand, parseCopy } from '../../../../mail/wire/imap/parse-mailbox.ts';
import { untagged, writeCopyUid } from '../../../../mail/wire/imap/response-status.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, bad, type CommandEnd, no, noTarget, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, selectedState } from '../command.ts';
import { type MailboxPlace, placeOf } from '../places.ts';
import { viewOf } from '../selected.ts';
import { copyBetween } from './copy-between.ts';
import { type AskedSet, setOf } from './sets.ts';

/** Within one account by its actor alone; between two as reads and appends. */
async function copied(
  session: CommandSession,
  asked: AskedSet,
  place: MailboxPlace,
  isMove: boolean,
): Promise<{ readonly ok: true; readonly value: Copied } | Failure> {
  const { owner } = session;
  if (place.owner.id !== owner.id) {
    return await copyBetween(session, asked, place, isMove);
  }
  const { set, isUids } = asked;
  const view = viewOf(session.selected!);
  const id = session.service.reception.nextId();
  const meta: PackedCopy = [ownerOf(owner), view, isUids, set, place.path, isMove, id];
  const answer = await session.ask(imapAsks.copy, meta, { key: id });
  return answer.ok ? { ok: true, value: answer.value as Copied } : answer;
}

async function copy(
  session: CommandSession,
  command: CopyCommand,
  isUid: boolean,
  isMove: boolean,
): Promise<CommandEnd> {
  const selected = session.selected!;
  if (isMove && selected.isReadOnly) return no('The mailbox is read-only', 'READ-ONLY');
  const asked = setOf(command.set, isUid, selected);
  const place = await placeOf(session, command.mailbox);
  if (place === undefined) return answerOf('not-found');
  const answer = await copied(session, asked, place, isMove);
  if (!answer.ok) {
    if (answer.code === 'not-found') return noTarget(answer);
    return answer.code === 'argument-invalid'
      ? bad('No such message number')
      : answerOf(answer.code);
  }
  const { uidValidity, sources, targets } = answer.value;
  const done = isMove ? 'MOVE done' : 'COPY done';
  if (sources.length === 0) return ok(done);
  if (!isMove) {
    return (writer, tag) => writeCopyUid(writer, tag, uidValidity, sources, targets, done);
  }
  session.respond((writer) => {
    writeCopyUid(writer, untagged, uidValidity, sources, targets, 'Moved');
  });
  return ok(done);
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
