/**
 * What changed in a mailbox since a session looked, as untagged responses.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 9051 §7.5.1 (EXPUNGE, and when it may not be sent), §7.4.1 (EXISTS), §7.5.2 (FETCH with flags).
 * Limits:    `rowsMax` rows of changes an answer; what is left is asked for again.
 * Invariant: sequence numbers in the responses count on the client having read those before.
 */

import { Buffer } from 'node:buffer';
import type { PackedSync, PackedVanished, Synced } from '../../../actors/asks/imap-asks.ts';
import { MailError } from '../../../base/errors.ts';
import { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import { recentBit, writeCount, writeVanished } from '../../../mail/wire/imap/response-data.ts';
import {
  endFetch,
  fetchFlags,
  fetchModseq,
  fetchNumber,
  nextItem,
  startFetch,
  startUidFetch,
} from '../../../mail/wire/imap/response-fetch.ts';
import { cutRanges, normaliseSet } from '../../../mail/wire/imap/sequence-set.ts';
import { modseqAt, modseqsSince, tables } from '../../store/keys.ts';
import { floorsOf, type MailboxReader } from '../mailbox-reader.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { MailboxRow } from '../rows/mailbox-row.ts';
import {
  addId,
  type IdRanges,
  idsOf,
  isWithin,
  rangesOf,
  unpackRanges,
} from '../rows/uid-ranges.ts';
import { keywordsOf, systemFlagsOf } from './flags-of.ts';
import { messagesIn, type Place } from './messages.ts';
import { countFrom, countWithin } from './recent.ts';
import type { View } from './view.ts';
import type { Views } from './views.ts';

/** A row is of at most 500 expunges or 16,384 flag changes. */
const rowsMax = 32;
const flagUidsMax = 10_000;

export interface ImapParts {
  readonly shard: MailboxShard;
  readonly reader: MailboxReader;
  readonly views: Views;
}

export interface SyncAnswer {
  readonly value: Synced;
  readonly body: Buffer;
}

export async function sync(parts: ImapParts, packed: PackedSync): Promise<SyncAnswer> {
  const [account, [mailbox, modseq, uidNext], flagModseq, mayExpunge, ...known] = packed;
  const [keywordCount, tellsModseq, tellsVanished, tellsFlags, isUidOnly, recent = []] = known;
  let row = openRow(parts, account, mailbox);
  if (row.highestModseq <= modseq && row.highestModseq <= flagModseq && row.uidNext <= uidNext) {
    const { messages: count } = row;
    return { value: { modseq, uidNext, flagModseq, count, isMore: false }, body: noBytes };
  }
  // RFC 9051 §7.1: a session that can no longer be told what it missed is ended.
  if (modseq < row.vanishedFloor) throw new MailError('not-found', 'what vanished is forgotten');
  const before = await parts.views.view({ account, mailbox, modseq, uidNext });
  // A view may take many turns: what changed meanwhile is told as well, and must be counted as told.
  row = openRow(parts, account, mailbox);
  const writer = new ResponseWriter();
  let now = before;
  let isMore = false;
  let recentGone = 0;
  if (mayExpunge) {
    const gone = vanishedSince(parts.shard, account, mailbox, modseq, row.highestModseq);
    isMore = gone.isMore;
    if (recent.length > 0) recentGone = countWithin(recent, knownOf(before, gone.uids));
    if (tellsVanished) writeVanished(writer, rangesOf(knownOf(before, gone.uids)), false);
    else writeExpunges(writer, before, gone.uids);
    const wanted = { account, mailbox, modseq: gone.modseq, uidNext };
    now = await parts.views.view(wanted);
    // The same: flags are read next, and keywords may have come.
    row = openRow(parts, account, mailbox);
  }
  const place = { account, mailbox };
  const told = { ...place, tellsModseq, isUidOnly, recent };
  const flags = tellsFlags
    ? writeChangedFlags(writer, parts, told, flagModseq, row, now)
    : { modseq: unflaggedSince(parts.shard, place, flagModseq, row, now), isMore: false };
  isMore ||= flags.isMore;
  let arrived = 0;
  if (row.uidNext > uidNext) {
    now = await parts.views.view({ account, mailbox, modseq: now.modseq, uidNext: row.uidNext });
    writeCount(writer, now.count, 'EXISTS');
    arrived = countFrom(now, uidNext);
  }
  return {
    value: {
      modseq: now.modseq,
      uidNext: now.uidNext,
      flagModseq: flags.modseq,
      count: now.count,
      isMore,
      ...(arrived > 0 ? { arrived } : {}),
      ...(recentGone > 0 ? { recentGone } : {}),
      ...(row.keywords.length > keywordCount ? { keywords: row.keywords } : {}),
    },
    body: Buffer.concat(writer.take()),
  };
}

function openRow({ reader }: ImapParts, account: number, mailbox: number): MailboxRow {
  const row = reader.mailbox(account, mailbox);
  if (row === undefined) throw new MailError('not-found', 'the mailbox was deleted');
  return row;
}

const noBytes = Buffer.alloc(0);

interface Gone {
  /** Ascending. */
  readonly uids: readonly number[];
  readonly modseq: number;
  readonly isMore: boolean;
}

function vanishedSince(
  shard: Pick<MailboxShard, 'range'>,
  account: number,
  mailbox: number,
  modseq: number,
  highestModseq: number,
): Gone {
  const range = modseqsSince(tables.vanished, account, mailbox, modseq);
  const rows = shard.range({ ...range, limit: rowsMax });
  const uids = rows.flatMap(({ value }) => [...idsOf(unpackRanges(value))]);
  uids.sort((a, b) => a - b);
  const isMore = rows.length === rowsMax;
  return { uids, modseq: isMore ? modseqAt(rows.at(-1)!.key, 9) : highestModseq, isMore };
}

function knownOf(view: View, uids: readonly number[]): number[] {
  return uids.filter((uid) => view.sequenceOf(uid) > 0);
}

/**
 * What was expunged after `since`, of the set and below the view's `uidNext`: for a client that knew the mailbox at
 * `since` (RFC 7162 §3.2.5). Below the mailbox's floor that is all of the set that is not there (§3.2.5.1).
 */
export async function vanished(parts: ImapParts, packed: PackedVanished): Promise<IdRanges> {
  const [account, [mailbox, modseq, uidNext], since, set] = packed;
  const view = await parts.views.view({ account, mailbox, modseq, uidNext });
  const floor = parts.reader.mailbox(account, mailbox)?.vanishedFloor ?? 0;
  // `*` of a set of UIDs is the last there could be, not the last there is.
  const wanted = cutRanges(normaliseSet({ ranges: set, isSaved: false }, uidNext - 1), uidNext - 1);
  if (since < floor) return notIn(view, wanted);
  const range = modseqsSince(tables.vanished, account, mailbox, since);
  const gone: number[] = [];
  for (const { key, value } of parts.shard.range(range)) {
    if (modseqAt(key, 9) > modseq) break;
    for (const uid of idsOf(unpackRanges(value))) {
      if (isWithin(wanted, uid) && view.sequenceOf(uid) === 0) gone.push(uid);
    }
  }
  // A UID vanishes once; they may be a million, and numbers in a typed array sort without a call for each two.
  return rangesOf(Uint32Array.from(gone).sort());
}

/** The gaps of a set between the messages of a view. */
function notIn(view: View, wanted: IdRanges): IdRanges {
  const gaps: number[] = [];
  for (let i = 0; i < wanted.length; i += 2) {
    let next = wanted[i]!;
    const last = wanted[i + 1]!;
    const first = view.firstFrom(next);
    const count = first === 0 ? 0 : view.count - first + 1;
    for (let i = 0; i < count; i++) {
      const uid = view.uidOf(first + i);
      if (uid > last) break;
      if (uid > next) gaps.push(next, uid - 1);
      next = uid + 1;
    }
    if (next <= last) gaps.push(next, last);
  }
  return gaps;
}

/** Highest first: those below keep their numbers. */
function writeExpunges(writer: ResponseWriter, view: View, uids: readonly number[]): void {
  for (let i = uids.length - 1; i >= 0; i--) {
    const sequence = view.sequenceOf(uids[i]!);
    if (sequence > 0) writeCount(writer, sequence, 'EXPUNGE');
  }
}

interface ToldFlags extends Place {
  readonly tellsModseq: boolean;
  readonly isUidOnly: boolean;
  readonly recent: IdRanges;
}

function writeChangedFlags(
  writer: ResponseWriter,
  { shard }: ImapParts,
  place: ToldFlags,
  flagModseq: number,
  row: MailboxRow,
  view: View,
): { readonly modseq: number; readonly isMore: boolean } {
  const changed = changedSince(shard, place, flagModseq, row, view.uidNext);
  for (const { uid, block, slot } of messagesIn(shard, place, changed.uids)) {
    const sequence = view.sequenceOf(uid);
    if (sequence === 0) continue;
    if (place.isUidOnly) startUidFetch(writer, uid);
    else {
      startFetch(writer, sequence);
      fetchNumber(writer, 'UID', uid);
      nextItem(writer);
    }
    const mask = systemFlagsOf(block, slot) | (isWithin(place.recent, uid) ? recentBit : 0);
    fetchFlags(writer, mask, keywordsOf(block, slot, row.keywords));
    if (place.tellsModseq) {
      nextItem(writer);
      fetchModseq(writer, block.modseqs[slot]!);
    }
    endFetch(writer);
  }
  return { modseq: changed.isMore ? changed.modseq : row.highestModseq, isMore: changed.isMore };
}

/** Where changed flags are not told: they stay untold, but where there are none. */
function unflaggedSince(
  shard: Pick<MailboxShard, 'range'>,
  { account, mailbox }: Place,
  flagModseq: number,
  row: MailboxRow,
  view: View,
): number {
  const changed = changedSince(shard, { account, mailbox }, flagModseq, row, view.uidNext);
  return changed.uids.length === 0 && !changed.isMore ? row.highestModseq : flagModseq;
}

/** UIDs below `uidNext` whose flags changed, as far as one answer goes. */
function changedSince(
  shard: Pick<MailboxShard, 'range'>,
  { account, mailbox }: Place,
  modseq: number,
  row: MailboxRow,
  uidNext: number,
): { readonly uids: IdRanges; readonly modseq: number; readonly isMore: boolean } {
  if (modseq < row.modseqFloor) {
    const uids = changedInBlocks(shard, { account, mailbox }, modseq, uidNext);
    return { uids, modseq: row.highestModseq, isMore: false };
  }
  const range = modseqsSince(tables.byModseq, account, mailbox, modseq);
  const rows = shard.range({ ...range, limit: rowsMax });
  const ids = new Set<number>();
  let last = modseq;
  let isMore = rows.length === rowsMax;
  for (const { key, value } of rows) {
    if (ids.size >= flagUidsMax) {
      isMore = true;
      break;
    }
    for (const uid of idsOf(unpackRanges(value))) if (uid < uidNext) ids.add(uid);
    last = modseqAt(key, 9);
  }
  const uids: number[] = [];
  for (const uid of [...ids].sort((a, b) => a - b)) addId(uids, uid);
  return { uids: uids as IdRanges, modseq: last, isMore };
}

/**
 * By the messages themselves, where the rows of their changes are forgotten.
 * @throws MailError `not-found`: they are too many for one answer, and the session is ended
 */
function changedInBlocks(
  shard: Pick<MailboxShard, 'range'>,
  place: Place,
  modseq: number,
  uidNext: number,
): IdRanges {
  const uids: number[] = [];
  let count = 0;
  const all = [1, Math.max(1, uidNext - 1)];
  for (const { uid, block, slot } of messagesIn(shard, place, all)) {
    if (block.modseqs[slot]! <= modseq) continue;
    if (++count > flagUidsMax) throw new MailError('not-found', 'what changed is forgotten');
    addId(uids, uid);
  }
  return uids;
}

/**
 * Where flags are known up to, after the session's own changes at `own`: further, if nobody else changed any
 * between.
 */
export function flagModseqAfter(
  shard: Pick<MailboxShard, 'get' | 'range'>,
  { account, mailbox }: { readonly account: number; readonly mailbox: number },
  flagModseq: number,
  uidNext: number,
  own: readonly number[],
): number {
  if (own.length === 0) return flagModseq;
  const last = own.at(-1)!;
  // What others changed before may be forgotten.
  if (flagModseq < floorsOf(shard, account, mailbox).modseqFloor) return flagModseq;
  const range = modseqsSince(tables.byModseq, account, mailbox, flagModseq);
  const rows = shard.range({ ...range, limit: own.length + rowsMax });
  for (const { key, value } of rows) {
    const modseq = modseqAt(key, 9);
    if (modseq > last) return last;
    if (own.includes(modseq)) continue;
    const [first = 0] = unpackRanges(value);
    if (first < uidNext) return flagModseq;
  }
  return rows.length < own.length + rowsMax ? last : flagModseq;
}
