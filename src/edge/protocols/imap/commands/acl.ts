/**
 * GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 4314 §3 (commands), §6.
 * Invariant: lists name accounts and groups by number; here they have addresses. The owner's rights are all, and stay so. Whom a
 *            list names is noted in the directory before the list is set, so that LIST of a reader finds the owner.
 */

import {
  type AclEntryValue,
  anyoneNumber,
  imapAsks,
  type PackedSetAcl,
} from '../../../../actors/asks/imap-asks.ts';
import type { AccountId } from '../../../../base/ids.ts';
import {
  type IdentifierCommand,
  parseIdentifierCommand,
  parseSetAcl,
  type SetAclCommand,
} from '../../../../mail/wire/imap/parse-acl.ts';
import { parseMailboxArgument } from '../../../../mail/wire/imap/parse-mailbox.ts';
import {
  type AclEntry,
  writeAcl,
  writeListRights,
  writeMyRights,
} from '../../../../mail/wire/imap/response-acl.ts';
import { allRights, noRights } from '../../../../mail/wire/imap/rights.ts';
import type { Account } from '../../../../ports/account-directory.ts';
import { groupIn, identifierOf } from '../../../../ports/groups.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, type CommandEnd, no, ok, type Tagged } from '../answers.ts';
import { type CommandSession, type ImapCommand, loggedInStates } from '../command.ts';
import { type MailboxPlace, placeOf } from '../places.ts';

const anyoneName = 'anyone';
const noIdentifier = no('There is no such identifier', 'CANNOT');
const ownerKeeps = no('The owner has all rights', 'CANNOT');
const tooMany = no('There are too many identifiers', 'LIMIT');

/** How a group is written: a user name is no group's, so nothing a LOGIN takes begins so (RFC 4314 §2). */
const groupPrefix = 'group:';
/** As some servers write it; taken where no account has the name. */
const shortPrefix = '$';

/** An account or a group of the owner's tenant, or anyone of it. */
async function numberOf(
  session: CommandSession,
  owner: Account,
  name: string,
): Promise<number | undefined> {
  if (name.toLowerCase() === anyoneName) return anyoneNumber;
  const { accounts } = session.service;
  const account = await accounts.accountByAddress(name);
  if (account !== undefined) return account.tenant === owner.tenant ? account.id : undefined;
  const prefix = [groupPrefix, shortPrefix].find((each) => name.startsWith(each));
  if (prefix === undefined) return undefined;
  const group = await accounts.groupByAddress(owner.tenant, name.slice(prefix.length));
  return group === undefined ? undefined : identifierOf(group.id);
}

async function getAcl(session: CommandSession, mailbox: string): Promise<CommandEnd> {
  const place = await placeOf(session, mailbox);
  if (place === undefined) return answerOf('not-found');
  const { owner, path } = place;
  const answer = await session.ask(imapAsks.getAcl, [ownerOf(owner), path], { to: owner });
  if (!answer.ok) return answerOf(answer.code);
  const entries: AclEntry[] = [{ identifier: owner.address, rights: allRights }];
  for (const [number, given, taken] of answer.value as readonly AclEntryValue[]) {
    const identifier = await nameOf(session, owner, number);
    // Deleted since: its number names nobody any more.
    if (identifier === undefined) continue;
    if (given !== noRights) entries.push({ identifier, rights: given });
    if (taken !== noRights) entries.push({ identifier: `-${identifier}`, rights: taken });
  }
  session.respond((writer) => writeAcl(writer, mailbox, entries));
  return ok('GETACL done');
}

/** What is no account of the owner's tenant has no name here. */
async function nameOf(
  { service }: CommandSession,
  { tenant }: Account,
  number: number,
): Promise<string | undefined> {
  if (number === anyoneNumber) return anyoneName;
  const id = groupIn(number);
  if (id === undefined) {
    const account = await service.accounts.accountById(number as AccountId);
    return account?.tenant === tenant ? account.address : undefined;
  }
  const group = await service.accounts.group({ tenant, id });
  return group === undefined ? undefined : `${groupPrefix}${group.address}`;
}

function setAcl(session: CommandSession, command: SetAclCommand): Promise<CommandEnd> {
  return change(session, command, command.op, command.rights, 'SETACL done');
}

