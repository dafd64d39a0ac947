/**
 * EXPUNGE and UID EXPUNGE.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.4.3, §6.4.9; RFC 4315 §2.1; RFC 9738 §3.1.
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
import { countMaxOf, endLimited, limitCode } from './message-limit.ts';
import { setOf } from './sets.ts';

async function expunge(session: CommandSession, set?: SequenceSet): Promise<CommandEnd> {
  const selected = session.selected!;
  if (selected.isReadOnly) return no('The mailbox is read-only', 'READ-ONLY');
  const meta = [ownerOf(session.owner), viewOf(selected)];
  const countMax = countMaxOf(session);
  // RFC 9738 §3.1: EXPUNGE has no limit.
  const limit = countMax === 0 ? [] : [countMax];
  const named = set === undefined ? [] : [setOf(set, true, selected).set, ...limit];
  const answer = await session.ask(imapAsks.expunge, [...meta, ...named]);
  if (!answer.ok) return answerOf(answer.code);
  const lowest = answer.value as number;
  const code = lowest === 0 ? '' : limitCode(countMax, lowest);
  if (!session.isQresync) return endLimited(session, ok('EXPUNGE done'), code);
  // RFC 7162 §3.2.7: how far the client's knowledge goes, once it was told what went.
  const end: CommandEnd = (writer, tag) => {
    writeStatus(writer, tag, 'OK', `HIGHESTMODSEQ ${selected.modseq}`, 'EXPUNGE done');
  };
  return endLimited(session, end, code);
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
