/**
 * COPY, MOVE and their UID kinds.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.4.7-8 (COPYUID, TRYCREATE); RFC 6851 §4.3 (MOVE tells COPYUID before its expunges).
 */

import { type Copied, imapAsks, type PackedCopy } from '../../../../actors/asks/imap-asks.ts';
import { type CopyCommand, parseCopy } from '../../../../mail/wire/imap/parse-mailbox.ts';
import { untagged, writeCopyUid } from '../../../../mail/wire/imap/response-status.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, bad, type CommandEnd, no, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, selectedState } from '../command.ts';
import { viewOf } from '../selected.ts';
import { setOf } from './sets.ts';

async function copy(
  session: CommandSession,
  command: CopyCommand,
  isUid: boolean,
  isMove: boolean,
): Promise<CommandEnd> {
  const selected = session.selected!;
  if (isMove && selected.isReadOnly) return no('The mailbox is read-only', 'READ-ONLY');
  const { set, isUids } = setOf(command.set, isUid, selected);
  const { mailbox } = command;
  const owner = ownerOf(session.account!);
  const id = session.service.reception.nextId();
  const meta: PackedCopy = [owner, viewOf(selected), isUids, set, mailbox, isMove, id];
  const answer = await session.ask(imapAsks.copy, meta, { key: id });
  if (!answer.ok) {
    if (answer.code === 'not-found') return no('There is no such mailbox', 'TRYCREATE');
    return answer.code === 'argument-invalid'
      ? bad('No such message number')
      : answerOf(answer.code);
  }
  const { uidValidity, sources, targets } = answer.value as Copied;
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
