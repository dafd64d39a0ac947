/**
 * Access lists, and what readers of shared mailboxes have seen.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 4314 §3.1 (SETACL); RFC 9051 §2.3.2 (\Seen may be each reader's own).
 * Invariant: a reader's \Seen stands in rows of its own; it raises the message's modseq, so that all of the reader's
 *            sessions hear of it.
 */

import type { IndexChange } from '../../../ports/shard-index.ts';
import { aclKey, byModseqKey, seenKey, uidBlockShift, uidBlockSlots } from '../../store/keys.ts';
import { type JournalRecord, noChanges, type ShardReader } from '../../store/record.ts';
import { decodeAcl, encodeAcl, withEntry } from '../rows/acl-row.ts';
import { addId, idsOf, packRanges } from '../rows/uid-ranges.ts';
import { readAclSet, readSeenStored } from '../sharing-records.ts';
import { type AccountEdit, openAccount } from './account-edit.ts';
import { slotOf } from './mailbox-edit.ts';

const seenBytes = uidBlockSlots / 8;

export function applyAclSet(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const { account, modseq, mailbox, ...entry } = readAclSet(record);
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  if (edit.mailbox(mailbox) === undefined) return noChanges;
  const key = aclKey(account, mailbox);
  const value = edit.table.get(key);
  const before = value === undefined ? { tenant: record.tenant, entries: [] } : decodeAcl(value);
  const after = withEntry(before, entry);
  if (after.entries.length === 0) edit.table.remove(key);
  else edit.table.putOnly(key, encodeAcl(after));
  // Of no message: whoever waits for arrivals may have lost the right to hear of them.
  edit.table.putOnly(byModseqKey(account, mailbox, modseq), packRanges([]));
  return edit.finish();
}

/** RFC 4314 §4 (CREATE): a new mailbox begins with the list of the one it is made in. */
export function inheritAcl(edit: AccountEdit, parent: number, mailbox: number): void {
  if (parent === 0) return;
  const value = edit.table.get(aclKey(edit.account, parent));
  if (value !== undefined) edit.table.putOnly(aclKey(edit.account, mailbox), value);
}

export function applySeenStored(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const { account, modseq, mailbox, reader, uids, isSeen } = readSeenStored(record);
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const target = edit.mailbox(mailbox);
  if (target === undefined) return noChanges;
  const columns = new Map<number, Uint8Array>();
  const changed: number[] = [];
  for (const uid of idsOf(uids)) {
    const block = target.block(uid);
    const slot = slotOf(uid);
    if (!block.has(slot)) continue;
    const number = uid >>> uidBlockShift;
    let column = columns.get(number);
    if (column === undefined) {
      const value = edit.table.get(seenKey(account, mailbox, reader, number));
      column = value === undefined ? new Uint8Array(seenBytes) : Uint8Array.from(value);
      columns.set(number, column);
    }
    const bit = 1 << (slot & 7);
    if (isSeen) column[slot >> 3]! |= bit;
    else column[slot >> 3]! &= ~bit;
    block.modseqs[slot] = edit.modseq;
    addId(changed, uid);
  }
  for (const [number, column] of columns) {
    const key = seenKey(account, mailbox, reader, number);
    if (column.every((byte) => byte === 0)) edit.table.remove(key);
    else edit.table.putOnly(key, column);
  }
  if (changed.length > 0) {
    edit.table.putOnly(byModseqKey(account, mailbox, edit.modseq), packRanges(changed));
  }
  return edit.finish();
}
