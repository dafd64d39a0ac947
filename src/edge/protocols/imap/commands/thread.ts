/**
 * THREAD and UID THREAD.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 5256 §3, §4.
 */

import { imapAsks } from '../../../../actors/asks/imap-asks.ts';
import type { PackedThread } from '../../../../actors/asks/imap-search-asks.ts';
import { kibibyte } from '../../../../base/units.ts';
import { parseThread, type ThreadCommand } from '../../../../mail/wire/imap/parse-sort.ts';
import { answerOf, type CommandEnd, needsUids, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, selectedState } from '../command.ts';
import { beginModseqs } from '../condstore.ts';
import { viewOf } from '../selected.ts';
import { countMaxOf, limitCode, tooMany } from './message-limit.ts';
import { usesNumbers } from './search-run.ts';
import { classFor, searchable } from './sort.ts';

/** Handed to the socket at a time. */
const pieceBytes = 64 * kibibyte;

async function thread(
  session: CommandSession,
  command: ThreadCommand,
  isUid: boolean,
  tag: string,
): Promise<CommandEnd> {
  if (session.isUidOnly && usesNumbers(command.criteria)) return needsUids;
  if (command.hasModseq) beginModseqs(session);
  const selected = session.selected!;
  const countMax = countMaxOf(session);
  // RFC 9738 §3.3: threads are made of all messages or of none.
  if (countMax > 0 && selected.count > countMax) return tooMany(limitCode(countMax));
  const asked = await searchable(session, tag, command.criteria);
  if (asked === undefined) return ok('THREAD ended');
  if ('ok' in asked) return answerOf(asked.code);
  const { criteria, saved } = asked;
  const how = [isUid, criteria, saved, command.algorithm] as const;
  const meta: PackedThread = [session.owner.id, viewOf(selected), ...how];
  const answer = await session.ask(imapAsks.thread, meta, { class: classFor(selected) });
  if (!answer.ok) return answerOf(answer.code);
  const octets = answer.body!;
  for (let at = 0; at < octets.byteLength && !session.isEnded; at += pieceBytes) {
    session.send(octets.subarray(at, at + pieceBytes));
    await session.room();
  }
  return ok('THREAD done');
}

export const threadCommand = {
  name: 'THREAD',
  states: selectedState,
  keepsNumbers: true,
  namesNumbers: true,
  parse: parseThread,
  run: (session, command, tag) => thread(session, command, false, tag),
} as const satisfies ImapCommand<ThreadCommand>;

export const uidThreadCommand = {
  name: 'UID THREAD',
  states: selectedState,
  parse: parseThread,
  run: (session, command, tag) => thread(session, command, true, tag),
} as const satisfies ImapCommand<ThreadCommand>;
