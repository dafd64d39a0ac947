/**
 * What a COPY or MOVE under a name did: a row of the delivery table.
 *
 * Runs in:   engine threads; pure.
 * Limits:    as many ranges as a record's: under half a page of the index.
 */

import { packRow, unpackRow } from './packing.ts';
import { type IdRanges, packRanges, unpackRanges } from './uid-ranges.ts';

export interface CopyName {
  readonly target: number;
  /** In `target`: the n-th of `uids` has UID `firstUid + n`. */
  readonly firstUid: number;
  readonly uids: IdRanges;
}

type Packed = readonly [target: number, firstUid: number, uids: Uint8Array];

export function encodeCopyName({ target, firstUid, uids }: CopyName): Uint8Array {
  const packed: Packed = [target, firstUid, packRanges(uids)];
  return packRow(packed);
}

export function decodeCopyName(value: Uint8Array): CopyName {
  const [target, firstUid, uids] = unpackRow<Packed>(value);
  return { target, firstUid, uids: unpackRanges(uids) };
}
