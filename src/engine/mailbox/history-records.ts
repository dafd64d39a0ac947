/**
 * The record of history that is forgotten, in its packed form.
 *
 * Runs in:   engine threads; pure.
 * Invariant: as in `records.ts`.
 */

import type { TenantId } from '../../base/ids.ts';
import type { JournalRecord, RecordDraft } from '../store/record.ts';
import { mailboxRecords } from './records.ts';
import { packRow, unpackRow } from './rows/packing.ts';

/** Of one mailbox: expunges and other changes; of mailbox 0: the account's changes. */
export interface Trimmed {
  readonly account: number;
  readonly modseq: number;
  readonly mailbox: number;
  /** Rows at or below this modseq go. */
  readonly floor: number;
  /** The highest modseq of an expunge among them; 0: there is none. */
  readonly vanishedFloor: number;
  /** And of another change. */
  readonly modseqFloor: number;
}

type Packed = readonly [number, number, number, number, number, number];

export function trimmedDraft(tenant: TenantId, record: Trimmed): RecordDraft {
  const { account, modseq, mailbox, floor, vanishedFloor, modseqFloor } = record;
  const packed: Packed = [account, modseq, mailbox, floor, vanishedFloor, modseqFloor];
  return { type: mailboxRecords.trimmed, tenant, meta: packRow(packed), body: [] };
}

export function readTrimmed({ meta }: JournalRecord): Trimmed {
  const [account, modseq, mailbox, floor, vanishedFloor, modseqFloor] = unpackRow<Packed>(meta);
  return { account, modseq, mailbox, floor, vanishedFloor, modseqFloor };
}
