/**
 * Who reads shared mailboxes and who sends in their names.
 *
 * Runs in:   main thread.
 * Limits:    `mailboxesShownMax` mailboxes are named of a reader; mailboxes made while rights are set are looked for
 *            `roundsMax` times.
 * Invariant: whoever is named by a list is noted in the directory before the list is set, as over IMAP: a kill between
 *            leaves somebody who looks in vain, and the act may be asked for again.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import {
  type AclEntryValue,
  imapAsks,
  type PackedOwner,
  type PackedSetAcl,
  readBy,
} from '../../actors/asks/imap-asks.ts';
import {
  mailboxesShownMax,
  type SharedReaderView,
  type SharedRights,
} from '../../actors/asks/shared-control.ts';
import { MailError } from '../../base/errors.ts';
import type { AccountId } from '../../base/ids.ts';
import { allRights, rightsOf, rightsText } from '../../mail/wire/imap/rights.ts';
import type { Account } from '../../ports/account-directory.ts';
import { groupIn, identifierOf } from '../../ports/groups.ts';
import { accountNamed, askAccount } from './account-asks.ts';
import { mailboxPaths } from './mailbox-handlers.ts';
import type { ControlParts } from './parts.ts';

const letters: Readonly<Record<SharedRights, string>> = {
  none: '',
  read: 'lrs',
  write: 'lrswipte',
  manage: 'lrswipkxtea',
};

const anyone = 0;
const roundsMax = 8;

export function sharedHandlers(parts: ControlParts): ControlHandlers {
  const { directory } = parts;
  return {
    'shared.show': async ({ address }) => {
      const account = await sharedNamed(parts, address);
      return { address: account.address, readers: await readersOf(parts, account) };
    },
    'shared.grant': async ({ address, member, rights, sendsAs }) => {
      const account = await sharedNamed(parts, address);
      const identifier = await identifierNamed(parts, account, member);
      await setRights(parts, account, identifier, rightsOf(letters[rights])!);
      await directory.putSender(account.id, identifier, sendsAs);
      const name = await nameOf(parts, account, identifier);
      const readers = await readersOf(parts, account);
      const reader = readers.find((each) => each.member === name);
      const none = { member: name!, rights: '', sendsAs, mailboxes: [], moreCount: 0 };
      return { reader: reader ?? none };
    },
    'shared.revoke': async ({ address, member }) => {
      const account = await sharedNamed(parts, address);
      const identifier = await identifierNamed(parts, account, member);
      await directory.putSender(account.id, identifier, false);
      await setRights(parts, account, identifier, 0);
      return { left: await readersOf(parts, account, await waysOf(parts, account, identifier)) };
    },
  };
}

/** @throws MailError `not-found`, `argument-invalid` for somebody's own */
async function sharedNamed(parts: ControlParts, address: string): Promise<Account> {
  const account = await accountNamed(parts, address);
  if (account.isShared === true) return account;
  throw new MailError('argument-invalid', `${address} is no shared mailbox: its owner shares it`);
}

/** Of its tenant. @throws MailError `not-found` */
async function identifierNamed(
  { directory, identity }: ControlParts,
  { tenant, id }: Account,
  member: string,
): Promise<number> {
  const account = await directory.accountByAddress(member);
  if (account?.id === id) throw new MailError('argument-invalid', 'it has all rights to itself');
  if (account?.tenant === tenant) return account.id;
  const group = await identity.groups.groupByAddress(tenant, member.replace(/^group:/, ''));
  if (group === undefined) throw new MailError('not-found', `account or group ${member}`);
  return identifierOf(group.id);
}

