/**
 * Access lists as sessions ask for them and set them.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 4314 §3 (SETACL, DELETEACL, GETACL).
 * Limits:    `aclEntriesMax` identifiers a mailbox.
 * Invariant: the owner is on no list: it has all rights.
 */

import type { AclEntryValue, PackedSetAcl } from '../../../actors/asks/imap-asks.ts';
import { MailError } from '../../../base/errors.ts';
import { aclKey, aclRange, lastU32 } from '../../store/keys.ts';
import { aclEntriesMax, decodeAcl, withEntry } from '../rows/acl-row.ts';
import { aclSetDraft } from '../sharing-records.ts';
import type { Owner } from '../tree.ts';
import type { ImapDesk } from './desk.ts';

type Desk = Pick<ImapDesk, 'shard' | 'mailboxes'>;

export function aclOf({ shard }: Pick<Desk, 'shard'>, account: number, mailbox: number) {
  const value = shard.get(aclKey(account, mailbox));
  const entries = value === undefined ? [] : decodeAcl(value).entries;
  return entries.map(({ identifier, given, taken }): AclEntryValue => [identifier, given, taken]);
}

/**
 * On disk when it resolves; answers whether the identifier stands on any list of the account.
 * @throws MailError `not-found`, `not-possible-now` at `aclEntriesMax`
 */
export async function setAcl(
  { shard, mailboxes }: Desk,
  { account, tenant }: Owner,
  mailbox: number,
  [identifier, isNegative, op, rights]: PackedSetAcl,
): Promise<boolean> {
  await mailboxes.decide(account, tenant, (actor) => {
    if (actor.mailbox(mailbox) === undefined) throw new MailError('not-found', `${mailbox}`);
    const value = shard.get(aclKey(account, mailbox));
    const before = value === undefined ? { tenant, entries: [] } : decodeAcl(value);
    const known = before.entries.find((entry) => entry.identifier === identifier);
    const { given = 0, taken = 0 } = known ?? {};
    const changed = changedBy(isNegative ? taken : given, op, rights);
    const now = isNegative ? { given, taken: changed } : { given: changed, taken };
    if (now.given === given && now.taken === taken) {
      return { drafts: [], mailboxes: [], value: undefined };
    }
    if (withEntry(before, { identifier, ...now }).entries.length > aclEntriesMax) {
      throw new MailError('not-possible-now', 'too many identifiers');
    }
    const record = { account, modseq: actor.nextModseq(), mailbox, identifier, ...now };
    return { drafts: [aclSetDraft(tenant, record)], mailboxes: [mailbox], value: undefined };
  });
  return isListed({ shard }, account, identifier);
}

function changedBy(before: number, op: PackedSetAcl[2], rights: number): number {
  if (op === 'add') return before | rights;
  return op === 'remove' ? before & ~rights : rights;
}

function isListed({ shard }: Pick<Desk, 'shard'>, account: number, identifier: number): boolean {
  return shard
    .range(aclRange(account))
    .some(({ value }) => decodeAcl(value).entries.some((one) => one.identifier === identifier));
}

/** Mailboxes with a list, in order of number. */
export function listedMailboxes({ shard }: Pick<Desk, 'shard'>, account: number): number[] {
  return shard.range(aclRange(account)).map(({ key }) => lastU32(key));
}
