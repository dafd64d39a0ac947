/**
 * EXPUNGE and UID EXPUNGE.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.4.3, §6.4.9; RFC 4315 §2.1.
 */

import { imapAsks } from '../../../../actors/asks/imap-asks.ts';
import { parseSetArgument } from '../../../../mail/wire/imap/parse-mailbox.ts';
import { parseNothing } from '../../../../mail/wire/imap/parse-session.ts';
import { writeStatus } from '../../../../mail/wire/imap/response-status.ts';
import type { SequenceSet } from '../../../../mail/wire/imap/sequence-set.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, type CommandEnd, no, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, selectedState } from '../command.ts';
import { viewOf } from '../selected.ts';
import { setOf } from './sets.ts';

async function expunge(session: CommandSession, set?: SequenceSet): Promise<CommandEnd> {
  const selected = session.selected!;
  if (selected.isReadOnly) return no('The mailbox is read-only', 'READ-ONLY');
  const meta = [ownerOf(session.owner), viewOf(selected)];
  const named = set === undefined ? [] : [setOf(set, true, selected).set];
  const answer = await session.ask(imapAsks.expunge, [...meta, ...named]);
  if (!answer.ok) return answerOf(answer.code);
  if (!session.isQresync) return ok('EXPUNGE done');
  // RFC 7162 §3.2.7: how far the client's knowledge goes, once it was told what went.
  return (writer, tag) => {
    writeStatus(writer, tag, 'OK', `HIGHESTMODSEQ ${selected.modseq}`, 'EXPUNGE done');
  };
}

export const expungeCommand = {
  name: 'EXPUNGE',
  states: selectedState,
  changesMailbox: true,
  parse: parseNothing,
  run: (session) => expunge(session),
} as const satisfies ImapCommand<true>;

export const uidExpungeCommand = {
  name: 'UID EXPUNGE',
  states: selectedState,
  changesMailbox: true,
  parse: parseSetArgument,
  run: (session, set) => expunge(session, set),
} as const satisfies ImapCommand<SequenceSet>;
