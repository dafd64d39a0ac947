/**
 * What is \Recent, as far as the engine knows: up to where sessions were told of a mailbox's messages. Which session
 * was told of which, the edge knows.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 3501 §2.3.2.
 * Invariant: what is noted here may be lost by a crash: messages are \Recent once more, and nothing else is harmed.
 */

import type { PackedRecentCount, UidRanges } from '../../../actors/asks/imap-asks.ts';
import type { AccountId, TenantId } from '../../../base/ids.ts';
import { recentToldDraft } from '../tree-records.ts';
import type { ImapDesk } from './desk.ts';
import type { View } from './view.ts';

type Desk = Pick<ImapDesk, 'reader' | 'shard' | 'views'>;

/** Sessions were told of all messages below `uidNext`. */
export async function noteTold(
  { reader, shard }: Pick<ImapDesk, 'reader' | 'shard'>,
  { account, tenant }: { readonly account: AccountId; readonly tenant: TenantId },
  mailbox: number,
  told: number,
): Promise<void> {
  const row = reader.mailbox(account, mailbox);
  if (row === undefined) return;
  const uidNext = Math.min(told, row.uidNext);
  if (uidNext <= row.recentUid) return;
  await shard.appendLazily([recentToldDraft(tenant, { account, mailbox, uidNext })]);
}

/** Messages of a session's view from a UID on. */
export async function recentCount({ views }: Desk, packed: PackedRecentCount): Promise<number> {
  const [account, [mailbox, modseq, uidNext], from] = packed;
  return countFrom(await views.view({ account, mailbox, modseq, uidNext }), from);
}

export function countFrom(view: View, uid: number): number {
  const first = view.firstFrom(uid);
  return first === 0 ? 0 : view.count - first + 1;
}

/** How many of the ascending UIDs are within the ranges. */
export function countWithin(ranges: UidRanges, uids: readonly number[]): number {
  let count = 0;
  for (let i = 0, at = 0; i < uids.length; i++) {
    while (at < ranges.length && ranges[at + 1]! < uids[i]!) at += 2;
    if (at < ranges.length && ranges[at]! <= uids[i]!) count++;
  }
  return count;
}
