/**
 * What changed of a search's results: only messages that changed are looked at.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Specs:     RFC 5267 §4.3 (UPDATE: ADDTO, REMOVEFROM).
 * Limits:    `contextNumbersMax` numbers of results; past that the context is over.
 * Invariant: the results told, changed as told, are what the search would find.
 */

import {
  type ContextUpdate,
  contextNumbersMax,
  type PackedContext,
  type ResultChange,
} from '../../../actors/asks/imap-search-asks.ts';
import type { SortKey } from '../../../mail/wire/imap/parse-sort.ts';
import type { Criteria } from '../../../mail/wire/imap/search-keys.ts';
import { normaliseSet } from '../../../mail/wire/imap/sequence-set.ts';
import { modseqsSince, tables } from '../../store/keys.ts';
import { floorsOf } from '../mailbox-reader.ts';
import { type IdRanges, idsOf, isWithin, rangesOf, unpackRanges } from '../rows/uid-ranges.ts';
import { uidsOf } from './found-set.ts';
import { documentOf, Membership } from './members.ts';
import type { Place } from './messages.ts';
import { Slices } from './slices.ts';
import { findAll, type SortParts } from './sort.ts';
import { sortMembers } from './sort-orders.ts';
import type { View } from './view.ts';

export async function contextUpdate(
  parts: SortParts,
  packed: PackedContext,
  deadlineMs: number,
): Promise<ContextUpdate> {
  const [account, [mailbox, ...was], [, ...is], isUid, criteria, order, uids, ...known] = packed;
  const [modseq, uidNext] = known;
  const place = { account, mailbox };
  const before = await parts.views.view({ ...place, modseq: was[0], uidNext: was[1] });
  const after = await parts.views.view({ ...place, modseq: is[0], uidNext: is[1] });
  const slices = new Slices(parts.clock, deadlineMs);
  const nothing = { uids: [], removed: [], added: [] };
  // What went since is forgotten: nobody can say which results that were.
  if (modseq < floorsOf(parts.shard, account, mailbox).vanishedFloor) {
    return { ...nothing, modseq, uidNext, isOver: true };
  }
  const now = parts.reader.mailbox(account, mailbox)?.highestModseq ?? modseq;
  const changes = await changedResults(parts, { place, after, criteria, modseq, uidNext }, slices);
  const results = order === null ? new RangeResults(uids) : new ListResults(uids);
  const removed = [...changes.left, ...gone(parts, place, modseq)].filter((uid) =>
    results.has(uid),
  );
  const added = changes.matching.filter((uid) => !results.has(uid));
  const update = { modseq: Math.max(now, modseq), uidNext: after.uidNext };
  const size = uids.length + 2 * added.length;
  if (size > contextNumbersMax) return { ...nothing, ...update, isOver: true };
  const numbers = {
    removed: (uid: number) => (isUid ? uid : before.sequenceOf(uid)),
    added: (uid: number) => (isUid ? uid : after.sequenceOf(uid)),
  };
  const told = {
    removed: results.remove([...new Set(removed)].sort(ascending), numbers.removed),
    added: await results.add(added, numbers.added, (all) =>
      sorted(parts, place, all, order!, slices),
    ),
  };
  return { ...update, ...told, uids: results.uids, isOver: false };
}

const ascending = (a: number, b: number) => a - b;

interface Asked {
  readonly place: Place;
  readonly after: View;
  readonly criteria: Criteria;
  readonly modseq: number;
  readonly uidNext: number;
}

/** Of the messages that changed or came since, those that match now and those that do not. */
async function changedResults(
  parts: SortParts,
  { place, after, criteria, modseq, uidNext }: Asked,
  slices: Slices,
): Promise<{ readonly matching: readonly number[]; readonly left: readonly number[] }> {
  const changed: Criteria = { op: 'modseq', modseq: modseq + 1 };
  const ranges = [uidNext, after.uidNext - 1];
  const came: Criteria = { op: 'set', isUid: true, isSaved: false, ranges };
  const matching = new Set<number>();
  const looked = new Set<number>();
  for (const key of after.uidNext > uidNext ? [changed, came] : [changed]) {
    const find = async (wanted: Criteria) => {
      const asked = { place, view: after, criteria: wanted, saved: [], wantsModseq: false };
      return (await findAll(parts, asked, slices)).set;
    };
    const all = await find(key);
    const isMatch = new Membership(await find({ op: 'and', keys: [key, criteria] }));
    for (const uid of idsOf(uidsOf(all))) {
      looked.add(uid);
      if (isMatch.has(uid)) matching.add(uid);
    }
  }
  const left = [...looked].filter((uid) => !matching.has(uid));
  return { matching: [...matching].sort(ascending), left };
}

