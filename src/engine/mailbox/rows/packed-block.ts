/**
 * Changes of a UID block where it stands packed: unpacking and packing all of it costs ten times as much.
 *
 * Runs in:   engine threads; pure; hot: once for each block a STORE touches, and for each message that comes.
 * Specs:     RFC 9051 §6.4.6 (STORE), RFC 7162 §3.1 (modseqs).
 * Invariant: what it writes is what `UidBlock.encode` would. What it cannot do it leaves to the caller.
 */

import { Buffer } from 'node:buffer';
import { assert } from '../../../base/assert.ts';
import { uidBlockSlots } from '../../store/keys.ts';
import type { FlagOp } from '../records.ts';
import {
  type Bitmap,
  blockHeadBytes,
  blockVersion,
  deletedFlag,
  differenceMax,
  existsAt,
  popcount,
  putU32,
  seenFlag,
  systemFlags,
  u32At,
} from './uid-block.ts';

const bitmapBytes = uidBlockSlots / 8;
const flagCount = systemFlags.length;

/** Columns in the making, side by side; used within one call. */
const columns = new Uint8Array(flagCount * bitmapBytes);

export interface FlagsChanged {
  readonly row: Uint8Array;
  /** How many more messages are \Seen. */
  readonly seen: number;
  readonly deleted: number;
}

/**
 * Flags of the messages in `slots`, one or more that exist; `flags` are bits by place in `systemFlags`. Undefined: its
 * keywords would change, and it must be unpacked.
 */
export function withFlags(
  row: Uint8Array,
  slots: Bitmap,
  op: FlagOp,
  flags: number,
  modseq: number,
): FlagsChanged | undefined {
  const keywordCount = row[3]!;
  if (op === 'replace' && keywordCount > 0) return undefined;
  const maskBefore = row[2]!;
  const seenBefore = countIn(row, maskBefore, seenFlag);
  const deletedBefore = countIn(row, maskBefore, deletedFlag);
  const mask = changeColumns(row, slots, op, flags);
  const restAt = blockHeadBytes + bitCount(maskBefore) * bitmapBytes;
  const after = Buffer.allocUnsafe(
    row.byteLength + (bitCount(mask) - bitCount(maskBefore)) * bitmapBytes,
  );
  after.set(row.subarray(0, blockHeadBytes));
  after[2] = mask;
  const at = putColumns(after, mask);
  after.set(row.subarray(restAt), at);
  writeModseqs(after, at + keywordCount * (bitmapBytes + 2), slots, modseq);
  return {
    row: after,
    seen: countIn(after, mask, seenFlag) - seenBefore,
    deleted: countIn(after, mask, deletedFlag) - deletedBefore,
  };
}

/** Where they end. */
function putColumns(row: Uint8Array, mask: number): number {
  let at = blockHeadBytes;
  for (let flag = 0; flag < flagCount; flag++) {
    if ((mask & (1 << flag)) === 0) continue;
    const from = flag * bitmapBytes;
    for (let i = 0; i < bitmapBytes; i++) row[at++] = columns[from + i]!;
  }
  return at;
}

/** Fills `columns`; the mask of those that have a bit. */
function changeColumns(row: Uint8Array, slots: Bitmap, op: FlagOp, flags: number): number {
  assert(row[0] === blockVersion, 'a uid block of a known version');
  let mask = 0;
  let at = blockHeadBytes;
  for (let flag = 0; flag < flagCount; flag++) {
    const isThere = (row[2]! & (1 << flag)) !== 0;
    const isNamed = ((flags >> flag) & 1) === 1;
    const sets = isNamed && op !== 'remove';
    const clears = !sets && (isNamed || op === 'replace');
    let any = 0;
    for (let i = 0; i < bitmapBytes; i++) {
      let byte = isThere ? row[at + i]! : 0;
      if (sets) byte |= slots[i]!;
      else if (clears) byte &= ~slots[i]!;
      columns[flag * bitmapBytes + i] = byte;
      any |= byte;
    }
    if (isThere) at += bitmapBytes;
    if (any !== 0) mask |= 1 << flag;
  }
  return mask;
}

