/**
 * Aim: an act on very many messages goes through all shards once, is told of, stops when told, and goes on where it was
 *      after a stop or a kill.
 * Method: pages that the test answers, a table in memory that outlives the server, a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MassActView } from '../../../src/actors/asks/queue-act-control.ts';
import type { QueueActPage, QueueActPageAnswer } from '../../../src/actors/asks/queue-asks.ts';
import { MemoryIndex } from '../../../src/adapters/memory/memory-index.ts';
import { keptMax, MassActs, runningMax } from '../../../src/app/mass-acts.ts';
import { MailError } from '../../../src/base/errors.ts';
import { lastIdAt, type ShardId } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { SeededClock, turns } from '../../support/seeded-clock.ts';

const wanted = { action: 'hold', selection: { all: true }, queuedCount: 40 } as const;

interface Asked {
  readonly shard: ShardId;
  readonly page: QueueActPage;
  readonly answer: (answer: QueueActPageAnswer) => void;
  readonly fail: (error: MailError) => void;
}

class World {
  readonly clock = new SeededClock();
  readonly table = new MemoryIndex();
  asked: Asked[] = [];
  acts = this.build();

  build(): MassActs {
    const page = (shard: ShardId, meta: QueueActPage) =>
      new Promise<QueueActPageAnswer>((answer, fail) => {
        this.asked.push({ shard, page: meta, answer, fail });
      });
    const { table, clock } = this;
    return new MassActs({ table, clock, log: silentLog, shards: 2, page });
  }

  /** Of the oldest page that is open. */
  async answer(count: number, scannedTo: string): Promise<QueueActPage> {
    await turns(3);
    const { page, answer } = this.asked.shift()!;
    answer({ count, scannedCount: 10, scannedTo });
    await turns(3);
    return page;
  }
}

test('all shards are gone through page by page, up to what was accepted by then, and counted', async () => {
  const world = new World();
  const { id, state } = await world.acts.begin(wanted);
  assert.deepEqual([id, state], [1, 'running']);
  const pages = [
    await world.answer(4, 'A5'),
    await world.answer(0, 'B5'),
    await world.answer(3, ''),
    await world.answer(2, ''),
  ];
  assert.deepEqual(
    pages.map(({ after }) => after),
    ['', '', 'A5', 'B5'],
  );
  assert.ok(pages.every(({ upTo }) => upTo === lastIdAt(world.clock.nowMs())));
  assert.deepEqual(world.asked, []);
  const { count, scannedCount, state: last } = world.acts.find(1);
  assert.deepEqual([count, scannedCount, last], [9, 40, 'done']);
});

test('who follows hears how far it is until it ends, and it goes on when nobody does', async () => {
  const world = new World();
  const { id } = await world.acts.begin(wanted);
  const told: number[] = [];
  const leaving = new AbortController();
  const tell = async ({ count }: MassActView) => void told.push(count);
  const left = world.acts.follow(id, tell, leaving.signal);
  const stayed = world.acts.follow(id, async () => {}, new AbortController().signal);
  await world.answer(4, 'A5');
  await world.clock.pass(300);
  assert.deepEqual(told, [4]);
  leaving.abort();
  await world.clock.pass(300);
  assert.equal((await left).state, 'running');
  const answered = [await world.answer(0, ''), await world.answer(5, '')];
  assert.equal(answered.length, 2);
  const ended = await stayed;
  assert.deepEqual([ended.state, ended.count], ['done', 9]);
});

test('one that is stopped does nothing more, and says what it did', async () => {
  const world = new World();
  const { id } = await world.acts.begin(wanted);
  await world.answer(4, 'A5');
  const stopping = world.acts.stop(id);
  await world.answer(1, 'B5');
  await world.answer(2, 'A9');
  const { state, count } = await stopping;
  assert.deepEqual([state, count, world.asked.length], ['stopped', 7, 0]);
  assert.equal((await world.acts.stop(id)).state, 'stopped');
  await assert.rejects(world.acts.stop(9), /act 9/);
});

test('it goes on where it was after a stop, and from what was kept last after a kill', async () => {
  for (const isKilled of [false, true]) {
    const world = new World();
    await world.acts.begin(wanted);
    const first = await world.answer(4, 'A5');
    if (isKilled) {
      await world.clock.pass(1_100);
      await world.answer(3, '');
      // What the other shard did since is not kept: it is looked at again.
    } else {
      const closing = world.acts.close();
      await world.answer(3, '');
      await world.answer(2, 'A7');
      await closing;
    }
    world.asked = [];
    const next = world.build();
    next.resume();
    await turns(3);
    const places = world.asked.map(({ shard, page }) => [shard, page.after]);
    const kept = [
      [0, 'A5'],
      [1, ''],
    ];
    assert.deepEqual(places, isKilled ? kept : kept.slice(0, 1).map(() => [0, 'A7']));
    assert.equal(world.asked[0]!.page.upTo, first.upTo);
    for (const _ of places) await world.answer(1, '');
    assert.equal(next.find(1).state, 'done');
    assert.equal(next.find(1).count, isKilled ? 6 : 10);
  }
});

test('a shard that cannot is asked again, and in the end the act says why it failed', async () => {
  const world = new World();
  await world.acts.begin(wanted);
  await turns(3);
  await world.answer(1, '');
  world.asked.shift()!.fail(new MailError('not-possible-now', 'moving'));
  await world.clock.pass(1_100);
  await world.answer(1, 'B5');
  for (let tries = 0; tries <= 30; tries++) {
    assert.equal(world.acts.find(1).state, 'running');
    world.asked.shift()!.fail(new MailError('not-possible-now', 'moving'));
    await world.clock.pass(1_100);
  }
  const { state, fault, count } = world.acts.find(1);
  assert.deepEqual([state, fault, count], ['failed', 'moving', 2]);
});

test('so many are under way at a time, and so many ended ones are remembered', async () => {
  const world = new World();
  const ids = await Promise.all(
    Array.from({ length: runningMax }, async () => (await world.acts.begin(wanted)).id),
  );
  assert.deepEqual(ids, [1, 2, 3, 4]);
  await assert.rejects(world.acts.begin(wanted), /under way/);
  while (world.asked.length > 0) await world.answer(0, '');
  for (let more = 0; more < keptMax; more++) {
    await world.acts.begin(wanted);
    for (const _ of [0, 1]) await world.answer(0, '');
  }
  const kept = world.acts.list().map(({ id }) => id);
  assert.deepEqual([kept.length, kept[0], kept.at(-1)], [keptMax, runningMax + keptMax, 5]);
});
