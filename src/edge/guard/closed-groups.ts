/**
 * Decides whether somebody may write to groups that do not take everybody's mail.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 3463 §3.8 (X.7.2: mailing list expansion prohibited).
 * Invariant: only who is known for certain counts: a stranger's MAIL FROM says nothing. An address that leads to several
 *            groups is closed where one of them is: nobody's copy is left out in silence.
 */

import type { AccountId, TenantId } from '../../base/ids.ts';
import type { AccountDirectory, ClosedGroup } from '../../ports/account-directory.ts';

/** Who writes. */
export type KnownSender =
  | { readonly kind: 'account'; readonly tenant: TenantId; readonly account: AccountId }
  /** A program with a key of the tenant. */
  | { readonly kind: 'tenant'; readonly tenant: TenantId }
  /** A client that may relay: its sender's domain says whose mail it is. */
  | { readonly kind: 'domain'; readonly domain: string }
  | { readonly kind: 'stranger' };

export const stranger: KnownSender = { kind: 'stranger' };

export async function mayWriteTo(
  directory: Pick<AccountDirectory, 'domain' | 'groupsOf'>,
  closed: readonly ClosedGroup[],
  sender: KnownSender,
): Promise<boolean> {
  const tenant =
    sender.kind === 'domain'
      ? (await directory.domain(sender.domain))?.tenant
      : sender.kind === 'stranger'
        ? undefined
        : sender.tenant;
  if (tenant === undefined) return false;
  const own = sender.kind === 'account' ? await directory.groupsOf(sender.account) : [];
  return closed.every(
    (group) => group.tenant === tenant && (group.senders === 'tenant' || own.includes(group.group)),
  );
}
