/**
 * Answers operators' asks to a shard's store: check it, compact it, forget its index.
 *
 * Runs in:   engine threads.
 * Limits:    a step of a check reads one segment, or bodies of `stepBytesMax`; a fault names `namesMax` messages.
 */

import type { ArrivedAsk, Handlers } from '../actors/ask.ts';
import {
  type BodiesChecked,
  type SegmentChecked,
  type StoredName,
  type StoreFault,
  type StoreShardStatus,
  storeAsks,
} from '../actors/asks/store-asks.ts';
import { shardForget } from '../actors/asks/system.ts';
import { type Failure, failure, MailError } from '../base/errors.ts';
import type { ShardId } from '../base/ids.ts';
import { mebibyte } from '../base/units.ts';
import { DiskError } from '../ports/disk.ts';
import type { ShardIndex } from '../ports/shard-index.ts';
import type { Spool } from './spool/spool.ts';
import type { Damage } from './store/journal/recovery.ts';
import type { RecordPlace } from './store/record.ts';
import type { Shard } from './store/shard.ts';
import { afterKey, bodiesFrom, nameOfHit, placeOfKey, type StoredBody } from './stored-messages.ts';

const stepBytesMax = 8 * mebibyte;
const namesMax = 1_000;

export interface StoredShard {
  readonly store: Shard;
  readonly spool: Pick<Spool, 'indexAccepted'>;
}

export interface StoreHandlerParts {
  /** The shard, where it is open on this thread. */
  readonly shardOf: (ask: ArrivedAsk) => StoredShard | undefined;
  readonly openIndex: (shard: ShardId) => Promise<ShardIndex>;
}

export function storeHandlers({ shardOf, openIndex }: StoreHandlerParts): Handlers {
  const storeOf = (ask: ArrivedAsk) => shardOf(ask)?.store;
  return {
    [storeAsks.checkSegment]: async (ask) => {
      const store = storeOf(ask);
      if (store === undefined) return notOpen(ask);
      return { ok: true, value: await checkSegment(store, ask.meta as number) };
    },
    [storeAsks.checkBodies]: async (ask) => {
      const store = storeOf(ask);
      if (store === undefined) return notOpen(ask);
      return { ok: true, value: await checkBodies(store, ask.meta as Uint8Array) };
    },
    [storeAsks.compact]: async (ask) => {
      const shard = shardOf(ask);
      if (shard === undefined) return notOpen(ask);
      const { store, spool } = shard;
      const { readOnlyReason } = store.status();
      if (readOnlyReason !== undefined) return failure('store-read-only', readOnlyReason);
      // Only what has a row can be moved, and a checkpoint covers nothing past the oldest without one.
      spool.indexAccepted(Number.POSITIVE_INFINITY);
      return { ok: true, value: await store.compact() };
    },
    [storeAsks.status]: (ask) => {
      const store = storeOf(ask);
      if (store === undefined) return notOpen(ask);
      const { replayedCount, segmentBytes, readOnlyReason } = store.status();
      const value: StoreShardStatus = {
        replayedCount,
        segmentBytes,
        ...(readOnlyReason === undefined ? {} : { readOnlyReason }),
      };
      return { ok: true, value };
    },
    [shardForget]: async (ask) => {
      if (storeOf(ask) !== undefined) {
        return failure('not-possible-now', `shard ${ask.shard} is open`);
      }
      const index = await openIndex(ask.shard);
      try {
        await index.clear();
      } finally {
        await index.close();
      }
      return { ok: true, value: undefined };
    },
  };
}

function notOpen({ shard }: ArrivedAsk): Failure {
  return failure('not-possible-now', `shard ${shard} is not open here`);
}

async function checkSegment(store: Shard, after: number): Promise<SegmentChecked> {
  const { segment, recordCount, bytes, damage } = await store.verifyNext(after);
  return {
    ...(segment === undefined ? {} : { segment }),
    recordCount,
    bytes,
    faults: damage.map((one) => faultOf(one, store)),
  };
}

function faultOf({ segment, offset, reason, hit }: Damage, store: Shard): StoreFault {
  const messages: StoredName[] = [];
  for (const record of hit) {
    if (messages.length === namesMax) break;
    const name = nameOfHit(record, store);
    if (name !== undefined) messages.push(name);
  }
  return { segment, offset, reason, messages, unnamedCount: hit.length - messages.length };
}

async function checkBodies(store: Shard, from: Uint8Array): Promise<BodiesChecked> {
  const faults: StoreFault[] = [];
  const { bodies, next } = bodiesFrom(store, from);
  let bytes = 0;
  for (const body of bodies) {
    const fault = await checkBody(store, body);
    if (fault !== undefined) faults.push(fault);
    bytes += body.place.bytes;
    if (bytes >= stepBytesMax) return { next: afterKey(body.key), faults };
  }
  return { ...(next === undefined ? {} : { next }), faults };
}

async function checkBody(
  store: Shard,
  { key, place, name }: StoredBody,
): Promise<StoreFault | undefined> {
  let reason = await whyUnreadable(store, place);
  if (reason === undefined) return undefined;
  // Its row may be older than what compaction did since, and its message may have gone meanwhile.
  const now = placeOfKey(store, key);
  if (now === undefined) return undefined;
  if (now.segment !== place.segment || now.offset !== place.offset) {
    reason = await whyUnreadable(store, now);
    if (reason === undefined) return undefined;
  }
  const { segment, offset } = now;
  return { segment, offset, reason, messages: [name], unnamedCount: 0 };
}

async function whyUnreadable(store: Shard, place: RecordPlace): Promise<string | undefined> {
  try {
    const lease = store.lease(store.placeNow(place).segment);
    try {
      await store.read(place);
    } finally {
      lease.release();
    }
    return undefined;
  } catch (error) {
    if (error instanceof MailError) return error.detail;
    if (error instanceof DiskError) return error.message;
    throw error;
  }
}