/** A message in a slot behind all others of a block that is not empty, without keywords. */
export function withMessage(
  row: Uint8Array,
  slot: number,
  document: number,
  modseq: number,
  flags: number,
): Uint8Array {
  const [count, maskBefore, keywordCount] = [row[1]!, row[2]!, row[3]!];
  const added = new Uint8Array(bitmapBytes);
  added[slot >> 3]! |= 1 << (slot & 7);
  const mask = changeColumns(row, added, 'add', flags);
  const restAt = blockHeadBytes + bitCount(maskBefore) * bitmapBytes;
  const keywordBytes = keywordCount * (bitmapBytes + 2);
  const columnsBytes = bitCount(mask) * bitmapBytes;
  const after = Buffer.alloc(blockHeadBytes + columnsBytes + keywordBytes + (slot + 1) * 8);
  after.set(row.subarray(0, blockHeadBytes));
  after[1] = slot + 1;
  after[2] = mask;
  after[existsAt + (slot >> 3)]! |= 1 << (slot & 7);
  putColumns(after, mask);
  const slotsAt = blockHeadBytes + columnsBytes + keywordBytes;
  after.set(row.subarray(restAt, restAt + keywordBytes + count * 4), slotsAt - keywordBytes);
  putU32(after, slotsAt + slot * 4, document);
  const modseqsAt = slotsAt + (slot + 1) * 4;
  after.set(row.subarray(restAt + keywordBytes + count * 4), modseqsAt);
  writeModseqs(after, slotsAt, added, modseq);
  return after;
}

/** From `slotsAt` on: documents, then modseqs as differences to the lowest. */
function writeModseqs(row: Uint8Array, slotsAt: number, slots: Bitmap, modseq: number): void {
  const count = row[1]!;
  const modseqsAt = slotsAt + count * 4;
  const lowestBefore = u32At(row, 4) * 2 ** 32 + u32At(row, 8);
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (let slot = 0; slot < count; slot++) {
    const bit = 1 << (slot & 7);
    if ((slots[slot >> 3]! & bit) !== 0 || (row[existsAt + (slot >> 3)]! & bit) === 0) continue;
    const difference = u32At(row, modseqsAt + slot * 4);
    if (difference < least) least = difference;
    if (difference > most) most = difference;
  }
  const highest =
    least === Number.POSITIVE_INFINITY ? modseq : Math.max(modseq, lowestBefore + most);
  const lowest = Math.max(Math.min(modseq, lowestBefore + least), highest - differenceMax);
  if (lowest !== lowestBefore) moveLowest(row, modseqsAt, slots, lowestBefore, lowest);
  for (let slot = 0; slot < count; slot++) {
    if ((slots[slot >> 3]! & (1 << (slot & 7))) === 0) continue;
    putU32(row, modseqsAt + slot * 4, Math.max(0, modseq - lowest));
  }
}

/** Of those that are there and not in `slots`. */
function moveLowest(
  row: Uint8Array,
  modseqsAt: number,
  slots: Bitmap,
  before: number,
  lowest: number,
): void {
  putU32(row, 4, Math.floor(lowest / 2 ** 32));
  putU32(row, 8, lowest % 2 ** 32);
  for (let slot = 0; slot < row[1]!; slot++) {
    const bit = 1 << (slot & 7);
    if ((slots[slot >> 3]! & bit) !== 0 || (row[existsAt + (slot >> 3)]! & bit) === 0) continue;
    const at = modseqsAt + slot * 4;
    putU32(row, at, Math.max(0, before + u32At(row, at) - lowest));
  }
}

function countIn(row: Uint8Array, mask: number, flag: number): number {
  if ((mask & (1 << flag)) === 0) return 0;
  const at = blockHeadBytes + bitCount(mask & ((1 << flag) - 1)) * bitmapBytes;
  return popcount(row, at, at + bitmapBytes);
}

function bitCount(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
