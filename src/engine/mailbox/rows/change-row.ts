/**
 * What a record changed, for JMAP's changes, push, search and replication.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 8620 §5.2 (changes).
 * Invariant: a row's key gives account and modseq; its ids are ranges, so a change of a million UIDs is one row.
 */

import { packRow, unpackRow } from './packing.ts';
import { type IdRanges, packRanges, unpackRanges } from './uid-ranges.ts';

export const changeTypes = ['email', 'mailbox', 'thread'] as const;
export type ChangeType = (typeof changeTypes)[number];
export const changeOps = ['created', 'updated', 'destroyed'] as const;
export type ChangeOp = (typeof changeOps)[number];

export interface Change {
  readonly type: ChangeType;
  readonly op: ChangeOp;
  readonly ids: IdRanges;
}

type Packed = readonly (readonly [type: number, op: number, ids: Uint8Array])[];

export function encodeChanges(changes: readonly Change[]): Uint8Array {
  const packed: Packed = changes.map((change) => [
    changeTypes.indexOf(change.type),
    changeOps.indexOf(change.op),
    packRanges(change.ids),
  ]);
  return packRow(packed);
}

export function decodeChanges(value: Uint8Array): Change[] {
  return unpackRow<Packed>(value).map(([type, op, ids]) => ({
    type: changeTypes[type]!,
    op: changeOps[op]!,
    ids: unpackRanges(ids),
  }));
}
