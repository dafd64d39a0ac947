/**
 * Records of mailboxes deleted and renamed, and of subscriptions, in their packed forms.
 *
 * Runs in:   engine threads; pure.
 * Invariant: as in `records.ts`.
 */

import type { TenantId } from '../../base/ids.ts';
import type { JournalRecord, RecordDraft } from '../store/record.ts';
import { mailboxRecords } from './records.ts';
import { packRow, unpackRow } from './rows/packing.ts';

export interface MailboxDeleted {
  readonly account: number;
  readonly modseq: number;
  readonly mailbox: number;
}

export interface MailboxRenamed extends MailboxDeleted {
  readonly name: string;
  readonly parent: number;
}

export interface Subscribed {
  readonly account: number;
  readonly modseq: number;
  readonly path: string;
  readonly isOn: boolean;
}

export function mailboxDeletedDraft(tenant: TenantId, record: MailboxDeleted): RecordDraft {
  const { account, modseq, mailbox } = record;
  return draft(mailboxRecords.mailboxDeleted, tenant, [account, modseq, mailbox]);
}

export function readMailboxDeleted({ meta }: JournalRecord): MailboxDeleted {
  const [account, modseq, mailbox] = unpackRow<readonly [number, number, number]>(meta);
  return { account, modseq, mailbox };
}

export function mailboxRenamedDraft(tenant: TenantId, record: MailboxRenamed): RecordDraft {
  const { account, modseq, mailbox, name, parent } = record;
  return draft(mailboxRecords.mailboxRenamed, tenant, [account, modseq, mailbox, name, parent]);
}

export function readMailboxRenamed({ meta }: JournalRecord): MailboxRenamed {
  type Packed = readonly [number, number, number, string, number];
  const [account, modseq, mailbox, name, parent] = unpackRow<Packed>(meta);
  return { account, modseq, mailbox, name, parent };
}

export function subscribedDraft(tenant: TenantId, record: Subscribed): RecordDraft {
  const { account, modseq, path, isOn } = record;
  return draft(mailboxRecords.subscribed, tenant, [account, modseq, path, isOn]);
}

export function readSubscribed({ meta }: JournalRecord): Subscribed {
  const [account, modseq, path, isOn] = unpackRow<readonly [number, number, string, boolean]>(meta);
  return { account, modseq, path, isOn };
}

function draft(type: number, tenant: TenantId, fields: readonly unknown[]): RecordDraft {
  return { type, tenant, meta: packRow(fields), body: [] };
}
