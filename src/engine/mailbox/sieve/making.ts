/**
 * The mailbox that a script names, made where it asks for that.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 5490 §3.2 (:create), RFC 8579 §4 (special uses).
 */

import { MailError } from '../../../base/errors.ts';
import type { Filing } from '../../../mail/sieve/run/actions.ts';
import { nameFault } from '../../../mail/wire/imap/mailbox-name.ts';
import type { MailboxNames } from '../names.ts';
import { isHidden, type Role } from '../rows/mailbox-row.ts';
import type { MailboxTree, Owner } from '../tree.ts';
import { mailboxOf, roleOf } from './host.ts';

/** Levels of a path that others may make at the same time. */
const triesMax = 20;

export interface MakingParts {
  readonly names: Pick<MailboxNames, 'of'>;
  readonly tree: Pick<MailboxTree, 'create' | 'find' | 'hidden'>;
}

/** 0: it is not there, and is not to be made or cannot be. The account must be there. */
export async function mailboxMadeFor(
  { names, tree }: MakingParts,
  owner: Owner,
  place: Filing,
): Promise<number> {
  const { mailbox, create, specialUse } = place;
  const own = names.of(owner.account);
  const found = mailboxOf(own, place);
  if (found !== 0 || create !== true || nameFault(mailbox) !== undefined) return found;
  const role = roleOf(specialUse);
  if (isHidden(role)) return await tree.hidden(owner, mailbox, role);
  await make(tree, owner, mailbox, role !== '' && own.withRole(role) === 0 ? role : '');
  return mailboxOf(names.of(owner.account), place);
}

/** Another may be making it, or what it is to be below. */
async function make(
  tree: MakingParts['tree'],
  owner: Owner,
  path: string,
  role: Role,
): Promise<void> {
  for (let tries = 0; tries < triesMax && tree.find(owner.account, path) === undefined; tries++) {
    try {
      await tree.create(owner, path, role);
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      if (error.code !== 'already-exists') return;
    }
  }
}
