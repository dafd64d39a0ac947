/**
 * Accounts and mailboxes made, set and deleted.
 *
 * Runs in:   engine threads.
 * Invariant: a deleted account leaves one row, which says so for good.
 */

import type { IndexChange } from '../../../ports/shard-index.ts';
import {
  accountKey,
  accountRange,
  accountTables,
  blobLinkKey,
  lastU32,
  messageBlob,
  parsedKey,
  quarantineKey,
  tables,
} from '../../store/keys.ts';
import { type JournalRecord, noChanges, type ShardReader } from '../../store/record.ts';
import {
  readAccountCreated,
  readAccountDeleted,
  readAccountSet,
  readMailboxCreated,
} from '../records.ts';
import {
  type AccountRow,
  decodeAccount,
  deletedAccount,
  encodeAccount,
} from '../rows/account-row.ts';
import { decodeDocument } from '../rows/document-row.ts';
import { type MailboxRow, roles } from '../rows/mailbox-row.ts';
import { decodeParsed } from '../rows/parsed-row.ts';
import { encodeQuarantine } from '../rows/quarantine-row.ts';
import { AccountEdit, openAccount } from './account-edit.ts';
import type { Release } from './copied.ts';
import { inheritAcl } from './sharing.ts';
import { TableEdit } from './table-edit.ts';

const newAccount: AccountRow = {
  mailboxNext: 1,
  documentNext: 1,
  threadNext: 1,
  modseq: 0,
  bytes: 0,
  documents: 0,
  deliveriesDay: 0,
  changesFloor: 0,
  quotaBytes: 0,
  quotaMessages: 0,
};

export function applyAccountCreated(
  record: JournalRecord,
  read: ShardReader,
): readonly IndexChange[] {
  const created = readAccountCreated(record);
  const { account, modseq, uidValidity, mailboxes, quotaBytes, quotaMessages } = created;
  if (read.get(accountKey(account)) !== undefined) return noChanges;
  const row = { ...newAccount, quotaBytes, quotaMessages };
  const edit = new AccountEdit(new TableEdit(read), account, modseq, row);
  for (const { name, parent, role } of mailboxes) {
    edit.addMailbox(edit.row.mailboxNext++, newMailbox(name, parent, role, uidValidity));
  }
  return edit.finish();
}

export function applyAccountSet(record: JournalRecord, read: ShardReader): readonly IndexChange[] {
  const { account, modseq, quotaBytes, quotaMessages } = readAccountSet(record);
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  edit.row.quotaBytes = quotaBytes;
  edit.row.quotaMessages = quotaMessages;
  return edit.finish();
}

export function applyAccountDeleted(
  record: JournalRecord,
  read: ShardReader,
  release: Release,
): readonly IndexChange[] {
  const { account } = readAccountDeleted(record);
  const before = read.get(accountKey(account));
  if (before !== undefined && decodeAccount(before).mailboxNext === deletedAccount) {
    return noChanges;
  }
  const table = new TableEdit(read);
  // Blob links sort by hash: they are found by their documents.
  for (const { key, value } of read.range(accountRange(tables.document, account))) {
    const document = decodeDocument(value);
    table.remove(blobLinkKey(document.hash, messageBlob, account, lastU32(key)));
    release(document.place);
    const parsed = read.get(parsedKey(account, lastU32(key)));
    const row = parsed === undefined ? undefined : decodeParsed(parsed);
    if (row?.kind === 'record') release(row.place);
  }
  for (const one of accountTables) {
    const { from, to } = accountRange(one, account);
    table.removeRange(from, to);
  }
  table.putOnly(accountKey(account), encodeAccount({ ...newAccount, mailboxNext: deletedAccount }));
  return table.changes;
}

export function applyMailboxCreated(
  record: JournalRecord,
  read: ShardReader,
): readonly IndexChange[] {
  const created = readMailboxCreated(record);
  const { account, modseq, mailbox, uidValidity, name, parent, role, ask } = created;
  const edit = openAccount(read, account, modseq);
  if (edit === 'gone' || edit === 'applied') return noChanges;
  edit.addMailbox(mailbox, newMailbox(name, parent, role, uidValidity));
  inheritAcl(edit, parent, mailbox);
  if (roles[role] === 'quarantine') {
    edit.table.putOnly(
      quarantineKey(account),
      encodeQuarantine({ tenant: record.tenant, mailbox }),
    );
  }
  edit.row.mailboxNext = Math.max(edit.row.mailboxNext, mailbox + 1);
  edit.rememberAsk(ask, mailbox);
  return edit.finish();
}

function newMailbox(name: string, parent: number, role: number, uidValidity: number): MailboxRow {
  return {
    name,
    parent,
    role: roles[role] ?? '',
    uidValidity,
    uidNext: 1,
    messages: 0,
    unseen: 0,
    deleted: 0,
    bytes: 0,
    highestModseq: 0,
    vanishedFloor: 0,
    modseqFloor: 0,
    keywords: [],
    recentUid: 1,
    recent: 0,
  };
}