async function setRights(
  parts: ControlParts,
  account: Account,
  identifier: number,
  rights: number,
): Promise<void> {
  const { directory } = parts;
  if (rights !== 0) await directory.noteSharing(account.id, identifier, true);
  const set: PackedSetAcl = [identifier, false, 'replace', rights];
  const done = new Set<string>();
  let isListed = false;
  for (let round = 1; ; round++) {
    // What was made or renamed meanwhile has the list of before.
    const paths = (await mailboxPaths(parts, account)).filter((path) => !done.has(path));
    if (paths.length === 0) break;
    if (round > roundsMax) throw new MailError('store-busy', 'mailboxes change without a pause');
    for (const path of paths) {
      const meta = readBy(account, [ownerOf(account), path, set]);
      const { value } = await ofMailbox(askAccount(parts, account, imapAsks.setAcl, meta));
      done.add(path);
      if (value !== undefined) isListed = value === true;
    }
  }
  await directory.noteSharing(account.id, identifier, isListed);
}

/** Of a mailbox that was deleted or renamed meanwhile: nothing. */
async function ofMailbox(answer: ReturnType<typeof askAccount>): Promise<{ value?: unknown }> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof MailError && error.code === 'not-found') return {};
    throw error;
  }
}

/** What it may have rights by besides itself: groups that it is in, by whatever way, and anyone. */
async function waysOf(
  { directory, identity }: ControlParts,
  { tenant }: Account,
  identifier: number,
): Promise<ReadonlySet<number>> {
  const id = groupIn(identifier);
  const groups =
    id === undefined
      ? await directory.groupsOf(identifier as AccountId)
      : await identity.groups.lineOf({ tenant, id });
  return new Set([identifier, anyone, ...groups.map(identifierOf)]);
}

/** `only`: none but these. */
async function readersOf(
  parts: ControlParts,
  account: Account,
  only?: ReadonlySet<number>,
): Promise<readonly SharedReaderView[]> {
  const [given, paths] = await rightsGiven(parts, account);
  const senders = await parts.directory.sendersOf(account.id);
  const readers: SharedReaderView[] = [];
  for (const identifier of [...new Set([...given.keys(), ...senders])].sort((a, b) => a - b)) {
    if (only !== undefined && !only.has(identifier)) continue;
    const member = await nameOf(parts, account, identifier);
    // Deleted since: its number names nobody.
    if (member === undefined) continue;
    const own = given.get(identifier) ?? new Map<string, number>();
    const inAll = paths.reduce((had, path) => had & (own.get(path) ?? 0), allRights);
    const rights = paths.length === 0 ? 0 : inAll;
    const more = [...own].filter(([, had]) => had !== rights);
    readers.push({
      ...{ member, rights: rightsText(rights), sendsAs: senders.includes(identifier) },
      mailboxes: more
        .slice(0, mailboxesShownMax)
        .map(([mailbox, had]) => ({ mailbox, rights: rightsText(had) })),
      moreCount: Math.max(0, more.length - mailboxesShownMax),
    });
  }
  return readers;
}

/** By identifier and path, and all paths. */
async function rightsGiven(parts: ControlParts, account: Account) {
  const given = new Map<number, Map<string, number>>();
  const paths: string[] = [];
  for (const path of await mailboxPaths(parts, account)) {
    const meta = readBy(account, [ownerOf(account), path]);
    const { value } = await ofMailbox(askAccount(parts, account, imapAsks.getAcl, meta));
    if (value === undefined) continue;
    paths.push(path);
    for (const [identifier, rights, taken] of value as readonly AclEntryValue[]) {
      const own = given.get(identifier) ?? new Map<string, number>();
      given.set(identifier, own.set(path, rights & ~taken));
    }
  }
  return [given, paths] as const;
}

async function nameOf(
  { directory, identity }: ControlParts,
  { tenant }: Account,
  identifier: number,
): Promise<string | undefined> {
  if (identifier === anyone) return 'anyone';
  const id = groupIn(identifier);
  if (id === undefined) return (await directory.accountById(identifier as AccountId))?.address;
  const group = await identity.groups.group({ tenant, id });
  return group === undefined ? undefined : `group:${group.address}`;
}

function ownerOf({ id, tenant, quotaBytes, quotaMessages = 0 }: Account): PackedOwner {
  return [id, tenant, quotaBytes, quotaMessages];
}