/** RFC 4314 §3.2: what is not on the list is deleted all the same. */
function deleteAcl(session: CommandSession, command: IdentifierCommand): Promise<CommandEnd> {
  return change(session, command, 'replace', noRights, 'DELETEACL done');
}

async function change(
  session: CommandSession,
  { mailbox, name, isNegative }: IdentifierCommand,
  op: PackedSetAcl[2],
  rights: number,
  done: string,
): Promise<CommandEnd> {
  const place = await placeOf(session, mailbox);
  if (place === undefined) return answerOf('not-found');
  const { owner } = place;
  const refused = await refusedTo(session, place);
  if (refused !== undefined) return refused;
  const identifier = await numberOf(session, owner, name);
  if (identifier === undefined) return noIdentifier;
  if (identifier === owner.id) return ownerKeeps;
  const { accounts } = session.service;
  const isGiven = !isNegative && op !== 'remove' && rights !== noRights;
  // Before the list names it: a reader who has rights and does not find them is worse than one who looks in vain.
  if (isGiven) await accounts.noteSharing(owner.id, identifier, true);
  const set: PackedSetAcl = [identifier, isNegative, op, rights];
  const meta = [ownerOf(owner), place.path, set];
  const answer = await session.ask(imapAsks.setAcl, meta, { to: owner });
  if (!answer.ok) return answer.code === 'not-possible-now' ? tooMany : answerOf(answer.code);
  await accounts.noteSharing(owner.id, identifier, answer.value === true);
  if (answer.value === true) return ok(done);
  // Another session may have set it between: a change of nothing tells whether a list names it now.
  const nothing: PackedSetAcl = [identifier, false, 'add', noRights];
  const again = await session.ask(imapAsks.setAcl, [ownerOf(owner), place.path, nothing], {
    to: owner,
  });
  if (again.ok && again.value === true) await accounts.noteSharing(owner.id, identifier, true);
  return ok(done);
}

/** Whoever may not change the list learns nothing of identifiers. */
async function refusedTo(
  session: CommandSession,
  { owner, path }: MailboxPlace,
): Promise<Tagged | undefined> {
  const answer = await session.ask(imapAsks.getAcl, [ownerOf(owner), path], { to: owner });
  return answer.ok ? undefined : answerOf(answer.code);
}

async function listRights(
  session: CommandSession,
  { mailbox, name, isNegative }: IdentifierCommand,
): Promise<CommandEnd> {
  const place = await placeOf(session, mailbox);
  if (place === undefined) return answerOf('not-found');
  const refused = await refusedTo(session, place);
  if (refused !== undefined) return refused;
  const { owner } = place;
  const identifier = await numberOf(session, owner, name);
  if (identifier === undefined) return noIdentifier;
  const required = identifier === owner.id && !isNegative ? allRights : noRights;
  session.respond((writer) => {
    writeListRights(writer, mailbox, isNegative ? `-${name}` : name, required);
  });
  return ok('LISTRIGHTS done');
}

async function myRights(session: CommandSession, mailbox: string): Promise<CommandEnd> {
  const place = await placeOf(session, mailbox);
  if (place === undefined) return answerOf('not-found');
  const { owner, path } = place;
  const answer = await session.ask(imapAsks.myRights, [ownerOf(owner), path], { to: owner });
  if (!answer.ok) return answerOf(answer.code);
  session.respond((writer) => writeMyRights(writer, mailbox, answer.value as number));
  return ok('MYRIGHTS done');
}

export const getAclCommand = {
  name: 'GETACL',
  states: loggedInStates,
  parse: parseMailboxArgument,
  run: getAcl,
} as const satisfies ImapCommand<string>;

export const setAclCommand = {
  name: 'SETACL',
  states: loggedInStates,
  parse: parseSetAcl,
  run: setAcl,
} as const satisfies ImapCommand<SetAclCommand>;

export const deleteAclCommand = {
  name: 'DELETEACL',
  states: loggedInStates,
  parse: parseIdentifierCommand,
  run: deleteAcl,
} as const satisfies ImapCommand<IdentifierCommand>;

export const listRightsCommand = {
  name: 'LISTRIGHTS',
  states: loggedInStates,
  parse: parseIdentifierCommand,
  run: listRights,
} as const satisfies ImapCommand<IdentifierCommand>;

export const myRightsCommand = {
  name: 'MYRIGHTS',
  states: loggedInStates,
  parse: parseMailboxArgument,
  run: myRights,
} as const satisfies ImapCommand<string>;
