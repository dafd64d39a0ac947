/**
 * Mailboxes deleted, renamed and looked at, and subscriptions.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 9051 §6.3.5 (DELETE), §6.3.6 (RENAME), §6.3.7 (a subscription outlives its mailbox).
 * Invariant: a deleted mailbox leaves no rows; its number is never used again.
 */

import type { IndexChange } from '../../../ports/shard-index.ts';
import {
  mailboxKey,
  mailboxRange,
  subscribedPath,
  subscriptionKey,
  subscriptionsBelow,
  tables,
} from '../../store/keys.ts';
import { type JournalRecord, noChanges, type ShardReader } from '../../store/record.ts';
import { existingUids } from '../mailbox-reader.ts';
import { decodeMailbox, encodeMailbox } from '../rows/mailbox-row.ts';
import { countOf, idsOf } from '../rows/uid-ranges.ts';
import {
  readMailboxDeleted,
  readMailboxRenamed,
  readRecentTold,
  readSubscribed,
} from '../tree-records.ts';
import { type AccountEdit, openAccount } from './account-edit.ts';
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
  tables.seen,
  tables.acl,
  tables.annotation,
];

/** What is still in it goes with it: whoever decided this expunged what was there, but more may have come. */
export function applyMailboxDeleted(
  record: JournalRecord,
  read: ShardReader,
  release: Release,
): readonly IndexChange[] {
  const { account, modseq, mailbox, keeping, ask } = readMailboxDeleted(record);
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
  edit.rememberAsk(ask, mailbox);
  return edit.finish();
}

export function applyMailboxRenamed(
  record: JournalRecord,
  read: ShardReader,
): readonly IndexChange[] {
  const renamed = readMailboxRenamed(record);
  const { account, modseq, mailbox, name, parent, fromPath, toPath, ask } = renamed;
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  const target = edit.mailbox(mailbox);
  if (target === undefined) return noChanges;
  target.row.name = name;
  target.row.parent = parent;
  if (fromPath !== '') moveSubscriptions(edit, read, fromPath, toPath);
  edit.rememberAsk(ask, mailbox);
  return edit.finish();
}

function moveSubscriptions(
  edit: AccountEdit,
  read: ShardReader,
  fromPath: string,
  toPath: string,
): void {
  const { account, table } = edit;
  const own = table.get(subscriptionKey(account, fromPath));
  const moved = read
    .range(subscriptionsBelow(account, fromPath))
    .map(({ key, value }) => [subscribedPath(key), value] as const);
  if (own !== undefined) moved.push([fromPath, own]);
  // All are taken away before one is put: a path may be left by one and taken by another.
  for (const [path] of moved) table.remove(subscriptionKey(account, path));
  for (const [path, value] of moved) {
    table.put(subscriptionKey(account, toPath + path.slice(fromPath.length)), value);
  }
}

export function applySubscribed(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const { account, modseq, path, isOn } = readSubscribed(record);
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  edit.table.put(subscriptionKey(account, path), Uint8Array.of(isOn ? 1 : 0));
  return edit.finish();
}

/** The highest stays: so it needs no modseq to be applied again. */
export function applyRecentTold(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const { account, mailbox, uidNext: recentUid } = readRecentTold(record);
  const key = mailboxKey(account, mailbox);
  const value = read.get(key);
  const row = value === undefined ? undefined : decodeMailbox(value);
  if (row === undefined || row.recentUid >= recentUid) return noChanges;
  const isAll = recentUid >= row.uidNext;
  const left = isAll ? [] : existingUids(read, account, mailbox, [recentUid, row.uidNext - 1]);
  return [{ put: key, value: encodeMailbox({ ...row, recentUid, recent: countOf(left) }) }];
}
