/**
 * Records of what accounts taught, in their packed forms.
 *
 * Runs in:   engine threads; pure.
 * Invariant: as in `mailbox/records.ts`.
 */

import type { TenantId } from '../../../base/ids.ts';
import type { JournalRecord, RecordDraft } from '../../store/record.ts';
import { mailboxRecords } from '../records.ts';
import { packRow, unpackRow } from '../rows/packing.ts';

export interface Learnt {
  readonly account: number;
  readonly modseq: number;
  /** Each a packed lesson; null takes it away. */
  readonly lessons: readonly (readonly [document: number, lesson: Uint8Array | null])[];
  /** All that was taught before is gone. */
  readonly isAnew: boolean;
}

export function learntDraft(tenant: TenantId, record: Learnt): RecordDraft {
  const { account, modseq, lessons, isAnew } = record;
  const meta = packRow([account, modseq, lessons, isAnew]);
  return { type: mailboxRecords.learnt, tenant, meta, body: [] };
}

export function readLearnt({ meta }: JournalRecord): Learnt {
  const [account, modseq, lessons, isAnew] =
    unpackRow<readonly [number, number, Learnt['lessons'], boolean]>(meta);
  return { account, modseq, lessons, isAnew };
}
