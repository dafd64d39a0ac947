/**
 * Aim: what finds its site full waits in the index without being tried again and again, and goes when there is room:
 *      the most urgent and oldest first, tenants in turn, once, through restarts and what operators do.
 * Method: a next hop that is full or not as the test says, a shard in memory, a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TenantId } from '../../../../src/base/ids.ts';
import { hourMs } from '../../../../src/base/units.ts';
import { readyRange } from '../../../../src/engine/spool/queue-rows.ts';
import { SpoolWorld } from '../../../support/spool-world.ts';

const site = 'to.test';

function readyCount(world: SpoolWorld): number {
  return world.shard.range(readyRange).length;
}

/** Addresses that are open at the next hop, in the order they were handed out. */
function openAddresses({ open }: SpoolWorld): string[] {
  return open.map(({ message }) => message.recipients[0]!.address);
}

async function crowded(...names: readonly string[]): Promise<SpoolWorld> {
  const world = new SpoolWorld();
  world.isFull = true;
  for (const name of names) await world.accept([`${name}@${site}`]);
  return world;
}

describe('mail for a site that is full', () => {
  it('waits in the index, and is not tried before there is room', async () => {
    const world = await crowded('a', 'b');
    assert.equal(world.spool.activeCount, 0);
    assert.equal(readyCount(world), 2);
    let changeCount = 0;
    world.shard.onChanges = ({ length }) => {
      changeCount += length;
    };
    for (let seconds = 0; seconds < 9; seconds++) await world.pass(1_000);
    assert.equal(changeCount, 0);
    world.isFull = false;
    assert.equal(world.spool.onRoom(site, 10), 2);
    await world.settle();
    assert.deepEqual(openAddresses(world), ['a@to.test', 'b@to.test']);
    assert.equal(changeCount, 0, 'what is handed out keeps its row until its outcome');
    assert.equal(world.spool.onRoom(site, 10), 0, 'each is handed out once');
    await world.answer('delivered');
    await world.answer('delivered');
    assert.equal(readyCount(world), 0);
    assert.equal(world.spool.queuedCount, 0);
  });

  it('is handed out as far as there is room, and goes back where there is none', async () => {
    const world = await crowded('a', 'b', 'c');
    assert.equal(world.spool.onRoom(site, 2), 2);
    await world.settle();
    assert.equal(readyCount(world), 3);
    world.isFull = false;
    assert.equal(world.spool.onRoom(site, 2), 2);
    assert.equal(world.spool.onRoom('other.test', 5), 0);
    await world.settle();
    assert.deepEqual(openAddresses(world), ['a@to.test', 'b@to.test']);
    assert.equal(world.spool.onRoom(site, 2), 1);
  });

  it('is handed out after what came later and is more urgent', async () => {
    const world = await crowded('a', 'b', 'c');
    world.isFull = false;
    assert.equal(world.spool.onRoom(site, 1), 1);
    await world.settle();
    world.isFull = true;
    await world.accept(['high@to.test'], 'a@from.test', 0, undefined, { terms: { priority: 9 } });
    world.isFull = false;
    for (const _ of ['high', 'b', 'c']) assert.equal(world.spool.onRoom(site, 1), 1);
    await world.settle();
    const order = openAddresses(world).map((address) => address.split('@')[0]);
    assert.deepEqual(order, ['a', 'high', 'b', 'c']);
  });

  it('comes again in its turn when it was handed out in vain', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `n${10 + i}`);
    const world = await crowded(...names);
    assert.equal(world.spool.onRoom(site, 3), 3);
    world.isFull = false;
    assert.equal(world.spool.onRoom(site, 2), 2);
    await world.settle();
    assert.deepEqual(openAddresses(world), ['n10@to.test', 'n11@to.test']);
    let handed = 2;
    for (let pulled = 1; pulled > 0; handed += pulled) pulled = world.spool.onRoom(site, 7);
    await world.settle();
    assert.equal(handed, 60);
    assert.deepEqual(
      openAddresses(world),
      names.map((name) => `${name}@${site}`),
    );
  });

  it('goes by priority, then by age', async () => {
    const world = await crowded('old');
    await world.pass(1_000);
    await world.accept(['low@to.test'], 'a@from.test', 0, undefined, { terms: { priority: -1 } });
    await world.accept(['high@to.test'], 'a@from.test', 0, undefined, { terms: { priority: 9 } });
    await world.pass(1_000);
    await world.accept(['new@to.test']);
    world.isFull = false;
    world.spool.onRoom(site, 4);
    await world.settle();
    const order = openAddresses(world).map((address) => address.split('@')[0]);
    assert.deepEqual(order, ['high', 'old', 'new', 'low']);
  });

  it('goes of one tenant alone, where room is told for it', async () => {
    const world = await crowded('other');
    for (const name of ['a', 'b', 'c']) {
      await world.accept([`${name}@to.test`], 'a@from.test', 0, undefined, { tenant: 7 });
    }
    world.isFull = false;
    assert.equal(world.spool.onRoom(site, 2, 7 as TenantId), 2);
    assert.equal(world.spool.onRoom(site, 2, 8 as TenantId), 0);
    await world.settle();
    assert.deepEqual(openAddresses(world), ['a@to.test', 'b@to.test']);
  });

  it('goes by tenants in turn, of whom the next are those for whom no room was left', async () => {
    const world = await crowded();
    for (let i = 0; i < 30; i++) {
      const terms = { tenant: 10 + (i % 10) };
      await world.accept([`t${terms.tenant}@to.test`], 'a@from.test', 0, undefined, terms);
    }
    world.isFull = false;
    for (let told = 0; told < 4; told++) assert.equal(world.spool.onRoom(site, 5), 5);
    await world.settle();
    const counts = new Map<string, number>();
    for (const address of openAddresses(world)) counts.set(address, (counts.get(address) ?? 0) + 1);
    assert.equal(counts.size, 10);
    assert.deepEqual(new Set(counts.values()), new Set([2]));
  });

  it('goes by tenants in turn', async () => {
    const world = await crowded();
    for (let i = 0; i < 10; i++) await world.accept([`many${i}@to.test`]);
    for (const tenant of [7, 2 ** 32 - 1]) {
      await world.accept([`few${tenant}@to.test`], 'a@from.test', 0, undefined, { tenant });
    }
    world.isFull = false;
    assert.equal(world.spool.onRoom(site, 4), 4);
    await world.settle();
    const few = openAddresses(world).filter((address) => address.startsWith('few'));
    assert.equal(few.length, 2);
    assert.equal(world.spool.onRoom(site, 100), 8);
  });

  it('is found after a restart by itself, and is not lost while it is handed out', async () => {
    for (const withoutIndex of [false, true]) {
      const world = await crowded('a', 'b');
      world.isFull = false;
      world.spool.onRoom(site, 1);
      await world.settle();
      world.crash({ withoutIndex });
      await world.pass(500);
      await world.pass(500);
      assert.deepEqual(openAddresses(world).sort(), ['a@to.test', 'b@to.test']);
      await world.pass(10_000);
      assert.equal(world.open.length, 2, 'each once');
    }
  });

  it('is looked after now and then, should nobody tell of room', async () => {
    const world = await crowded('a');
    await world.pass(500);
    world.isFull = false;
    await world.pass(5_000);
    assert.equal(world.open.length, 0);
    await world.pass(6_000);
    await world.pass(500);
    assert.equal(world.open.length, 1);
  });

  it('can be held, released, tried and deleted', async () => {
    const world = new SpoolWorld();
    world.isFull = true;
    const ids = [];
    for (const name of ['a', 'b', 'c']) ids.push(await world.accept([`${name}@${site}`]));
    await world.act('hold', ids[0]!);
    await world.act('delete', ids[1]!);
    await world.settle();
    assert.equal(readyCount(world), 1);
    world.isFull = false;
    await world.act('retry', ids[2]!);
    await world.settle();
    assert.deepEqual(openAddresses(world), ['c@to.test']);
    await world.answer('delivered');
    assert.equal(world.spool.onRoom(site, 10), 0);
    await world.act('release', ids[0]!);
    await world.settle();
    assert.deepEqual(openAddresses(world), ['a@to.test']);
    await world.answer('delivered');
    assert.equal(world.spool.queuedCount, 0);
    assert.equal(readyCount(world), 0);
  });

  it('waits for its next try as any other once it was deferred', async () => {
    const world = await crowded('a');
    world.isFull = false;
    world.spool.onRoom(site, 1);
    await world.settle();
    await world.answer('deferred');
    assert.equal(readyCount(world), 0);
    assert.equal(world.spool.onRoom(site, 1), 0);
    await world.pass(hourMs);
    assert.equal(world.open.length, 1);
  });

  it('comes again soon where it waits for other sites, too', async () => {
    const world = await crowded();
    await world.accept(['a@to.test', 'b@other.test']);
    assert.equal(readyCount(world), 0);
    world.isFull = false;
    await world.pass(6_000);
    assert.equal(world.open.length, 2);
  });

  it('follows without a wait what is due and taken, and slowly what finds no room', async () => {
    const world = new SpoolWorld();
    for (let i = 0; i < 450; i++) {
      await world.accept([`a${i}@to.test`]);
      await world.answer('deferred');
    }
    await world.pass(2_000);
    world.clock.advance(hourMs);
    world.spool.sweep();
    for (let pause = 0; pause < 8; pause++) {
      await world.settle();
      world.clock.advance(2);
    }
    await world.settle();
    assert.equal(world.open.length, 450);
    while (world.open.length > 0) await world.answer('deferred');
    world.isFull = true;
    world.clock.advance(12 * hourMs);
    world.spool.sweep();
    for (let pause = 0; pause < 8; pause++) world.clock.advance(2);
    assert.ok(readyCount(world) < 450);
    for (let pause = 0; pause < 8; pause++) world.clock.advance(32);
    assert.equal(readyCount(world), 450);
  });
});
