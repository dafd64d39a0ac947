/**
 * LIST, LSUB, STATUS: what mailboxes there are and what they count.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.3.9, §6.3.11; RFC 3501 §6.3.9 (LSUB); RFC 5258, RFC 5819, RFC 6154.
 */

import type { Answer } from '../../../../actors/ask.ts';
import {
  type ImapList,
  imapAsks,
  type MetadataValue,
  type OpenedMailbox,
  objectIds,
} from '../../../../actors/asks/imap-asks.ts';
import type { MailboxInfo } from '../../../../actors/asks/mailbox-asks.ts';
import { separator } from '../../../../mail/wire/imap/mailbox-name.ts';
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
import { writeMyRights } from '../../../../mail/wire/imap/response-acl.ts';
import {
  type StatusValue,
  writeHierarchy,
  writeList,
  writeStatusData,
} from '../../../../mail/wire/imap/response-data.ts';
import { writeMetadata } from '../../../../mail/wire/imap/response-metadata.ts';
import { allRights, noRights, rights } from '../../../../mail/wire/imap/rights.ts';
import { ownerOf, weighList, weighOpened } from '../account-asks.ts';
import { answerOf, type CommandEnd, no, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, loggedInStates } from '../command.ts';
import { beginModseqs } from '../condstore.ts';
import {
  asksBelow,
  type Listed,
  listed,
  lsubbed,
  namesAsked,
  type SharedMailbox,
} from '../listing.ts';
import { nameOf, placeOf } from '../places.ts';
import { recentCount } from '../recent.ts';

/** Whose mailboxes one LIST looks at besides the reader's own, and of how many at a time. */
const sharersMax = 1_000;
const sharersAtOnce = 20;

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
  const answer = await askOwn(session, command, response);
  if (!answer.ok) return answerOf(answer.code);
  const all = answer.value as ImapList;
  const others = await sharedMailboxes(session, command);
  const found = await (response === 'LSUB' ? lsubbed : listed)(all, command, others);
  if (found === undefined) return no('So many names are matched with fewer patterns', 'LIMIT');
  const { status, myRights } = command.returns;
  const { messageBytesMax } = session.service.policy.limits;
  const deleted = await deletedBytesOf(session, found, status);
  const recent = await recentOf(session, found, status);
  const metadata = await metadataOf(session, found, command.returns.metadata);
  session.respond((writer) => {
    for (const { info, shared, ...mailbox } of found) {
      writeList(writer, mailbox, response);
      if (info === undefined) continue;
      // RFC 8440 §3: of each mailbox there is.
      if (myRights) writeMyRights(writer, mailbox.name, shared?.rights ?? allRights);
      writeMetadata(writer, mailbox.name, metadata.get(info) ?? []);
      if (status.length === 0) continue;
      // RFC 4314 §4: STATUS needs `r`.
      if (shared !== undefined && (shared.rights & rights.read) === 0) continue;
      const more = { deletedBytes: deleted.get(info), recent: recent.get(info) };
      writeStatusData(writer, mailbox.name, valuesOf(info, status, messageBytesMax, more));
    }
  });
  return ok(`${response} done`);
}

/** The account's own mailboxes: all, or what is told of some that are asked for by name. */
function askOwn(
  session: CommandSession,
  command: ListCommand,
  response: 'LIST' | 'LSUB',
): Promise<Answer> {
  const owner = ownerOf(session.account!);
  // RFC 3501 §6.3.9: LSUB tells of names above what is subscribed to.
  const names = response === 'LSUB' ? undefined : namesAsked(command);
  if (names === undefined) return session.askKept(imapAsks.list, owner, { weigh: weighList });
  const weigh = (list: unknown) => names.length + weighList(list);
  return session.askKept(imapAsks.listNamed, [owner, names], { weigh });
}

/** Mailboxes of others, where the patterns could mean them. An owner that does not answer is left out. */
async function sharedMailboxes(
  session: CommandSession,
  command: ListCommand,
): Promise<SharedMailbox[]> {
  const { policy, accounts } = session.service;
  if (!asksBelow(policy.otherUsers + separator, command)) return [];
  const reader = session.account!;
  const numbers = (await accounts.sharers(reader.id)).slice(0, sharersMax);
  const found: SharedMailbox[] = [];
  for (let i = 0; i < numbers.length; i += sharersAtOnce) {
    const some = numbers.slice(i, i + sharersAtOnce).map(async (number) => {
      const owner = await accounts.accountById(number);
      if (owner === undefined || owner.tenant !== reader.tenant || owner.id === reader.id) return;
      const answer = await session.askKept(imapAsks.list, ownerOf(owner), {
        to: owner,
        weigh: weighList,
      });
      if (!answer.ok) return;
      const { mailboxes, rights = [] } = answer.value as ImapList;
      mailboxes.forEach((info, at) => {
        const name = nameOf(session, owner, info.name);
        found.push({ name, owner, info, rights: rights[at] ?? noRights });
      });
    });
    await Promise.all(some);
  }
  return found;
}

