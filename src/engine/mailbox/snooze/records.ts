/**
 * The record of messages that are to come back, and of those that did, in its packed form.
 *
 * Runs in:   engine threads; pure.
 * Invariant: as in `mailbox/records.ts`.
 */

import type { TenantId } from '../../../base/ids.ts';
import type { JournalRecord, RecordDraft } from '../../store/record.ts';
import { mailboxRecords } from '../records.ts';
import { packRow, unpackRow } from '../rows/packing.ts';
import type { PackedSnoozed } from '../rows/snoozed-row.ts';

/** A message, by where it lies. */
export type PackedNap = readonly [untilMs: number, mailbox: number, uid: number];

export interface Snoozed {
  readonly account: number;
  readonly modseq: number;
  readonly added: readonly (readonly [nap: PackedNap, row: PackedSnoozed])[];
  readonly ended: readonly PackedNap[];
}

export function snoozedDraft(tenant: TenantId, record: Snoozed): RecordDraft {
  const { account, modseq, added, ended } = record;
  const meta = packRow([account, modseq, added, ended]);
  return { type: mailboxRecords.snoozed, tenant, meta, body: [] };
}

export function readSnoozed({ meta }: JournalRecord): Snoozed {
  const [account, modseq, added, ended] =
    unpackRow<readonly [number, number, Snoozed['added'], Snoozed['ended']]>(meta);
  return { account, modseq, added, ended };
}
