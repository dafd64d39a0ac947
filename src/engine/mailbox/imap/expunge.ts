/**
 * EXPUNGE: takes out of a mailbox what is marked \Deleted.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 9051 §6.4.3 (EXPUNGE), RFC 4315 §2.1 (UID EXPUNGE).
 */

import { deletedFlag } from '../rows/uid-block.ts';
import { addId, type IdRanges } from '../rows/uid-ranges.ts';
import type { Owner } from '../tree.ts';
import type { ImapDesk } from './desk.ts';
import { blocksIn } from './messages.ts';

export async function expungeDeleted(
  desk: Pick<ImapDesk, 'reader' | 'shard' | 'mailboxes'>,
  { account, tenant }: Owner,
  mailbox: number,
  uids: IdRanges,
): Promise<void> {
  const row = desk.reader.mailbox(account, mailbox);
  if (row === undefined || row.deleted === 0) return;
  const gone: number[] = [];
  for (const { base, block, first, last } of blocksIn(desk.shard, { account, mailbox }, uids)) {
    if (block.flags[deletedFlag] === undefined) continue;
    for (const slot of block.slots()) {
      const uid = base + slot;
      if (uid >= first && uid <= last && block.hasFlag(slot, deletedFlag)) addId(gone, uid);
    }
  }
  if (gone.length > 0) await desk.mailboxes.expunge(account, tenant, mailbox, gone);
}
