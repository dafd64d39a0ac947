/**
 * The number of a mailbox's first message without \Seen, as SELECT of IMAP4rev1 tells it.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 3501 §6.3.1, §7.1 (UNSEEN).
 * Limits:    one look walks `blocksMax` blocks and reads `changesMax` rows of changes; how far it came is remembered, and
 *            the next one goes on from there. `knownMax` mailboxes are remembered.
 * Invariant: as of its modseq, all messages below a known UID have \Seen, and are as many as it says.
 */

import { RecentMap } from '../../../base/recent-map.ts';
import {
  lastU32,
  modseqsSince,
  tables,
  uidBlockKey,
  uidBlockRange,
  uidBlockShift,
  uidBlockSlots,
} from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { MailboxRow } from '../rows/mailbox-row.ts';
import { bitCounts, seenFlag } from '../rows/uid-block.ts';
import { type IdRanges, unpackRanges } from '../rows/uid-ranges.ts';
import { BlockColumns } from './block-columns.ts';
import type { Place } from './messages.ts';
import { blockBytes } from './view.ts';

/** 16,384 messages. */
const blocksMax = 128;
const changesMax = 500;
const knownMax = 10_000;

interface Known {
  readonly modseq: number;
  /** All below have \Seen. */
  readonly uid: number;
  /** How many those are. */
  readonly before: number;
}

type Shard = Pick<MailboxShard, 'get' | 'range'>;
type Row = Pick<
  MailboxRow,
  'unseen' | 'highestModseq' | 'uidNext' | 'vanishedFloor' | 'modseqFloor'
>;

const nothing = { uid: 1, before: 0 };

export class FirstUnseen {
  readonly #known = new RecentMap<string, Known>(knownMax);

  /** As `reader` sees it, through whose shard it looks. Undefined: there is none, or none as far as it looked. */
  find(shard: Shard, place: Place, reader: number, row: Row): number | undefined {
    if (row.unseen === 0) return undefined;
    const key = `${place.account} ${place.mailbox} ${reader}`;
    const { found, uid, before } = walk(shard, place, this.#now(shard, place, key, row), row);
    this.#known.set(key, { modseq: row.highestModseq, uid, before });
    return found ? before + 1 : undefined;
  }

  /** What is known, as of now. */
  #now(shard: Shard, place: Place, key: string, row: Row): Omit<Known, 'modseq'> {
    const known = this.#known.get(key);
    if (known === undefined || known.modseq === row.highestModseq) return known ?? nothing;
    if (known.modseq < Math.max(row.vanishedFloor, row.modseqFloor)) return nothing;
    const gone = changes(shard, tables.vanished, place, known);
    const changed = changes(shard, tables.byModseq, place, known);
    if (gone === undefined || changed === undefined) return nothing;
    let { uid, before } = known;
    for (const ranges of gone) before -= countBelow(ranges, uid);
    const again = unseenAgain(shard, place, changed, uid);
    if (again === undefined) return nothing;
    if (again < uid) {
      const between = existingIn(shard, place, again, uid);
      if (between === undefined) return nothing;
      before -= between;
      uid = again;
    }
    return { uid, before };
  }
}

/** Undefined: too many. */
function changes(
  shard: Shard,
  table: Parameters<typeof modseqsSince>[0],
  { account, mailbox }: Place,
  { modseq }: Known,
): readonly IdRanges[] | undefined {
  const range = modseqsSince(table, account, mailbox, modseq);
  const rows = shard.range({ ...range, limit: changesMax });
  return rows.length === changesMax ? undefined : rows.map(({ value }) => unpackRanges(value));
}

function countBelow(ranges: IdRanges, uid: number): number {
  let count = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    count += Math.max(0, Math.min(ranges[i + 1]!, uid - 1) - ranges[i]! + 1);
  }
  return count;
}

/** The first of the changed messages below `uid` that has no \Seen, else `uid`; undefined: too many to look at. */
function unseenAgain(
  shard: Shard,
  { account, mailbox }: Place,
  changed: readonly IdRanges[],
  uid: number,
): number | undefined {
  const numbers = new Set<number>();
  for (const ranges of changed) {
    for (let i = 0; i < ranges.length && ranges[i]! < uid; i += 2) {
      const last = Math.min(ranges[i + 1]!, uid - 1) >>> uidBlockShift;
      for (let number = ranges[i]! >>> uidBlockShift; number <= last; number++) {
        numbers.add(number);
        if (numbers.size > blocksMax) return undefined;
      }
    }
  }
  let first = uid;
  for (const number of numbers) {
    const row = shard.get(uidBlockKey(account, mailbox, number));
    const slot = row === undefined ? -1 : firstUnseenSlot(new BlockColumns(row), 0);
    if (slot >= 0) first = Math.min(first, number * uidBlockSlots + slot);
  }
  return first;
}

/** How many messages there are from `first` to below `end`; undefined: it is far. */
function existingIn(shard: Shard, place: Place, first: number, end: number): number | undefined {
  const rows = blocksFrom(shard, place, first, end - 1);
  if (rows.length === blocksMax) return undefined;
  let count = 0;
  for (const { key, value } of rows) {
    const base = lastU32(key) * uidBlockSlots;
    const from = Math.max(0, first - base);
    count += countSlots(new BlockColumns(value).exists, from, Math.min(uidBlockSlots, end - base));
  }
  return count;
}

function walk(
  shard: Shard,
  place: Place,
  { uid, before }: Omit<Known, 'modseq'>,
  { uidNext }: Row,
): Omit<Known, 'modseq'> & { readonly found: boolean } {
  if (uid >= uidNext) return { uid, before, found: false };
  const rows = blocksFrom(shard, place, uid, uidNext - 1);
  let count = before;
  for (const { key, value } of rows) {
    const base = lastU32(key) * uidBlockSlots;
    const columns = new BlockColumns(value);
    const from = Math.max(0, uid - base);
    const slot = firstUnseenSlot(columns, from);
    count += countSlots(columns.exists, from, slot < 0 ? uidBlockSlots : slot);
    if (slot >= 0) return { uid: base + slot, before: count, found: true };
  }
  const isCut = rows.length === blocksMax;
  const next = isCut ? (lastU32(rows.at(-1)!.key) + 1) * uidBlockSlots : uidNext;
  // Not past what is there: a message that comes is counted when it is walked by.
  return { uid: Math.min(next, uidNext), before: count, found: false };
}

function blocksFrom(shard: Shard, { account, mailbox }: Place, first: number, last: number) {
  const range = uidBlockRange(account, mailbox, first >>> uidBlockShift, last >>> uidBlockShift);
  return shard.range({ ...range, limit: blocksMax });
}

/** -1: none from `from` on. */
function firstUnseenSlot(columns: BlockColumns, from: number): number {
  const { exists } = columns;
  const seen = columns.flag(seenFlag);
  for (let at = from >> 3; at < blockBytes; at++) {
    let bits = exists[at]! & ~(seen?.[at] ?? 0);
    if (at === from >> 3) bits &= 0xff << (from & 7);
    if (bits !== 0) return at * 8 + 31 - Math.clz32(bits & -bits);
  }
  return -1;
}

/** Bits set from one slot to below another. */
function countSlots(bits: Uint8Array, from: number, end: number): number {
  let count = 0;
  for (let at = from >> 3; at * 8 < end; at++) {
    let byte = bits[at]!;
    if (at === from >> 3) byte &= 0xff << (from & 7);
    if (end - at * 8 < 8) byte &= (1 << (end - at * 8)) - 1;
    count += bitCounts[byte & 0xff]!;
  }
  return count;
}
