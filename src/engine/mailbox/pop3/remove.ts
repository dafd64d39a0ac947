/**
 * QUIT: takes out of INBOX what the session deleted.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 1939 §6 (the UPDATE state).
 * Limits:    `stepMessages` at a time are turned into UIDs, so that no turn of the thread is long.
 * Invariant: it resolves once all of it is on disk. Done twice it changes nothing: UIDs never come back.
 */

import type { PackedMaildrop } from '../../../actors/asks/pop3-asks.ts';
import type { AccountId, TenantId } from '../../../base/ids.ts';
import { inboxMailbox } from '../account-actor.ts';
import type { ImapDesk } from '../imap/desk.ts';
import { addId } from '../rows/uid-ranges.ts';
import { viewOfDrop } from './maildrop.ts';

const stepMessages = 8_192;

/** `numbers` has a bit for each message number, number 1 first. */
export async function removeMessages(
  desk: Pick<ImapDesk, 'shard' | 'reader' | 'views' | 'mailboxes'>,
  drop: PackedMaildrop,
  tenant: TenantId,
  numbers: Uint8Array,
): Promise<void> {
  const [account, , , hidden] = drop;
  const view = await viewOfDrop(desk, drop);
  let uids: number[] = [];
  let count = 0;
  const expunge = async () => {
    if (count === 0) return;
    await desk.mailboxes.expunge(account as AccountId, tenant, inboxMailbox, uids);
    uids = [];
    count = 0;
  };
  for (let at = 0; at < numbers.byteLength; at++) {
    for (let bits = numbers[at]!; bits !== 0; bits &= bits - 1) {
      const number = at * 8 + 32 - Math.clz32(bits & -bits);
      const uid = view.uidOf(number + hidden);
      if (uid === 0) continue;
      addId(uids, uid);
      count++;
    }
    if (count >= stepMessages) await expunge();
  }
  await expunge();
}
