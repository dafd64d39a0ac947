/**
 * History that is forgotten: its rows go, and the floor below which nobody may ask for them rises.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 7162 §3.2.5.1 (a server need not remember all expunges); RFC 8620 §5.2 (cannotCalculateChanges).
 * Invariant: nothing a client sees of a mailbox changes: its highest modseq stays.
 */

import type { IndexChange } from '../../../ports/shard-index.ts';
import {
  accountKey,
  changesUpTo,
  type KeyRange,
  mailboxKey,
  modseqsUpTo,
  tables,
} from '../../store/keys.ts';
import { type JournalRecord, noChanges, type ShardReader } from '../../store/record.ts';
import { readTrimmed, type Trimmed } from '../history-records.ts';
import { encodeAccount } from '../rows/account-row.ts';
import { decodeMailbox, encodeMailbox } from '../rows/mailbox-row.ts';
import { type AccountEdit, openAccount } from './account-edit.ts';

export function applyTrimmed(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const trimmed = readTrimmed(record);
  const { account, modseq, mailbox, floor } = trimmed;
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const ranges: readonly KeyRange[] =
    mailbox === 0
      ? [changesUpTo(account, floor)]
      : [tables.vanished, tables.byModseq].map((t) => modseqsUpTo(t, account, mailbox, floor));
  for (const range of ranges) for (const key of edit.table.keys(range)) edit.table.remove(key);
  if (mailbox === 0) edit.row.changesFloor = Math.max(edit.row.changesFloor, floor);
  else raiseFloors(edit, trimmed);
  // No change row: what is forgotten is no change of mail.
  edit.table.putOnly(accountKey(account), encodeAccount(edit.row));
  return edit.table.changes;
}

function raiseFloors({ table }: AccountEdit, trimmed: Trimmed): void {
  const key = mailboxKey(trimmed.account, trimmed.mailbox);
  const value = table.get(key);
  if (value === undefined) return;
  const row = decodeMailbox(value);
  const vanishedFloor = Math.max(row.vanishedFloor, trimmed.vanishedFloor);
  const modseqFloor = Math.max(row.modseqFloor, trimmed.modseqFloor);
  table.putOnly(key, encodeMailbox({ ...row, vanishedFloor, modseqFloor }));
}
