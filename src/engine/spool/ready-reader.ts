/**
 * Hands out messages that wait for room before a site, when there is some: as many as it takes, tenants in turn.
 *
 * Runs in:   engine thread; owned by one spool actor.
 * Limits:    `tenantsPerPullMax` tenants a pull; `groupsPerProbeMax` groups a probe; nothing in memory but when a group
 *            was last looked at, of `groupsKnownMax` groups, and how far it was handed out, of `cursorsMax` tenants in
 *            groups.
 * Invariant: what is handed out keeps its ready row until an outcome is recorded, so a crash finds it there; meanwhile
 *            it is in memory, and is not handed out again. What comes before a cursor moves it back. Groups nobody
 *            tells of room (after a restart, or when a domain's hosts changed) are probed.
 */

import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { view } from '../../base/bytes.ts';
import type { MessageId } from '../../base/ids.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { secondMs } from '../../base/units.ts';
import {
  keyAfter,
  queueKey,
  readReadyKey,
  readyPrefix,
  readyPrefixBytes,
  readyRange,
} from './queue-rows.ts';
import type { SpoolShard } from './spool-shard.ts';

const tenantsPerPullMax = 64;
const groupsPerProbeMax = 100;
const groupsKnownMax = 20_000;
const groupsHashedMax = 1_000;
/** A group is probed no more often. */
const probeMs = 10 * secondMs;
const probeCount = 64;
const tenantMax = 2 ** 32 - 1;
const cursorsMax = 4_096;
/** Rows read beyond those asked for: some are out already. */
const spareRows = 16;

export interface ReadyTaker {
  take(id: MessageId, row: Uint8Array): void;
  hasRoom(): boolean;
  /** In memory: it was handed out, or something else is done with it. */
  isOut(id: MessageId): boolean;
  /** A rule of operators holds the group. */
  isHeld(group: Uint8Array): boolean;
}

interface Looked {
  readonly atMs: number;
  /** The tenant that was last in turn. */
  readonly tenant: number;
}

/** Most messages of a turn wait for one site: a digest for each would cost as much as its row. */
const groups = new RecentMap<string, Buffer>(groupsHashedMax);

/** What a site's name is in keys. Two that share one are pulled together, which does no harm. */
export function groupOf(site: string): Buffer {
  let group = groups.get(site);
  if (group === undefined) {
    group = hash('sha256', site, 'buffer').subarray(0, 8);
    groups.set(site, group);
  }
  return group;
}

export class ReadyReader {
  readonly #shard: SpoolShard;
  readonly #taker: ReadyTaker;
  readonly #looked = new RecentMap<string, Looked>(groupsKnownMax);
  /** By the tenant's prefix in a group: the key behind the last one handed out. */
  readonly #cursors = new RecentMap<string, Uint8Array>(cursorsMax);
  #probed: Uint8Array = readyRange.from;

  constructor(shard: SpoolShard, taker: ReadyTaker) {
    this.#shard = shard;
    this.#taker = taker;
  }

  /** Something waits now under this key, its site was just found full: no use in a look before long. */
  added(group: Buffer, key: Uint8Array, nowMs: number): void {
    const name = group.toString('latin1');
    if (this.#looked.get(name) === undefined) this.#looked.set(name, { atMs: nowMs, tenant: 0 });
    const of = prefixOf(key);
    const cursor = this.#cursors.get(of);
    if (cursor !== undefined && Buffer.compare(key, cursor) < 0) this.#cursors.set(of, key);
  }

  /** At most `count` messages of a group; answers how many. */
  pull(group: Buffer, count: number, nowMs: number): number {
    const name = group.toString('latin1');
    const last = this.#looked.get(name)?.tenant ?? 0;
    const tenants = this.#tenants(group, last);
    let left = count;
    let tenant = last;
    for (let at = 0; at < tenants.length && left > 0; at++) {
      const share = Math.ceil(left / (tenants.length - at));
      tenant = tenants[at]!;
      left -= this.pullOf(group, tenant, share);
    }
    // Those there was nothing left for are the next.
    this.#looked.set(name, { atMs: nowMs, tenant });
    return count - left;
  }

  /** As `pull`, of one tenant. */
  pullOf(group: Buffer, tenant: number, limit: number): number {
    const start = readyPrefix(group, tenant);
    const to = readyPrefix(group, tenant + 1);
    const name = prefixOf(start);
    let cursor = this.#cursors.get(name);
    let from = cursor ?? start;
    let count = 0;
    while (count < limit) {
      const wanted = limit - count + spareRows;
      const rows = this.#shard.range({ from, to, limit: wanted });
      for (const { key } of rows) {
        if (count === limit || !this.#taker.hasRoom()) return count;
        from = keyAfter(key);
        const { id } = readReadyKey(key);
        const row = this.#taker.isOut(id) ? undefined : this.#shard.get(queueKey(id));
        // Before it is handed out: it may come back at once, and moves the cursor back then, where it stays.
        if (this.#cursors.get(name) === cursor) {
          cursor = from;
          this.#cursors.set(name, cursor);
        }
        if (row === undefined) continue;
        this.#taker.take(id, row);
        count++;
      }
      if (rows.length < wanted) {
        // All that is left is out: the next look begins anew, and finds what came back in the meantime.
        if (count === 0) this.#cursors.delete(name);
        return count;
      }
    }
    return count;
  }

  /** Looks after groups that were not pulled of late. */
  probe(nowMs: number): void {
    for (let i = 0; i < groupsPerProbeMax && this.#taker.hasRoom(); i++) {
      const [first] = this.#shard.range({ from: this.#probed, to: readyRange.to, limit: 1 });
      if (first === undefined) {
        this.#probed = readyRange.from;
        return;
      }
      const { group } = readReadyKey(first.key);
      this.#probed = readyPrefix(group, tenantMax + 1);
      if (this.#taker.isHeld(group)) continue;
      const looked = this.#looked.get(group.toString('latin1'));
      if (looked === undefined || nowMs - looked.atMs >= probeMs)
        this.pull(group, probeCount, nowMs);
    }
  }

  /** Those with messages, from the one after `last` on and round. */
  #tenants(group: Buffer, last: number): number[] {
    const after = this.#tenantsFrom(group, last + 1, tenantMax, tenantsPerPullMax);
    const before = this.#tenantsFrom(group, 0, last, tenantsPerPullMax - after.length);
    return [...after, ...before];
  }

  #tenantsFrom(group: Buffer, from: number, upTo: number, limit: number): number[] {
    const tenants: number[] = [];
    const to = readyPrefix(group, upTo + 1);
    let next = readyPrefix(group, from);
    while (tenants.length < limit) {
      const [first] = this.#shard.range({ from: next, to, limit: 1 });
      if (first === undefined) break;
      const { tenant } = readReadyKey(first.key);
      tenants.push(tenant);
      next = readyPrefix(group, tenant + 1);
    }
    return tenants;
  }
}

function prefixOf(key: Uint8Array): string {
  return view(key).toString('latin1', 0, readyPrefixBytes);
}
