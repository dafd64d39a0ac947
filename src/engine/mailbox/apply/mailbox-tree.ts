/**
 * Mailboxes deleted and renamed, and subscriptions.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 9051 §6.3.5 (DELETE), §6.3.6 (RENAME), §6.3.7 (a subscription outlives its mailbox).
 * Invariant: a deleted mailbox leaves no rows; its number is never used again.
 */

import type { IndexChange } from '../../../ports/shard-index.ts';
import { mailboxKey, mailboxRange, subscriptionKey, tables } from '../../store/keys.ts';
import { type JournalRecord, noChanges, type ShardReader } from '../../store/record.ts';
import { existingUids } from '../mailbox-reader.ts';
import { idsOf } from '../rows/uid-ranges.ts';
import { readMailboxDeleted, readMailboxRenamed, readSubscribed } from '../tree-records.ts';
import { openAccount } from './account-edit.ts';
import type { Release } from './copied.ts';
import { expunge } from './documents.ts';
import { KeepEdit } from './kept.ts';

const uidMax = 0xffff_ffff;
/** Tables with rows by mailbox, besides its own. */
const mailboxTables = [
  tables.uidBlock,
  tables.byModseq,
  tables.vanished,
  tables.byDate,
  tables.byThreadDate,
  tables.saved,
  tables.annotation,
];

/** What is still in it goes with it: whoever decided this expunged what was there, but more may have come. */
export function applyMailboxDeleted(
  record: JournalRecord,
  read: ShardReader,
  release: Release,
): readonly IndexChange[] {
  const { account, modseq, mailbox, keeping } = readMailboxDeleted(record);
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const gone = edit.mailbox(mailbox);
  if (gone === undefined) return noChanges;
  const keep = keeping === undefined ? undefined : new KeepEdit(edit, gone, keeping);
  expunge(edit, gone, idsOf(existingUids(read, account, mailbox, [1, uidMax])), keep);
  keep?.finish(record.tenant);
  for (const place of edit.released) release(place);
  edit.dropMailbox(mailbox);
  for (const table of mailboxTables) {
    const { from, to } = mailboxRange(table, account, mailbox);
    edit.table.removeRange(from, to);
  }
  edit.table.remove(mailboxKey(account, mailbox));
  return edit.finish();
}

export function applyMailboxRenamed(
  record: JournalRecord,
  read: ShardReader,
): readonly IndexChange[] {
  const { account, modseq, mailbox, name, parent } = readMailboxRenamed(record);
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const renamed = edit.mailbox(mailbox);
  if (renamed === undefined) return noChanges;
  renamed.row.name = name;
  renamed.row.parent = parent;
  return edit.finish();
}

export function applySubscribed(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const { account, modseq, path, isOn } = readSubscribed(record);
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  edit.table.put(subscriptionKey(account, path), Uint8Array.of(isOn ? 1 : 0));
  return edit.finish();
}
