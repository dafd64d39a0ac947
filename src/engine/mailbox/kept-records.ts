/**
 * Records of messages had back after they were expunged, and of those let go for good, in their packed forms.
 *
 * Runs in:   engine threads; pure.
 * Invariant: as in `records.ts`.
 */

import type { TenantId } from '../../base/ids.ts';
import type { JournalRecord, RecordDraft } from '../store/record.ts';
import { mailboxRecords } from './records.ts';
import { packRow, unpackRow } from './rows/packing.ts';

export interface Restored {
  readonly account: number;
  readonly modseq: number;
  readonly mailbox: number;
  readonly uid: number;
  /** The number it had: the body's record goes by it. */
  readonly document: number;
  readonly thread: number;
  /** As in `Delivered`. */
  readonly idHashes: Uint8Array;
  readonly subjectHash: number;
  /** When it came into the mailbox again (RFC 8514). */
  readonly savedMs: number;
}

export interface Purged {
  readonly account: number;
  readonly modseq: number;
  /** What names the row of what was kept: until when, and the modseq of its record. */
  readonly untilMs: number;
  readonly keptModseq: number;
}

type PackedRestored = readonly [
  ...[number, number, number, number, number, number],
  ...[Uint8Array, number, number],
];

export function restoredDraft(tenant: TenantId, record: Restored): RecordDraft {
  const { account, modseq, mailbox, uid, document, thread } = record;
  const { idHashes, subjectHash, savedMs } = record;
  const fields = [account, modseq, mailbox, uid, document, thread, idHashes, subjectHash, savedMs];
  return draft(mailboxRecords.restored, tenant, fields);
}

export function readRestored({ meta }: JournalRecord): Restored {
  const [account, modseq, mailbox, uid, document, thread, ...rest] =
    unpackRow<PackedRestored>(meta);
  const [idHashes, subjectHash, savedMs] = rest;
  return { account, modseq, mailbox, uid, document, thread, idHashes, subjectHash, savedMs };
}

export function purgedDraft(tenant: TenantId, record: Purged): RecordDraft {
  const { account, modseq, untilMs, keptModseq } = record;
  return draft(mailboxRecords.purged, tenant, [account, modseq, untilMs, keptModseq]);
}

export function readPurged({ meta }: JournalRecord): Purged {
  type Packed = readonly [number, number, number, number];
  const [account, modseq, untilMs, keptModseq] = unpackRow<Packed>(meta);
  return { account, modseq, untilMs, keptModseq };
}

function draft(type: number, tenant: TenantId, fields: readonly unknown[]): RecordDraft {
  return { type, tenant, meta: packRow(fields), body: [] };
}
