/**
 * LIST, LSUB, STATUS: what mailboxes there are and what they count.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.3.9, §6.3.11; RFC 3501 §6.3.9 (LSUB); RFC 5258, RFC 5819, RFC 6154.
 */

import {
  type ImapList,
  imapAsks,
  type MetadataValue,
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
import { writeMetadata } from '../../../../mail/wire/imap/response-metadata.ts';
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
  const deleted = await deletedBytesOf(session, found, status);
  const metadata = await metadataOf(session, command.returns.metadata);
  session.respond((writer) => {
    for (const { info, ...mailbox } of found) {
      writeList(writer, mailbox, response);
      if (info === undefined) continue;
      writeMetadata(writer, mailbox.name, metadata.get(info.mailbox) ?? []);
      if (status.length === 0) continue;
      const values = valuesOf(info, status, messageBytesMax, deleted.get(info.mailbox));
      writeStatusData(writer, mailbox.name, values);
    }
  });
  return ok(`${response} done`);
}

/** RFC 9590 §3: the entries of each mailbox, by its number. */
async function metadataOf(
  session: CommandSession,
  entries: readonly string[] | undefined,
): Promise<ReadonlyMap<number, readonly MetadataValue[]>> {
  if (entries === undefined) return new Map();
  const meta = [ownerOf(session.account!), entries];
  const answer = await session.ask(imapAsks.listMetadata, meta);
  return new Map(answer.ok ? (answer.value as readonly [number, readonly MetadataValue[]][]) : []);
}

/** What EXPUNGE would give back, by mailbox, where that was asked for and is not nothing. */
async function deletedBytesOf(
  session: CommandSession,
  mailboxes: readonly { readonly info?: MailboxInfo }[],
  items: readonly StatusItem[],
): Promise<ReadonlyMap<number, number>> {
  const bytes = new Map<number, number>();
  if (!items.includes('DELETED-STORAGE')) return bytes;
  const owner = ownerOf(session.account!);
  for (const { info } of mailboxes) {
    if (info === undefined || info.deleted === 0) continue;
    const answer = await session.ask(imapAsks.deletedBytes, [owner, info.mailbox]);
    if (answer.ok) bytes.set(info.mailbox, answer.value as number);
  }
  return bytes;
}

function valuesOf(
  info: MailboxInfo,
  items: readonly StatusItem[],
  messageBytesMax: number,
  deletedBytes = 0,
): readonly StatusValue[] {
  const values: Record<StatusItem, number | string> = {
    MESSAGES: info.messages,
    // No session is told that a message is \Recent.
    RECENT: 0,
    UIDNEXT: info.uidNext,
    UIDVALIDITY: info.uidValidity,
    UNSEEN: info.unseen,
    DELETED: info.deleted,
    'DELETED-STORAGE': deletedBytes,
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
  const deleted = await deletedBytesOf(session, [{ info }], items);
  const { messageBytesMax } = session.service.policy.limits;
  const values = valuesOf(info, items, messageBytesMax, deleted.get(info.mailbox));
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