/** UIDs expunged after `modseq`. */
function* gone({ shard }: SortParts, { account, mailbox }: Place, modseq: number) {
  for (const { value } of shard.range(modseqsSince(tables.vanished, account, mailbox, modseq))) {
    yield* idsOf(unpackRanges(value));
  }
}

async function sorted(
  { shard, columns }: SortParts,
  place: Place,
  uids: readonly number[],
  order: readonly SortKey[],
  slices: Slices,
): Promise<readonly number[]> {
  const all = Uint32Array.from(uids).sort();
  const documents = all.map((uid) => documentOf(shard, place, uid));
  return Array.from(
    await sortMembers({ shard, columns }, place, { uids: all, documents }, order, slices),
  );
}

type NumberOf = (uid: number) => number;

/** Results in the order of the mailbox: places are not told. */
class RangeResults {
  uids: IdRanges;

  constructor(uids: IdRanges) {
    this.uids = uids;
  }

  has(uid: number): boolean {
    return isWithin(this.uids, uid);
  }

  /** `removed` ascend. */
  remove(removed: readonly number[], numberOf: NumberOf): ResultChange[] {
    if (removed.length === 0) return [];
    this.uids = without(this.uids, rangesOf(removed));
    return [{ place: 0, ranges: rangesOf(removed.map(numberOf)) }];
  }

  async add(added: readonly number[], numberOf: NumberOf): Promise<ResultChange[]> {
    if (added.length === 0) return [];
    const ranges = [...this.uids, ...rangesOf(added)];
    this.uids = normaliseSet({ ranges, isSaved: false }, 0);
    return [{ place: 0, ranges: rangesOf(added.map(numberOf)) }];
  }
}

/** Results in an order of their own. */
class ListResults {
  uids: readonly number[];
  readonly #members: Set<number>;

  constructor(uids: readonly number[]) {
    this.uids = uids;
    this.#members = new Set(uids);
  }

  has(uid: number): boolean {
    return this.#members.has(uid);
  }

  /** The last first: places before them stay. */
  remove(removed: readonly number[], numberOf: NumberOf): ResultChange[] {
    const isRemoved = new Set(removed);
    const changes: ResultChange[] = [];
    for (let place = this.uids.length; place > 0; place--) {
      const uid = this.uids[place - 1]!;
      if (isRemoved.has(uid)) changes.push(changeAt(place, numberOf(uid)));
    }
    this.uids = this.uids.filter((uid) => !isRemoved.has(uid));
    return changes;
  }

  /** The first first: each comes where it is in the end. */
  async add(
    added: readonly number[],
    numberOf: NumberOf,
    sort: (uids: readonly number[]) => Promise<readonly number[]>,
  ): Promise<ResultChange[]> {
    if (added.length === 0) return [];
    const isAdded = new Set(added);
    this.uids = await sort([...this.uids, ...added]);
    return this.uids.flatMap((uid, i) =>
      isAdded.has(uid) ? [changeAt(i + 1, numberOf(uid))] : [],
    );
  }
}

function changeAt(place: number, number: number): ResultChange {
  return { place, ranges: [number, number] };
}

function without(ranges: IdRanges, removed: IdRanges): number[] {
  const left: number[] = [];
  let at = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    let first = ranges[i]!;
    const last = ranges[i + 1]!;
    while (at < removed.length && removed[at + 1]! < first) at += 2;
    for (let j = at; j < removed.length && removed[j]! <= last; j += 2) {
      if (removed[j]! > first) left.push(first, removed[j]! - 1);
      first = removed[j + 1]! + 1;
    }
    if (first <= last) left.push(first, last);
  }
  return left;
}
