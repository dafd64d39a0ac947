/**
 * Bodies as they were read from segments of a shard with encrypted accounts: opened where they are sealed.
 *
 * Runs in:   engine threads; pure.
 * Invariant: what is read only in part is not proven, sealed or not: the CRC is over the whole, and so is the tag.
 */

import { view } from '../../../base/bytes.ts';
import { flagSealed, readRecordHeader, recordHeaderBytes } from '../journal/format.ts';
import type { RecordPlace } from '../record.ts';
import { openBodyPart, sealedHeadBytes } from './sealed-record.ts';
import type { Vault } from './vault.ts';

/** From a record's beginning on: what says whether its body is sealed, and how. */
export const recordFrontBytes = recordHeaderBytes + sealedHeadBytes;

/** Part of a body from `from` on; `front` is the beginning of its record. */
export function openedPart(
  vault: Vault,
  front: Uint8Array,
  from: number,
  part: Uint8Array,
): Uint8Array {
  const header = readRecordHeader(view(front), 0);
  if (header === undefined || (header.flags & flagSealed) === 0) return part;
  const by = { account: header.account, version: header.keyVersion };
  const head = front.subarray(recordHeaderBytes, recordFrontBytes);
  return openBodyPart(vault, by, head, from, part);
}

/** A place to read with all that stands before its body, and no more of that than `bytesMax`. */
export function withFront(place: RecordPlace, bytesMax: number): RecordPlace {
  const { offset, bodyOffset, bodyBytes } = place;
  if (bodyBytes === 0) return place;
  const bytes = bodyOffset - offset + Math.min(bytesMax, bodyBytes);
  return { ...place, bodyOffset: offset, bodyBytes: bytes };
}

/** What was read of a place made by `withFront`. */
export function withoutFront(
  vault: Vault,
  { offset, bodyOffset }: RecordPlace,
  read: Uint8Array,
): Uint8Array {
  if (read.byteLength === 0) return read;
  return openedPart(vault, read, 0, read.subarray(bodyOffset - offset));
}