/** RFC 9590 §3: the entries of each mailbox. */
async function metadataOf(
  session: CommandSession,
  found: readonly Listed[],
  entries: readonly string[] | undefined,
): Promise<ReadonlyMap<MailboxInfo, readonly MetadataValue[]>> {
  const values = new Map<MailboxInfo, readonly MetadataValue[]>();
  if (entries === undefined) return values;
  const owners = new Set(found.map(({ shared }) => shared?.owner ?? session.account!));
  for (const owner of owners) {
    const meta = [ownerOf(owner), entries];
    const answer = await session.ask(imapAsks.listMetadata, meta, { to: owner });
    if (!answer.ok) continue;
    const own = new Map(answer.value as readonly [number, readonly MetadataValue[]][]);
    for (const { info, shared } of found) {
      const isOwn = (shared?.owner ?? session.account!) === owner;
      if (info !== undefined && isOwn) values.set(info, own.get(info.mailbox) ?? []);
    }
  }
  return values;
}

/** What EXPUNGE would give back, where that was asked for and is not nothing. */
async function deletedBytesOf(
  session: CommandSession,
  mailboxes: readonly Pick<Listed, 'info' | 'shared'>[],
  items: readonly StatusItem[],
): Promise<ReadonlyMap<MailboxInfo, number>> {
  const bytes = new Map<MailboxInfo, number>();
  if (!items.includes('DELETED-STORAGE')) return bytes;
  for (const { info, shared } of mailboxes) {
    if (info === undefined || info.deleted === 0) continue;
    const owner = shared?.owner ?? session.account!;
    const meta = [ownerOf(owner), info.mailbox];
    const answer = await session.ask(imapAsks.deletedBytes, meta, { to: owner });
    if (answer.ok) bytes.set(info, answer.value as number);
  }
  return bytes;
}

/** How many messages are \Recent, where that was asked for and is not nothing. */
async function recentOf(
  session: CommandSession,
  mailboxes: readonly Pick<Listed, 'info' | 'shared'>[],
  items: readonly StatusItem[],
): Promise<ReadonlyMap<MailboxInfo, number>> {
  const counts = new Map<MailboxInfo, number>();
  if (!items.includes('RECENT')) return counts;
  for (const { info, shared } of mailboxes) {
    if (info === undefined) continue;
    counts.set(info, await recentCount(session, shared?.owner ?? session.account!, info));
  }
  return counts;
}

/** Of one mailbox, what its row does not say. */
interface StatusMore {
  readonly deletedBytes: number | undefined;
  readonly recent: number | undefined;
}

function valuesOf(
  info: MailboxInfo,
  items: readonly StatusItem[],
  messageBytesMax: number,
  { deletedBytes = 0, recent = 0 }: StatusMore,
): readonly StatusValue[] {
  const values: Record<StatusItem, number | string> = {
    MESSAGES: info.messages,
    RECENT: recent,
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
  const place = await placeOf(session, mailbox);
  if (place === undefined) return answerOf('not-found');
  const { owner, path } = place;
  const options = { to: owner, weigh: weighOpened };
  const answer = await session.askKept(imapAsks.open, [ownerOf(owner), path], options);
  if (!answer.ok) return answerOf(answer.code);
  const { info, rights: own } = answer.value as OpenedMailbox;
  // RFC 7162 §3.1.7: asking for it makes the client one that knows modseqs.
  if (items.includes('HIGHESTMODSEQ')) beginModseqs(session);
  const one = { info, shared: { name: mailbox, owner, info, rights: own } };
  const deleted = await deletedBytesOf(session, [one], items);
  const { messageBytesMax } = session.service.policy.limits;
  const recent = await recentOf(session, [one], items);
  const more = { deletedBytes: deleted.get(info), recent: recent.get(info) };
  const values = valuesOf(info, items, messageBytesMax, more);
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
