/**
 * What an account uses of its quota, and what an EXPUNGE of a mailbox would give back.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 9208 §4.1.4 (DELETED-STORAGE), §5.1-5.2.
 * Limits:    the sum over messages is worked out in slices of `sliceMessages`.
 * Invariant: a document counts once, whatever mailboxes it is in: what stands in another place as well is not given
 *            back.
 */

import type { PackedOwner } from '../../../actors/asks/imap-asks.ts';
import type { AccountUse } from '../../../actors/asks/mailbox-asks.ts';
import { useOf } from '../handlers.ts';
import type { ImapDesk } from './desk.ts';
import { deletedDown } from './expunge.ts';

const sliceMessages = 500;
const uidMax = 0xffff_ffff;

type Desk = Pick<ImapDesk, 'reader' | 'shard'>;

export function quotaUse({ reader }: Desk, [account]: PackedOwner): AccountUse {
  return useOf(reader.account(account));
}

/** Octets of messages marked \Deleted that stand nowhere else. */
export async function deletedBytes(
  { reader, shard }: Desk,
  account: number,
  mailbox: number,
): Promise<number> {
  let left = reader.mailbox(account, mailbox)?.deleted ?? 0;
  if (left === 0) return 0;
  let bytes = 0;
  let inSlice = 0;
  for (const { document } of deletedDown(shard, { account, mailbox }, 1, uidMax)) {
    const row = reader.document(account, document);
    if (row !== undefined && row.places.length === 2) bytes += row.size;
    if (--left === 0) break;
    if (++inSlice < sliceMessages) continue;
    inSlice = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return bytes;
}
