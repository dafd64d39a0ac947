/**
 * Aim:    what waits is counted by tenant as it is queued, whatever happens to it and however the spool comes back.
 * Method: the spool with attempts by hand: deferral, delivery, deletion, a crash with and without the index.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ShardId, TenantId } from '../../../../src/base/ids.ts';
import {
  countedTenantsMax,
  ShardWaiting,
  waitingOf,
  waitingWords,
} from '../../../../src/base/waiting-words.ts';
import { SpoolWorld } from '../../../support/spool-world.ts';

/** One of each form that a number has in a row. */
const tenants = [0, 127, 128, 300, 70_000] as const;

function counts({ waiting }: SpoolWorld): number[] {
  return tenants.map((tenant) => waiting.get(tenant) ?? 0);
}

function isWhole(world: SpoolWorld): void {
  const sum = [...world.waiting.values()].reduce((all, count) => all + count, 0);
  assert.equal(sum, world.spool.queuedCount);
}

it('counts a tenant’s messages from acceptance to the end, over crashes', async () => {
  for (const withoutIndex of [false, true]) {
    const world = new SpoolWorld();
    for (const tenant of tenants) {
      for (let i = 0; i < 2; i++) {
        await world.accept(['a@far.test'], '', 0, world.ids.next(), { tenant });
      }
    }
    assert.deepEqual(counts(world), [2, 2, 2, 2, 2]);
    await world.answer('delivered');
    await world.answer('deferred');
    assert.deepEqual(counts(world), [1, 2, 2, 2, 2]);
    // All of them have rows then.
    await world.pass(10_000);
    isWhole(world);
    world.crash({ withoutIndex });
    await world.settle();
    assert.deepEqual(counts(world), [1, 2, 2, 2, 2]);
    isWhole(world);
    const fresh = await world.accept(['b@far.test'], '', 0, world.ids.next(), { tenant: 300 });
    world.crash({ withoutIndex });
    await world.settle();
    assert.deepEqual(counts(world), [1, 2, 2, 3, 2]);
    await world.act('delete', fresh);
    await world.settle();
    assert.deepEqual(counts(world), [1, 2, 2, 2, 2]);
    isWhole(world);
  }
});

it('a shard’s counts begin anew when it opens, and all shards’ are added up', () => {
  const words = waitingWords(3);
  const tenant = 17 as TenantId;
  const all = new Int32Array(words);
  const first = new ShardWaiting(words, 0 as ShardId);
  const last = new ShardWaiting(words, 2 as ShardId);
  for (const shard of [first, last, last]) shard.add(tenant, 1);
  assert.equal(waitingOf(all, tenant), 3);
  last.add(tenant, -1);
  assert.equal(waitingOf(all, tenant), 2);
  assert.equal(waitingOf(all, 18 as TenantId), 0);
  new ShardWaiting(words, 2 as ShardId).add(tenant, 1);
  assert.equal(waitingOf(all, tenant), 2);
  const past = countedTenantsMax as TenantId;
  first.add(past, 1);
  assert.deepEqual([waitingOf(all, past), waitingOf(all, 0 as TenantId)], [0, 0]);
});
