/**
 * Aim: each event that a record tells comes to the log at least once, by one id, whatever ends the process or fails
 *      the log's disk; the journal is held for it, within a bound.
 * Method: real shards and event logs over a disk that is killed, cut or made to fail at seeded places; what the log has
 *      at last is compared with what the journal tells by itself.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RewindableIndex } from '../../../simulation/rewindable-index.ts';
import {
  byId,
  eventsIn,
  eventsOfJournal,
  type FollowedWorld,
  followedWorld,
  namesIn,
  pass,
  silent,
  tailOf,
  telling,
  turns,
} from './follower-world.ts';

const small = { batchBytesMax: 600, segmentBytesMax: 16_384 };

describe('the event log behind its journal', () => {
  it('has what a kill kept it from writing, by the ids it had', async () => {
    const world = followedWorld();
    const first = await world.open();
    await first.begun;
    await first.store.append([telling('a'), telling('b')]);
    const before = byId(await eventsIn(first));
    await first.store.append([telling('c')]);
    // Nothing since was written: the kill comes first.
    world.disk = world.disk.killProcess();
    const second = await world.open();
    await second.begun;
    const after = await eventsIn(second);
    assert.deepEqual(namesIn(after), ['a', 'b', 'c']);
    for (const [id, event] of before) assert.equal(byId(after).get(id), event);
    await second.close();
  });

  it('begins with nothing again after an orderly end', async () => {
    const world = followedWorld();
    const first = await world.open();
    await first.begun;
    await first.store.append([telling('a')]);
    await first.store.append([silent('x')]);
    await first.close();
    let follows = 0;
    const second = await world.open();
    const { following } = second.store;
    const read = following.read.bind(following);
    following.read = (position, visit) => {
      follows++;
      // The opening's own record is all there is behind the row.
      assert.ok(position.sequence >= 3, `read from ${position.sequence}`);
      return read(position, visit);
    };
    await second.begun;
    assert.ok(follows <= 1);
    assert.deepEqual(namesIn(await eventsIn(second)), ['a']);
    await second.close();
  });

  it('goes on from its own last event where the index is lost', async () => {
    const world = followedWorld();
    const first = await world.open();
    await first.begun;
    for (const name of ['a', 'b', 'c']) await first.store.append([telling(name)]);
    await first.eventLog.flush();
    world.disk = world.disk.killProcess();
    world.index = new RewindableIndex();
    const second = await world.open();
    await second.begun;
    assert.deepEqual(namesIn(await eventsIn(second)), ['a', 'b', 'c']);
    await second.close();
  });

  it('tells all of the journal where its folder was removed', async () => {
    const world = followedWorld();
    const first = await world.open();
    await first.begun;
    await first.store.append([telling('a')]);
    world.disk = world.disk.killProcess();
    world.index = new RewindableIndex();
    for (const name of await world.disk.list('/shard/events').catch(() => [])) {
      await world.disk.remove(`/shard/events/${name}`);
    }
    const second = await world.open();
    await second.begun;
    assert.deepEqual(namesIn(await eventsIn(second)), ['a']);
    await second.close();
  });

  it('leaves events from before they were told by records alone, and goes on from there', async () => {
    const world = followedWorld();
    const first = await world.open();
    await first.begun;
    first.eventLog.append([
      1,
      world.startMs,
      'old',
      0,
      's@a.test',
      ['r@b.test'],
      'mx',
      '::1',
      '250 ok',
      1,
      0,
    ]);
    await first.close();
    // As a build left it that wrote no position.
    world.index = new RewindableIndex();
    const second = await world.open();
    await second.begun;
    await second.store.append([telling('new')]);
    assert.deepEqual(namesIn(await eventsIn(second)), ['old', 'new']);
    await second.close();
  });

  it('numbers the events of one record, and tells those again that are missing', async () => {
    const world = followedWorld();
    const first = await world.open(small);
    await first.begun;
    const names = Array.from({ length: 40 }, (_, i) => `m${i}`);
    await first.store.append(names.map(telling));
    await first.eventLog.flush();
    world.disk = world.disk.killProcess();
    const second = await world.open(small);
    await second.begun;
    const events = await eventsIn(second);
    assert.deepEqual(namesIn(events), names);
    assert.ok(events.every((event) => tailOf(event).campaign === 'spring'));
    await second.close();
  });
});

describe('an event log that cannot be written', () => {
  it('catches up from the journal when it can again, and nothing is lost', async () => {
    const world = followedWorld();
    const life = await world.open();
    await life.begun;
    let isFailing = true;
    world.disk.plan = {
      onWrite: (path) => (isFailing && path.includes('/events/') ? 'io' : undefined),
    };
    const names = Array.from({ length: 30 }, (_, i) => `m${i}`);
    for (const name of names) {
      await life.store.append([telling(name)]);
      await pass(life.clock, 500);
    }
    assert.deepEqual(namesIn(await eventsIn(life)), []);
    isFailing = false;
    await pass(life.clock, 20_000);
    assert.deepEqual(namesIn(await eventsIn(life)), names);
    assert.equal(life.follower.lostCount, 0);
    await life.close();
  });

  it('tells again what a failed sync may have cost', async () => {
    const world = followedWorld();
    const life = await world.open();
    await life.begun;
    let failures = 1;
    world.disk.plan = {
      onSync: (path) => (path.includes('/events/') && failures-- > 0 ? 'io' : undefined),
    };
    await life.store.append([telling('a')]);
    await pass(life.clock, 30_000);
    world.disk = world.disk.cutPower();
    const second = await world.open();
    await second.begun;
    assert.deepEqual([...byId(await eventsIn(second)).values()].length, 1);
    await second.close();
  });

  it('holds the journal for it no further than the bound, and says what it lost', async () => {
    const world = followedWorld();
    const life = await world.open({ heldRecordsMax: 10 }, { segmentBytesMax: 4_096 });
    await life.begun;
    let isFailing = true;
    world.disk.plan = {
      onWrite: (path) => (isFailing && path.includes('/events/') ? 'io' : undefined),
    };
    for (let i = 0; i < 40; i++) {
      await life.store.append([telling(`m${i}`)]);
      await pass(life.clock, 1_000);
    }
    assert.ok(life.follower.lostCount > 10, `lost ${life.follower.lostCount}`);
    isFailing = false;
    await pass(life.clock, 20_000);
    await life.store.append([telling('after')]);
    assert.equal(namesIn(await eventsIn(life)).at(-1), 'after');
    await life.close();
  });

  it('keeps the segments it still needs, and lets them go once it has them', async () => {
    const world = followedWorld();
    const life = await world.open({}, { segmentBytesMax: 4_096, spareSegmentsMax: 1 });
    await life.begun;
    let isFailing = true;
    world.disk.plan = {
      onWrite: (path) => (isFailing && path.includes('/events/') ? 'io' : undefined),
    };
    for (let i = 0; i < 60; i++) await life.store.append([telling(`m${i}`)]);
    await pass(life.clock, 3_000);
    await life.store.compact();
    const held = life.store.status().segmentCount;
    isFailing = false;
    await pass(life.clock, 30_000);
    await life.store.compact();
    assert.ok(life.store.status().segmentCount < held, `${held} before`);
    assert.equal(namesIn(await eventsIn(life)).length, 60);
    await life.close();
  });

  it('waits for a slow disk by reading the journal, not by keeping events in memory', async () => {
    const world = followedWorld();
    const life = await world.open({ unwrittenBytesMax: 500, batchBytesMax: 300 });
    await life.begun;
    const names = Array.from({ length: 200 }, (_, i) => `m${i}`);
    for (const name of names) await life.store.append([telling(name)]);
    await pass(life.clock, 2_000);
    assert.deepEqual(namesIn(await eventsIn(life)), names);
    await life.close();
  });
});

it('catches up while the shard goes on writing without a pause', async () => {
  const world = followedWorld();
  const life = await world.open({ unwrittenBytesMax: 300, batchBytesMax: 200 });
  await life.begun;
  const reads = { count: 0 };
  const { following } = life.store;
  const read = following.read.bind(following);
  following.read = (position, visit) => {
    reads.count++;
    return read(position, visit);
  };
  const names: string[] = [];
  let isOver = false;
  const writing = (async () => {
    while (!isOver) {
      const name = `m${names.length}`;
      await life.store.append([telling(name)]);
      names.push(name);
    }
  })();
  await turns(600);
  isOver = true;
  await writing;
  await pass(life.clock, 2_000);
  assert.deepEqual(namesIn(await eventsIn(life)), names);
  assert.ok(reads.count < names.length / 2, `${reads.count} reads for ${names.length} records`);
  await life.close();
});

const seeds = 30;

describe('events after kills', () => {
  it(`are those without a kill, in ${seeds} seeded histories of kills, cuts and faults`, async () => {
    for (let seed = 1; seed <= seeds; seed++) await liveAndDie(seed);
  });
});

async function liveAndDie(seed: number): Promise<void> {
  const world = followedWorld(seed);
  const acked: string[] = [];
  for (let life = 0; life < 4; life++) await oneLife(world, `${seed}.${life}`, acked);
  const last = await world.open(small);
  await last.begun;
  const found = byId(await eventsIn(last));
  const told = byId(await eventsOfJournal(last));
  assert.deepEqual([...found.keys()].sort(), [...told.keys()].sort(), `seed ${seed}`);
  for (const [id, event] of told) assert.equal(found.get(id), event, `seed ${seed}`);
  const names = new Set([...told.values()].map((event) => JSON.parse(event)[2]));
  for (const name of acked) assert.ok(names.has(name), `seed ${seed}: ${name} was acknowledged`);
  await last.close();
}

async function oneLife(world: FollowedWorld, tag: string, acked: string[]): Promise<void> {
  const { chance } = world;
  let calls = Math.floor(chance() * 250);
  const faulty = chance() < 0.4;
  world.disk.plan = {
    onCall: () => calls-- <= 0,
    onWrite: (path) => (faulty && path.includes('/events/') && chance() < 0.2 ? 'io' : undefined),
    onSync: (path) => (faulty && path.includes('/events/') && chance() < 0.2 ? 'io' : undefined),
  };
  world.startMs += 3_600_000;
  try {
    const life = await world.open(small);
    for (let i = 0; i < 60 && !world.disk.isOff; i++) {
      const names = Array.from(
        { length: 1 + Math.floor(chance() * 4) },
        (_, n) => `${tag}.${i}.${n}`,
      );
      const drafts = names.flatMap((name) => [telling(name), silent(name)]);
      life.store.append(drafts).then(
        () => acked.push(...names),
        () => {},
      );
      if (chance() < 0.6) await turns(3);
      if (chance() < 0.3) await pass(life.clock, 1_000 + chance() * 12_000, 1_000);
    }
    if (!world.disk.isOff && chance() < 0.3) await life.close();
  } catch {
    // The power went while it opened or closed.
  }
  world.disk = chance() < 0.5 ? world.disk.killProcess() : world.disk.cutPower();
  const commits = Math.floor(chance() * (world.index.commitCount + 1));
  world.index = await world.index.copyAt(chance() < 0.5 ? world.index.commitCount : commits);
}
