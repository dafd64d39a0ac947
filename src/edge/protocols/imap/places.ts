/**
 * Whose mailbox a name means: the session's own account's, or somebody else's below the prefix for those.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 2342 §5 (other users' namespace); RFC 4314 §6 (nothing is told of what may not be seen).
 * Invariant: an account of another tenant is as good as none. Rights are not decided here: the owner's actor does.
 */

import { canonicalName, separator } from '../../../mail/wire/imap/mailbox-name.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { ImapService } from './service.ts';

export interface MailboxPlace {
  readonly owner: Account;
  /** Within the owner's account. */
  readonly path: string;
}

interface PlacedSession {
  readonly account: Account | undefined;
  readonly service: Pick<ImapService, 'policy' | 'accounts'>;
}

/** Whether the name is below the prefix of others' mailboxes. */
export function isOthers({ service }: PlacedSession, name: string): boolean {
  return name.startsWith(service.policy.otherUsers + separator);
}

/** Undefined: no mailbox can have the name. */
export function placeOf(
  session: PlacedSession,
  name: string,
): MailboxPlace | undefined | Promise<MailboxPlace | undefined> {
  const { otherUsers } = session.service.policy;
  if (name === otherUsers) return undefined;
  return isOthers(session, name)
    ? placeOfOther(session, name)
    : { owner: session.account!, path: name };
}

async function placeOfOther(
  session: PlacedSession,
  name: string,
): Promise<MailboxPlace | undefined> {
  const { policy, accounts } = session.service;
  const rest = name.slice(policy.otherUsers.length + 1);
  // The local part of an address may have separators in it, its domain has none.
  const at = rest.indexOf('@');
  const end = at < 0 ? -1 : rest.indexOf(separator, at);
  if (end < 0) return undefined;
  const owner = await accounts.accountByAddress(rest.slice(0, end));
  if (owner === undefined || owner.tenant !== session.account!.tenant) return undefined;
  return { owner, path: canonicalName(rest.slice(end + 1)) };
}

/** The name by which a session knows a mailbox of `owner`. */
export function nameOf(session: PlacedSession, owner: Account, path: string): string {
  if (owner.id === session.account!.id) return path;
  return [session.service.policy.otherUsers, owner.address, path].join(separator);
}
