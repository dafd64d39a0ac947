/**
 * GETMETADATA and SETMETADATA, and what LIST tells of metadata.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5464 §4 (commands and codes), §6.2 (`/shared/comment` and `/shared/admin` of the server); RFC 9590.
 * Limits:    values of `metadataValueBytesMax`; what an account keeps is bounded by its actor.
 * Invariant: the server's shared entries come from settings, and nobody sets them here. Which script of an account runs,
 *            the account says alone.
 */

import { Buffer } from 'node:buffer';
import {
  type FoundMetadata,
  imapAsks,
  type MetadataValue,
  type PackedGetMetadata,
  type PackedSetMetadata,
} from '../../../../actors/asks/imap-asks.ts';
import {
  type GetMetadataCommand,
  parseGetMetadata,
  parseSetMetadata,
  type SetMetadataCommand,
} from '../../../../mail/wire/imap/parse-metadata.ts';
import { writeMetadata } from '../../../../mail/wire/imap/response-metadata.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, type CommandEnd, no, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, loggedInStates } from '../command.ts';
import { placeOf } from '../places.ts';

/** What the operator says of the server. */
function serverEntries(session: CommandSession): readonly (readonly [string, string])[] {
  const { serverComment, serverAdmin } = session.service.policy.metadata;
  const all = [
    ['/shared/admin', serverAdmin],
    ['/shared/comment', serverComment],
  ] as const;
  return all.filter(([, text]) => text !== '');
}

/** RFC 6785 §2.2.3. Of the server, it is each account's own, for all its mailboxes. */
const scriptEntry = '/shared/imapsieve/script';

function isServerShared(mailbox: string, entry: string): boolean {
  return mailbox === '' && entry.startsWith('/shared') && entry !== scriptEntry;
}

function serverValues(session: CommandSession, command: GetMetadataCommand): FoundMetadata {
  const { entries, depth, bytesMax } = command;
  const values: MetadataValue[] = [];
  let longest = 0;
  for (const wanted of entries.filter((entry) => isServerShared('', entry))) {
    const found = serverEntries(session).filter(
      ([entry]) => entry === wanted || (depth !== 0 && entry.startsWith(`${wanted}/`)),
    );
    for (const [entry, text] of found) {
      const value = Buffer.from(text);
      if (bytesMax < 0 || value.byteLength <= bytesMax) values.push([entry, value]);
      else longest = Math.max(longest, value.byteLength);
    }
    if (found.length === 0 && depth === 0) values.push([wanted, null]);
  }
  return { values, longest };
}

async function getMetadata(
  session: CommandSession,
  command: GetMetadataCommand,
): Promise<CommandEnd> {
  const { mailbox, bytesMax, depth } = command;
  const server = mailbox === '' ? serverValues(session, command) : { values: [], longest: 0 };
  const entries = command.entries.filter((entry) => !isServerShared(mailbox, entry));
  const place = await placeOf(session, mailbox);
  if (place === undefined) return answerOf('not-found');
  const { owner, path } = place;
  const meta: PackedGetMetadata = [ownerOf(owner), path, entries, bytesMax, depth];
  const answer = await session.ask(imapAsks.getMetadata, meta, { to: owner });
  if (!answer.ok) return answerOf(answer.code);
  const found = answer.value as FoundMetadata;
  session.respond((writer) => {
    writeMetadata(writer, mailbox, [...server.values, ...found.values]);
  });
  const longest = Math.max(found.longest, server.longest);
  // RFC 5464 §4.2.1: how large the largest of those is that were left out.
  const code = longest === 0 ? '' : `METADATA LONGENTRIES ${longest}`;
  return ok('GETMETADATA done', code);
}

const tooMany = no('There are too many entries', 'METADATA TOOMANY');

async function setMetadata(
  session: CommandSession,
  { mailbox, values }: SetMetadataCommand,
): Promise<CommandEnd> {
  const { valueBytesMax, entriesMax, bytesMax } = session.service.policy.metadata;
  for (const [entry, value] of values) {
    if (isServerShared(mailbox, entry)) return answerOf('permission-missing');
    if (value !== null && value.byteLength > valueBytesMax) {
      return no('A value is too large', `METADATA MAXSIZE ${valueBytesMax}`);
    }
  }
  const place = await placeOf(session, mailbox);
  if (place === undefined) return answerOf('not-found');
  const { owner, path } = place;
  const isOwn = owner.id === session.account?.id;
  if (!isOwn && values.has(scriptEntry)) return answerOf('permission-missing');
  const meta: PackedSetMetadata = [ownerOf(owner), path, [...values], [entriesMax, bytesMax]];
  const answer = await session.ask(imapAsks.setMetadata, meta, { to: owner });
  if (!answer.ok) return answer.code === 'not-possible-now' ? tooMany : answerOf(answer.code);
  if (session.selected?.name === mailbox) session.selected.ownEntries = answer.value as number;
  return ok('SETMETADATA done');
}

export const getMetadataCommand = {
  name: 'GETMETADATA',
  states: loggedInStates,
  parse: parseGetMetadata,
  run: getMetadata,
} as const satisfies ImapCommand<GetMetadataCommand>;

export const setMetadataCommand = {
  name: 'SETMETADATA',
  states: loggedInStates,
  changesMailbox: true,
  parse: parseSetMetadata,
  run: setMetadata,
} as const satisfies ImapCommand<SetMetadataCommand>;
