/**
 * Records of mailboxes deleted and renamed, and of subscriptions, in their packed forms.
 *
 * Runs in:   engine threads; pure.
 * Invariant: as in `records.ts`.
 */

import type { TenantId } from '../../base/ids.ts';
import type { JournalRecord, RecordDraft } from '../store/record.ts';
import { type Keeping, mailboxRecords, packKeeping, unpackKeeping } from './records.ts';
import { packRow, unpackRow } from './rows/packing.ts';

export interface MailboxDeleted {
  readonly account: number;
  readonly modseq: number;
  readonly mailbox: number;
  /** Of what is still in it; absent: nothing is kept. */
  readonly keeping?: Keeping;
}

export interface MailboxRenamed extends Omit<MailboxDeleted, 'keeping'> {
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
  const { account, modseq, mailbox, keeping } = record;
  const fields = [account, modseq, mailbox, ...packKeeping(keeping)];
  return draft(mailboxRecords.mailboxDeleted, tenant, fields);
}

export function readMailboxDeleted({ meta }: JournalRecord): MailboxDeleted {
  type Packed = readonly [number, number, number, number?, number?];
  const [account, modseq, mailbox, ...times] = unpackRow<Packed>(meta);
  return { account, modseq, mailbox, ...unpackKeeping(...times) };
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
