/**
 * LIST, LSUB, STATUS: what mailboxes there are and what they count.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.3.9, §6.3.11; RFC 3501 §6.3.9 (LSUB); RFC 5258, RFC 5819, RFC 6154.
 */

import {
  type ImapList,
  imapAsks,
  type OpenedMailbox,
  objectIds,
} from '../../../../actors/asks/imap-asks.ts';
import type { MailboxInfo } from '../../../../actors/asks/mailbox-asks.ts';
import {
  type ListCommand,
  parseListCommand,
  parseLsub,
} from '../../../../mail/wire/imap/parse-list.ts';
import {
  parseStatus,
  type StatusCommand,
  type StatusItem,
} from '../../../../mail/wire/imap/parse-status.ts';
import {
  type StatusValue,
  writeHierarchy,
  writeList,
  writeStatusData,
} from '../../../../mail/wire/imap/response-data.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, type CommandEnd, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, loggedInStates } from '../command.ts';
import { listed, lsubbed } from '../listing.ts';

async function list(
  session: CommandSession,
  command: ListCommand,
  response: 'LIST' | 'LSUB',
): Promise<CommandEnd> {
  // RFC 9051 §6.3.9: an empty pattern asks for the separator.
  if (command.isBasic && command.patterns[0] === '') {
    session.respond(writeHierarchy);
    return ok(`${response} done`);
  }
  const answer = await session.ask(imapAsks.list, ownerOf(session.account!));
  if (!answer.ok) return answerOf(answer.code);
  const all = answer.value as ImapList;
  const found = response === 'LSUB' ? lsubbed(all, command) : listed(all, command);
  const { status } = command.returns;
  const { messageBytesMax } = session.service.policy.limits;
  session.respond((writer) => {
    for (const { info, ...mailbox } of found) {
      writeList(writer, mailbox, response);
      if (status.length === 0 || info === undefined) continue;
      writeStatusData(writer, mailbox.name, valuesOf(info, status, messageBytesMax));
    }
  });
  return ok(`${response} done`);
}

function valuesOf(
  info: MailboxInfo,
  items: readonly StatusItem[],
  messageBytesMax: number,
): readonly StatusValue[] {
  const values: Record<StatusItem, number | string> = {
    MESSAGES: info.messages,
    // No session is told that a message is \Recent.
    RECENT: 0,
    UIDNEXT: info.uidNext,
    UIDVALIDITY: info.uidValidity,
    UNSEEN: info.unseen,
    DELETED: info.deleted,
    SIZE: info.bytes,
    HIGHESTMODSEQ: Math.max(1, info.highestModseq),
    APPENDLIMIT: messageBytesMax,
    MAILBOXID: objectIds.mailbox(info.mailbox),
  };
  return items.map((item): StatusValue => [item, values[item]]);
}

async function status(
  session: CommandSession,
  { mailbox, items }: StatusCommand,
): Promise<CommandEnd> {
  const answer = await session.ask(imapAsks.open, [ownerOf(session.account!), mailbox]);
  if (!answer.ok) return answerOf(answer.code);
  const { info } = answer.value as OpenedMailbox;
  // RFC 7162 §3.1.7: asking for it makes the client one that knows modseqs.
  session.isCondstore ||= items.includes('HIGHESTMODSEQ');
  const values = valuesOf(info, items, session.service.policy.limits.messageBytesMax);
  session.respond((writer) => writeStatusData(writer, mailbox, values));
  return ok('STATUS done');
}

export const listCommand = {
  name: 'LIST',
  states: loggedInStates,
  parse: parseListCommand,
  run: (session, command) => list(session, command, 'LIST'),
} as const satisfies ImapCommand<ListCommand>;

export const lsubCommand = {
  name: 'LSUB',
  states: loggedInStates,
  parse: parseLsub,
  run: (session, command) => list(session, command, 'LSUB'),
} as const satisfies ImapCommand<ListCommand>;

export const statusCommand = {
  name: 'STATUS',
  states: loggedInStates,
  parse: parseStatus,
  run: status,
} as const satisfies ImapCommand<StatusCommand>;
