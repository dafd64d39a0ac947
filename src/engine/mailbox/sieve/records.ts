/**
 * Records of Sieve scripts set, and of what their runs remember, in their packed forms.
 *
 * Runs in:   engine threads; pure.
 * Invariant: as in `mailbox/records.ts`.
 */

import type { TenantId } from '../../../base/ids.ts';
import type { JournalRecord, RecordDraft } from '../../store/record.ts';
import { mailboxRecords } from '../records.ts';
import { packRow, unpackRow } from '../rows/packing.ts';

export interface ScriptsSet {
  readonly account: number;
  readonly modseq: number;
  /** null takes a script away. */
  readonly texts: readonly (readonly [name: string, text: Uint8Array | null])[];
  /** "": none; null: the one that is. */
  readonly active: string | null;
}

/** Something to remember, by its hash. */
export type PackedMemory = readonly [hash: Uint8Array, sinceMs: number, untilMs: number];

export interface SieveRan {
  readonly account: number;
  readonly modseq: number;
  readonly remembered: readonly PackedMemory[];
  readonly forgotten: readonly (readonly [hash: Uint8Array, untilMs: number])[];
  /** The delivery that left no message behind; no hash: another record names it. */
  readonly deliveryDay: number;
  readonly deliveryHash: Uint8Array;
  /** As in `Delivered`. */
  readonly forgetDay: number;
}

export function scriptsSetDraft(tenant: TenantId, record: ScriptsSet): RecordDraft {
  const { account, modseq, texts, active } = record;
  const meta = packRow([account, modseq, texts, active]);
  return { type: mailboxRecords.scriptsSet, tenant, meta, body: [] };
}

export function readScriptsSet({ meta }: JournalRecord): ScriptsSet {
  type Packed = readonly [number, number, ScriptsSet['texts'], string | null];
  const [account, modseq, texts, active] = unpackRow<Packed>(meta);
  return { account, modseq, texts, active };
}

export function sieveRanDraft(tenant: TenantId, record: SieveRan): RecordDraft {
  const { account, modseq, remembered, forgotten, deliveryDay, deliveryHash, forgetDay } = record;
  const fields = [account, modseq, remembered, forgotten, deliveryDay, deliveryHash, forgetDay];
  return { type: mailboxRecords.sieveRan, tenant, meta: packRow(fields), body: [] };
}

export function readSieveRan({ meta }: JournalRecord): SieveRan {
  type Lists = readonly [SieveRan['remembered'], SieveRan['forgotten']];
  type Packed = readonly [number, number, ...Lists, number, Uint8Array, number];
  const [account, modseq, remembered, forgotten, ...delivery] = unpackRow<Packed>(meta);
  const [deliveryDay, deliveryHash, forgetDay] = delivery;
  return { account, modseq, remembered, forgotten, deliveryDay, deliveryHash, forgetDay };
}
