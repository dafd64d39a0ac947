/**
 * Documents that left their last mailbox by one record, and can be had back until an instant.
 *
 * Runs in:   engine threads; pure.
 * Invariant: a document's own row says by which record it was expunged last: one that was had back since, or expunged
 *            anew, is not of this row any more.
 */

import { packRow, unpackRow } from './packing.ts';
import { type IdRanges, packRanges, unpackRanges } from './uid-ranges.ts';

export interface KeptRow {
  readonly tenant: number;
  readonly mailbox: number;
  /** As the mailbox was called then: it may be gone. */
  readonly path: string;
  readonly expungedMs: number;
  readonly documents: IdRanges;
}

type Packed = readonly [number, number, string, number, Uint8Array];

export function encodeKept(row: KeptRow): Uint8Array {
  const { tenant, mailbox, path, expungedMs, documents } = row;
  return packRow([tenant, mailbox, path, expungedMs, packRanges(documents)] satisfies Packed);
}

export function decodeKept(value: Uint8Array): KeptRow {
  const [tenant, mailbox, path, expungedMs, documents] = unpackRow<Packed>(value);
  return { tenant, mailbox, path, expungedMs, documents: unpackRanges(documents) };
}
