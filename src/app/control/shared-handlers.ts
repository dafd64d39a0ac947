/**
 * Who reads shared mailboxes and who sends in their names.
 *
 * Runs in:   main thread.
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
import type { SharedReaderView, SharedRights } from '../../actors/asks/shared-control.ts';
import { MailError } from '../../base/errors.ts';
import type { AccountId } from '../../base/ids.ts';
import { rightsOf, rightsText } from '../../mail/wire/imap/rights.ts';
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

const inbox = 'INBOX';

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
      return { reader: reader ?? { member: name!, rights: '', sendsAs } };
    },
    'shared.revoke': async ({ address, member }) => {
      const account = await sharedNamed(parts, address);
      const identifier = await identifierNamed(parts, account, member);
      await directory.putSender(account.id, identifier, false);
      await setRights(parts, account, identifier, 0);
      return {};
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
  let isListed = false;
  for (const path of await mailboxPaths(parts, account)) {
    const meta = readBy(account, [ownerOf(account), path, set]);
    const { value } = await askAccount(parts, account, imapAsks.setAcl, meta);
    isListed = value === true;
  }
  // A mailbox that was made meanwhile may name it: whoever looks in vain harms nothing.
  await directory.noteSharing(account.id, identifier, isListed);
}

async function readersOf(
  parts: ControlParts,
  account: Account,
): Promise<readonly SharedReaderView[]> {
  const meta = readBy(account, [ownerOf(account), inbox]);
  const { value } = await askAccount(parts, account, imapAsks.getAcl, meta);
  const given = new Map<number, number>();
  for (const [identifier, rights, taken] of value as readonly AclEntryValue[]) {
    given.set(identifier, rights & ~taken);
  }
  const senders = await parts.directory.sendersOf(account.id);
  const readers: SharedReaderView[] = [];
  for (const identifier of [...new Set([...given.keys(), ...senders])].sort((a, b) => a - b)) {
    const member = await nameOf(parts, account, identifier);
    // Deleted since: its number names nobody.
    if (member === undefined) continue;
    const rights = rightsText(given.get(identifier) ?? 0);
    readers.push({ member, rights, sendsAs: senders.includes(identifier) });
  }
  return readers;
}

async function nameOf(
  { directory, identity }: ControlParts,
  { tenant }: Account,
  identifier: number,
): Promise<string | undefined> {
  if (identifier === 0) return 'anyone';
  const id = groupIn(identifier);
  if (id === undefined) return (await directory.accountById(identifier as AccountId))?.address;
  const group = await identity.groups.group({ tenant, id });
  return group === undefined ? undefined : `group:${group.address}`;
}

function ownerOf({ id, tenant, quotaBytes, quotaMessages = 0 }: Account): PackedOwner {
  return [id, tenant, quotaBytes, quotaMessages];
}
