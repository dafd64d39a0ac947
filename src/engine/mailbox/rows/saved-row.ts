/**
 * When messages came into a mailbox, where that is not their internal date: one row for a run of UIDs.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 8514 §2 (save date).
 * Invariant: a row is of one block of UIDs, and keyed by its first: it goes with the block.
 */

import { savedKey, savedRange, uidBlockSlots } from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { packRow, unpackRow } from './packing.ts';

interface SavedRow {
  readonly lastUid: number;
  readonly savedMs: number;
}

type Packed = readonly [lastUid: number, savedMs: number];

function encodeSaved({ lastUid, savedMs }: SavedRow): Uint8Array {
  const packed: Packed = [lastUid, savedMs];
  return packRow(packed);
}

function decodeSaved(value: Uint8Array): SavedRow {
  const [lastUid, savedMs] = unpackRow<Packed>(value);
  return { lastUid, savedMs };
}

/** Rows for `firstUid` to `lastUid`, saved at once. */
export function* savedRows(
  account: number,
  mailbox: number,
  firstUid: number,
  lastUid: number,
  savedMs: number,
): IterableIterator<readonly [key: Buffer, value: Uint8Array]> {
  for (let uid = firstUid; uid <= lastUid; ) {
    const last = Math.min(lastUid, uid - (uid % uidBlockSlots) + uidBlockSlots - 1);
    yield [savedKey(account, mailbox, uid), encodeSaved({ lastUid: last, savedMs })];
    uid = last + 1;
  }
}

/** What the rows say of a UID; undefined: its internal date. */
export function savedMsOf(
  shard: Pick<MailboxShard, 'range'>,
  account: number,
  mailbox: number,
  uid: number,
): number | undefined {
  const range = savedRange(account, mailbox, uid - (uid % uidBlockSlots), uid);
  const [entry] = shard.range({ ...range, reverse: true, limit: 1 });
  const row = entry === undefined ? undefined : decodeSaved(entry.value);
  return row !== undefined && row.lastUid >= uid ? row.savedMs : undefined;
}
