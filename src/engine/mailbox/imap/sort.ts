/**
 * SORT of what a search finds.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Specs:     RFC 5256 §3, RFC 5957, RFC 5267 §3 (MIN and MAX are the first and the last), RFC 9394 (PARTIAL).
 */

import {
  type PackedSort,
  type Sorted,
  searchWants,
} from '../../../actors/asks/imap-search-asks.ts';
import { MailError } from '../../../base/errors.ts';
import type { PartialRange } from '../../../mail/wire/imap/parse-window.ts';
import type { Criteria } from '../../../mail/wire/imap/search-keys.ts';
import { uidBlockKey, uidBlockSlots } from '../../store/keys.ts';
import { rangesOf } from '../rows/uid-ranges.ts';
import { BlockColumns } from './block-columns.ts';
import { uidsOf } from './found-set.ts';
import { Membership, membersOf } from './members.ts';
import type { Place } from './messages.ts';
import { octetsOf, type SearchParts } from './search.ts';
import { planOf } from './search-plan.ts';
import { SearchWalk } from './search-walk.ts';
import { inSlices, Slices } from './slices.ts';
import { type SortOrders, sortMembers } from './sort-orders.ts';
import type { View } from './view.ts';

/** Steps between two looks at the time. */
const stepsMax = 1_000;

/** An order of all messages is worth making where the search found at least one in so many. */
const sparseFactor = 8;

const nothing = new Uint32Array(0);

export interface SortParts extends SearchParts {
  readonly orders: SortOrders;
}

export interface SortAnswer {
  readonly value: Sorted;
  readonly body: Uint8Array;
}

export async function sort(
  parts: SortParts,
  packed: PackedSort,
  deadlineMs: number,
): Promise<SortAnswer> {
  const [account, [mailbox, modseq, uidNext], isUid, criteria, saved, order, window, wants] =
    packed;
  const slices = new Slices(parts.clock, deadlineMs);
  const place = { account, mailbox };
  const view = await parts.views.view({ ...place, modseq, uidNext });
  const live = await liveView(parts, place);
  const wantsModseq = (wants & searchWants.modseq) !== 0;
  const found = await findAll(parts, { place, view, criteria, saved, wantsModseq }, slices);
  const uids = await orderedUids(parts, place, found.set, live, order, slices);
  const list = new SortedList(uids, found.set);
  const numberOf = (uid: number) => (isUid || uid === 0 ? uid : view.sequenceOf(uid));
  const [firstUid, lastUid] = [list.at(1), list.at(-1)];
  const wanted = window === 0 ? nothing : await list.part(window, found.set.count, slices);
  const part = (wants & searchWants.partUids) === 0 ? [] : rangesOf(wanted.toSorted());
  const all = (wants & searchWants.uids) === 0 ? part : uidsOf(found.set);
  const value: Sorted = {
    count: found.set.count,
    uidsLength: all.length,
    first: numberOf(firstUid),
    last: numberOf(lastUid),
    firstUid,
    lastUid,
    modseq: found.modseq,
    firstModseq: wantsModseq ? modseqOf(parts, place, firstUid) : 0,
    lastModseq: wantsModseq ? modseqOf(parts, place, lastUid) : 0,
  };
  return { value, body: octetsOf(all, await numbersOf(wanted, numberOf, slices)) };
}

async function numbersOf(
  uids: Uint32Array,
  numberOf: (uid: number) => number,
  slices: Slices,
): Promise<Uint32Array> {
  const numbers = new Uint32Array(uids.length);
  for (let i = 0; i < uids.length; i++) {
    numbers[i] = numberOf(uids[i]!);
    if (i % stepsMax === 0 && slices.isOver) await slices.next();
  }
  return numbers;
}

