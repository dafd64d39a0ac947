/**
 * Flags and keywords of a set of UIDs: one row per block of 128, one change row.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 9051 §6.4.6 (STORE), RFC 7162 §3.1 (modseqs).
 */

import type { IndexChange } from '../../../ports/shard-index.ts';
import { byModseqKey } from '../../store/keys.ts';
import { type JournalRecord, noChanges, type ShardReader } from '../../store/record.ts';
import { type FlagOp, readFlagsStored } from '../records.ts';
import { deletedFlag, seenFlag, systemFlags } from '../rows/uid-block.ts';
import { addId, idsOf, packRanges } from '../rows/uid-ranges.ts';
import { type MailboxEdit, openAccount, slotOf } from './account-edit.ts';

export function applyFlagsStored(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const stored = readFlagsStored(record);
  const edit = openAccount(read, stored.account, stored.modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const target = edit.mailbox(stored.mailbox);
  if (target === undefined) return noChanges;
  const { op, flags } = stored;
  const names = op === 'remove' ? target.row.keywords : undefined;
  // Taking a keyword away must not make it known.
  const wanted = stored.keywords.filter((name) => names === undefined || names.includes(name));
  const keywords = wanted.map((name) => target.keyword(name)).filter((number) => number >= 0);
  const changed: number[] = [];
  for (const uid of idsOf(stored.uids)) {
    const block = target.block(uid);
    const slot = slotOf(uid);
    if (!block.has(slot)) continue;
    storeFlags(target, uid, op, flags, keywords);
    block.modseqs[slot] = edit.modseq;
    addId(changed, uid);
    edit.updated.email.add(block.documents[slot]!);
  }
  const key = byModseqKey(edit.account, stored.mailbox, edit.modseq);
  if (changed.length > 0) edit.table.putOnly(key, packRanges(changed));
  return edit.finish();
}

function storeFlags(
  target: MailboxEdit,
  uid: number,
  op: FlagOp,
  flags: number,
  keywords: readonly number[],
): void {
  const block = target.block(uid);
  const slot = slotOf(uid);
  const wasSeen = block.hasFlag(slot, seenFlag);
  const wasDeleted = block.hasFlag(slot, deletedFlag);
  for (let flag = 0; flag < systemFlags.length; flag++) {
    const isNamed = ((flags >> flag) & 1) === 1;
    if (isNamed || op === 'replace') block.setFlag(slot, flag, isNamed && op !== 'remove');
  }
  if (op === 'replace') {
    for (const keyword of block.keywords.keys()) block.setKeyword(slot, keyword, false);
  }
  for (const keyword of keywords) block.setKeyword(slot, keyword, op !== 'remove');
  target.row.unseen += Number(wasSeen) - Number(block.hasFlag(slot, seenFlag));
  target.row.deleted += Number(block.hasFlag(slot, deletedFlag)) - Number(wasDeleted);
}
