/**
 * Records of mailboxes deleted, renamed and looked at, and of subscriptions, in their packed forms.
 *
 * Runs in:   engine threads; pure.
 * Invariant: as in `records.ts`.
 */

import type { TenantId } from '../../base/ids.ts';
import type { JournalRecord, RecordDraft } from '../store/record.ts';
import {
  type AskName,
  type Keeping,
  mailboxRecords,
  nameIn,
  packKeeping,
  packName,
  unpackKeeping,
} from './records.ts';
import { packRow, unpackRow } from './rows/packing.ts';

export interface MailboxDeleted {
  readonly account: number;
  readonly modseq: number;
  readonly mailbox: number;
  /** Of what is still in it; absent: nothing is kept. */
  readonly keeping?: Keeping;
  readonly ask: AskName;
}

export interface MailboxRenamed extends Omit<MailboxDeleted, 'keeping'> {
  readonly name: string;
  readonly parent: number;
  /** Subscriptions of the first path, and below it, become those of the second; "": they stay. */
  readonly fromPath: string;
  readonly toPath: string;
}

export interface Subscribed {
  readonly account: number;
  readonly modseq: number;
  readonly path: string;
  readonly isOn: boolean;
}

export function mailboxDeletedDraft(tenant: TenantId, record: MailboxDeleted): RecordDraft {
  const { account, modseq, mailbox, keeping, ask } = record;
  const name = packName(ask);
  // The name's place is behind what is kept, whether something is or not.
  const times = name.length > 0 && keeping === undefined ? [null, null] : packKeeping(keeping);
  const fields = [account, modseq, mailbox, ...times, ...name];
  return draft(mailboxRecords.mailboxDeleted, tenant, fields);
}

export function readMailboxDeleted({ meta }: JournalRecord): MailboxDeleted {
  type Time = number | null | undefined;
  type Packed = readonly [number, number, number, Time?, Time?, number?, Uint8Array?];
  const [account, modseq, mailbox, expungedMs, untilMs, ...name] = unpackRow<Packed>(meta);
  const keeping = unpackKeeping(expungedMs ?? undefined, untilMs ?? undefined);
  return { account, modseq, mailbox, ...keeping, ask: nameIn(name) };
}

export function mailboxRenamedDraft(tenant: TenantId, record: MailboxRenamed): RecordDraft {
  const { account, modseq, mailbox, name, parent, fromPath, toPath } = record;
  const fields = [account, modseq, mailbox, name, parent, fromPath, toPath];
  return draft(mailboxRecords.mailboxRenamed, tenant, [...fields, ...packName(record.ask)]);
}

export function readMailboxRenamed({ meta }: JournalRecord): MailboxRenamed {
  type Renamed = readonly [number, number, number, string, number];
  type Packed = readonly [...Renamed, string?, string?, number?, Uint8Array?];
  const [account, modseq, mailbox, name, parent, fromPath = '', toPath = '', ...rest] =
    unpackRow<Packed>(meta);
  const ask = nameIn(rest);
  return { account, modseq, mailbox, name, parent, fromPath, toPath, ask };
}

export function subscribedDraft(tenant: TenantId, record: Subscribed): RecordDraft {
  const { account, modseq, path, isOn } = record;
  return draft(mailboxRecords.subscribed, tenant, [account, modseq, path, isOn]);
}

export function readSubscribed({ meta }: JournalRecord): Subscribed {
  const [account, modseq, path, isOn] = unpackRow<readonly [number, number, string, boolean]>(meta);
  return { account, modseq, path, isOn };
}

/** No modseq: nothing changes that a client keeps. */
export interface RecentTold {
  readonly account: number;
  readonly mailbox: number;
  /** Of every message below a session was told. */
  readonly uidNext: number;
}

export function recentToldDraft(tenant: TenantId, record: RecentTold): RecordDraft {
  const { account, mailbox, uidNext } = record;
  return draft(mailboxRecords.recentTold, tenant, [account, mailbox, uidNext]);
}

export function readRecentTold({ meta }: JournalRecord): RecentTold {
  const [account, mailbox, uidNext] = unpackRow<readonly [number, number, number]>(meta);
  return { account, mailbox, uidNext };
}

function draft(type: number, tenant: TenantId, fields: readonly unknown[]): RecordDraft {
  return { type, tenant, meta: packRow(fields), body: [] };
}
