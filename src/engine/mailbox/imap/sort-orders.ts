/**
 * Mailboxes sorted: an order that was asked for once is kept, and new messages are put into it.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Limits:    4 bytes a message are kept, in the memory that all shards of the thread share; up to `mergedMax` new messages
 *            are put in one by one, for more the order is made anew. One order is made at a time.
 * Invariant: what a message is sorted by never changes and a UID is never given twice: so an order is right for ever
 *            for the messages in it. It may hold messages that are gone: who reads it asks a set that is up to date.
 */

import type { SortKey } from '../../../mail/wire/imap/parse-sort.ts';
import { DerivedMap, type DerivedMemory } from '../derived-memory.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { Columns } from './columns.ts';
import { Facts } from './facts-column.ts';
import { documentOf, type Members, Membership, membersOf } from './members.ts';
import type { Place } from './messages.ts';
import type { Slices } from './slices.ts';
import { compareValues, SortReader, type SortValue, sortPlaces } from './sort-keys.ts';
import type { View } from './view.ts';

const mergedMax = 500;
/** Steps between two looks at the time. */
const stepsMax = 1_000;

interface Order {
  readonly uids: Uint32Array;
  /** All messages below it that are not gone are in the order. */
  readonly uidNext: number;
}

export interface SortSource {
  readonly shard: MailboxShard;
  readonly columns: Columns;
}

export class SortOrders {
  readonly #source: SortSource;
  readonly #kept: DerivedMap<Order>;
  #making: Promise<unknown> = Promise.resolve();

  constructor(source: SortSource, memory: DerivedMemory) {
    this.#source = source;
    this.#kept = new DerivedMap(memory);
  }

  close(): void {
    this.#kept.close();
  }

  has(place: Place, order: readonly SortKey[]): boolean {
    return this.#kept.has(keyOf(place, order));
  }

  /** UIDs in the order: all of `live`, the mailbox as it is now, and maybe others. */
  order(
    place: Place,
    order: readonly SortKey[],
    live: View,
    slices: Slices,
  ): Promise<Uint32Array> | Uint32Array {
    const key = keyOf(place, order);
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.uidNext >= live.uidNext) return kept.uids;
    const made = this.#making.then(() => this.#make(key, place, order, live, slices));
    this.#making = made.catch(() => {});
    return made;
  }

  async #make(
    key: string,
    place: Place,
    order: readonly SortKey[],
    live: View,
    slices: Slices,
  ): Promise<Uint32Array> {
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.uidNext >= live.uidNext) return kept.uids;
    const { uidNext } = live;
    if (kept !== undefined) {
      const uids = await this.#merged(kept, place, order, live, slices);
      if (uids !== undefined) return this.#keep(key, { uids, uidNext });
    }
    const members = await membersOf(this.#source.shard, place, live, slices);
    const uids = await sortMembers(this.#source, place, members, order, slices);
    return this.#keep(key, { uids, uidNext });
  }

  /** The kept order with what came since. Undefined: it must be made anew. */
  async #merged(
    kept: Order,
    place: Place,
    order: readonly SortKey[],
    live: View,
    slices: Slices,
  ): Promise<Uint32Array | undefined> {
    const { shard } = this.#source;
    const added = await membersOf(shard, place, live, slices, kept.uidNext);
    if (added.uids.length > mergedMax) return undefined;
    const old = await liveOf(kept.uids, live, slices);
    const sorted = await sortMembers(this.#source, place, added, order, slices);
    const reader = new SortReader(shard, place.account, order);
    const uids = new Uint32Array(old.length + sorted.length);
    let [from, at] = [0, 0];
    for (const uid of sorted) {
      const values = await reader.values(documentOf(shard, place, uid));
      const before = await placeOf(
        values,
        old,
        from,
        (other) => this.#values(reader, place, other),
        order,
      );
      if (before === undefined) return undefined;
      uids.set(old.subarray(from, before), at);
      at += before - from;
      uids[at++] = uid;
      from = before;
      if (slices.isOver) await slices.next();
    }
    uids.set(old.subarray(from), at);
    return uids;
  }

  #values(reader: SortReader, place: Place, uid: number) {
    const document = documentOf(this.#source.shard, place, uid);
    return document === 0 ? undefined : reader.values(document);
  }

  #keep(key: string, order: Order): Uint32Array {
    this.#kept.set(key, order, order.uids.buffer.byteLength);
    return order.uids;
  }
}

async function liveOf(uids: Uint32Array, live: View, slices: Slices): Promise<Uint32Array> {
  const isLive = new Membership(live);
  const kept = new Uint32Array(uids.length);
  let count = 0;
  for (let i = 0; i < uids.length; i++) {
    if (isLive.has(uids[i]!)) kept[count++] = uids[i]!;
    if (i % stepsMax === 0 && slices.isOver) await slices.next();
  }
  return kept.subarray(0, count);
}

type Values = SortValue[] | undefined;

/** Where a message newer than all of `uids` goes, at or after `from`. Undefined: one was gone on the way. */
async function placeOf(
  values: Values,
  uids: Uint32Array,
  from: number,
  valuesOf: (uid: number) => Values | Promise<Values>,
  order: readonly SortKey[],
): Promise<number | undefined> {
  if (values === undefined) return undefined;
  let [low, high] = [from, uids.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = await valuesOf(uids[middle]!);
    if (other === undefined) return undefined;
    // Equal ones stand in the order of the mailbox: the new one comes behind.
    if (compareValues(other, values, order) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

export async function sortMembers(
  { shard, columns }: SortSource,
  place: Place,
  members: Members,
  order: readonly SortKey[],
  slices: Slices,
): Promise<Uint32Array> {
  const reader = new SortReader(shard, place.account, order);
  const facts = new Facts(shard, columns, place);
  const places = await sortPlaces(reader, facts, members, order, slices);
  return places.map((at) => members.uids[at]!);
}

function keyOf({ account, mailbox }: Place, order: readonly SortKey[]): string {
  const keys = order.map(({ kind, isReverse }) => (isReverse ? `-${kind}` : kind));
  return `${account} ${mailbox} ${keys.join(' ')}`;
}
