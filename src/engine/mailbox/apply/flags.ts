/**
 * Flags and keywords of a set of UIDs: one row per block of 128, one change row.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 9051 §6.4.6 (STORE), RFC 7162 §3.1 (modseqs).
 */

import type { IndexChange } from '../../../ports/shard-index.ts';
import { byModseqKey, uidBlockSlots } from '../../store/keys.ts';
import { type JournalRecord, noChanges, type ShardReader } from '../../store/record.ts';
import { type FlagOp, readFlagsStored } from '../records.ts';
import { deletedFlag, popcount, seenFlag, systemFlags, type UidBlock } from '../rows/uid-block.ts';
import { addId, packRanges } from '../rows/uid-ranges.ts';
import { type AccountEdit, type MailboxEdit, openAccount, slotOf } from './account-edit.ts';

export function applyFlagsStored(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const stored = readFlagsStored(record);
  const edit = openAccount(read, stored.account, stored.modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const target = edit.mailbox(stored.mailbox);
  if (target === undefined) return noChanges;
  const { op, flags } = stored;
  const names = op === 'remove' ? target.row.keywords : undefined;
  // Taking a keyword away must not make it known.
  const known = stored.keywords.filter((name) => names === undefined || names.includes(name));
  const keywords = known.map((name) => target.keyword(name)).filter((number) => number >= 0);
  const change: FlagChange = { op, flags, keywords };
  const changed: number[] = [];
  for (let i = 0; i < stored.uids.length; i += 2) {
    const last = stored.uids[i + 1]!;
    for (let first = stored.uids[i]!; first <= last; ) {
      const blockLast = first | (uidBlockSlots - 1);
      storeInBlock(edit, target, first, Math.min(last, blockLast), change, changed);
      first = blockLast + 1;
    }
  }
  const key = byModseqKey(edit.account, stored.mailbox, edit.modseq);
  if (changed.length > 0) edit.table.putOnly(key, packRanges(changed));
  return edit.finish();
}

interface FlagChange {
  readonly op: FlagOp;
  readonly flags: number;
  readonly keywords: readonly number[];
}

const bitmapBytes = uidBlockSlots / 8;
const wanted = new Uint8Array(bitmapBytes);

/** UIDs `first` to `last` of one block: whole columns at a time. */
function storeInBlock(
  edit: AccountEdit,
  target: MailboxEdit,
  first: number,
  last: number,
  { op, flags, keywords }: FlagChange,
  changed: number[],
): void {
  const block = target.block(first);
  const base = first - slotOf(first);
  if (!maskOf(block, slotOf(first), slotOf(last))) return;
  const [unseenBefore, deletedBefore] = [unseenIn(block), deletedIn(block)];
  for (let flag = 0; flag < systemFlags.length; flag++) {
    const isNamed = ((flags >> flag) & 1) === 1;
    if (isNamed || op === 'replace') block.setFlags(wanted, flag, isNamed && op !== 'remove');
  }
  if (op === 'replace') {
    for (const keyword of block.keywords.keys()) block.setKeywords(wanted, keyword, false);
  }
  for (const keyword of keywords) block.setKeywords(wanted, keyword, op !== 'remove');
  target.row.unseen += unseenIn(block) - unseenBefore;
  target.row.deleted += deletedIn(block) - deletedBefore;
  for (let slot = slotOf(first); slot <= slotOf(last); slot++) {
    if ((wanted[slot >> 3]! & (1 << (slot & 7))) === 0) continue;
    block.modseqs[slot] = edit.modseq;
    addId(changed, base + slot);
    edit.updated.email.add(block.documents[slot]!);
  }
}

/** Sets `wanted` to those that exist. False: none does. */
function maskOf(block: UidBlock, first: number, last: number): boolean {
  wanted.fill(0);
  for (let slot = first; slot <= last; slot++) wanted[slot >> 3]! |= 1 << (slot & 7);
  let any = 0;
  for (let i = 0; i < bitmapBytes; i++) {
    wanted[i]! &= block.exists[i]!;
    any |= wanted[i]!;
  }
  return any !== 0;
}

function unseenIn(block: UidBlock): number {
  return block.count - countOf(block, seenFlag);
}

function deletedIn(block: UidBlock): number {
  return countOf(block, deletedFlag);
}

function countOf(block: UidBlock, flag: number): number {
  const column = block.flags[flag];
  return column === undefined ? 0 : popcount(column);
}