/** 0 where there is no such message. */
function modseqOf({ shard }: SortParts, { account, mailbox }: Place, uid: number): number {
  const slot = uid % uidBlockSlots;
  const row = shard.peek(uidBlockKey(account, mailbox, (uid - slot) / uidBlockSlots));
  const block = row === undefined ? undefined : new BlockColumns(row);
  const exists = block !== undefined && (block.exists[slot >> 3]! & (1 << (slot & 7))) !== 0;
  return exists ? block.modseqAt(slot) : 0;
}

/** The mailbox's messages as they are now. @throws MailError `not-found` */
export async function liveView({ reader, views }: SearchParts, place: Place): Promise<View> {
  const row = reader.mailbox(place.account, place.mailbox);
  if (row === undefined) throw new MailError('not-found', 'the mailbox was deleted');
  return views.view({ ...place, modseq: row.highestModseq, uidNext: row.uidNext });
}

export interface FindAll {
  readonly place: Place;
  readonly view: View;
  readonly criteria: Criteria;
  readonly saved: readonly number[];
  readonly wantsModseq: boolean;
}

/** All a session's search finds, however long it takes. */
export async function findAll(
  parts: SearchParts,
  { place, view, criteria, saved, wantsModseq }: FindAll,
  slices: Slices,
): Promise<{ readonly set: View; readonly modseq: number }> {
  if (criteria.op === 'all' && !wantsModseq) {
    const row = parts.reader.mailbox(place.account, place.mailbox);
    const now = row?.highestModseq ?? view.modseq;
    const set = await parts.views.view({ ...place, modseq: now, uidNext: view.uidNext });
    return { set, modseq: 0 };
  }
  const plan = planOf(parts.shard, place, criteria, view, saved);
  const [enough, turnMsMax] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const how = { enough, isFromEnd: false, cursor: 0, turnMsMax, wantsModseq };
  const walk = new SearchWalk(parts, place, view, plan, how);
  await walk.run(slices);
  return { set: walk.found.view(), modseq: walk.modseq };
}

/** UIDs in their order: those of the set, and maybe others. */
async function orderedUids(
  { shard, columns, orders }: SortParts,
  place: Place,
  set: View,
  live: View,
  order: PackedSort[5],
  slices: Slices,
): Promise<Uint32Array> {
  if (set.count * sparseFactor >= live.count || orders.has(place, order)) {
    return orders.order(place, order, live, slices);
  }
  const members = await membersOf(shard, place, set, slices);
  return sortMembers({ shard, columns }, place, members, order, slices);
}

/** The members of a set in the order of a list that holds all of them. */
class SortedList {
  readonly #uids: Uint32Array;
  readonly #isWanted: Membership;

  constructor(uids: Uint32Array, set: View) {
    this.#uids = uids;
    this.#isWanted = new Membership(set);
  }

  /** The first (1) or the last (-1); 0 where there is none. */
  at(end: 1 | -1): number {
    const isWanted = (uid: number) => this.#isWanted.has(uid);
    return (end === 1 ? this.#uids.find(isWanted) : this.#uids.findLast(isWanted)) ?? 0;
  }

  /** In the order of the list, whichever end they are counted from. */
  async part(window: PartialRange | null, count: number, slices: Slices): Promise<Uint32Array> {
    const { isFromEnd, first, last } = window ?? { isFromEnd: false, first: 1, last: count };
    const part = await inSlices(slices, this.#walk(isFromEnd, first, Math.min(last, count)));
    return isFromEnd ? part.reverse() : part;
  }

  *#walk(isFromEnd: boolean, first: number, last: number): Generator<void, Uint32Array, void> {
    const part = new Uint32Array(Math.max(0, last - first + 1));
    const uids = this.#uids;
    let seen = 0;
    for (let i = 0; i < uids.length && seen < last; i++) {
      if (i % stepsMax === 0) yield;
      const uid = uids[isFromEnd ? uids.length - 1 - i : i]!;
      if (!this.#isWanted.has(uid)) continue;
      seen++;
      if (seen >= first) part[seen - first] = uid;
    }
    return part.subarray(0, Math.max(0, seen - first + 1));
  }
}
