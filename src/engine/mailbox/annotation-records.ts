/**
 * The record of annotations set, in its packed form.
 *
 * Runs in:   engine threads; pure.
 * Invariant: as in `records.ts`.
 */

import type { TenantId } from '../../base/ids.ts';
import type { JournalRecord, RecordDraft } from '../store/record.ts';
import { mailboxRecords } from './records.ts';
import { packRow, unpackRow } from './rows/packing.ts';

/** Entries of one mailbox, all set at once. */
export interface Annotated {
  readonly account: number;
  readonly modseq: number;
  /** 0: the server's. */
  readonly mailbox: number;
  /** Whose `/private` entries these are. */
  readonly reader: number;
  /** null takes an entry away. */
  readonly values: readonly (readonly [entry: string, value: Uint8Array | null])[];
}

export function annotatedDraft(tenant: TenantId, record: Annotated): RecordDraft {
  const { account, modseq, mailbox, reader, values } = record;
  const meta = packRow([account, modseq, mailbox, reader, values]);
  return { type: mailboxRecords.annotated, tenant, meta, body: [] };
}

export function readAnnotated({ meta }: JournalRecord): Annotated {
  type Packed = readonly [number, number, number, number, Annotated['values']];
  const [account, modseq, mailbox, reader, values] = unpackRow<Packed>(meta);
  return { account, modseq, mailbox, reader, values };
}

/** Shared entries are kept under the reader 0. */
export function readerOf(entry: string, reader: number): number {
  return entry.startsWith('/shared') ? 0 : reader;
}
