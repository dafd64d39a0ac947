/**
 * Aim: an event log tells all it was told, by id and by address, across batches, segments and starts, and no fault
 *      of its disk reaches who appends.
 * Method: a disk in memory or with planned faults, a clock turned by hand, small limits.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PackedEvent } from '../../../../src/actors/asks/trace-asks.ts';
import { MemoryDisk } from '../../../../src/adapters/memory/memory-disk.ts';
import { keyHash } from '../../../../src/engine/events/format.ts';
import type { Disk, DiskFault } from '../../../../src/ports/disk.ts';
import { seededChance } from '../../../simulation/seeded-chance.ts';
import { SimulatedDisk } from '../../../simulation/simulated-disk.ts';
import { turns } from '../../../support/seeded-clock.ts';
import {
  delivered,
  eventsFolder,
  idOf,
  idsOf,
  newWorld,
  read,
  startLog,
  startMs,
} from './event-world.ts';

const small = { batchBytesMax: 1_000, segmentBytesMax: 16_384 };

describe('the event log', () => {
  it('tells a message by id, oldest event first, before anything is written', async () => {
    const world = await newWorld();
    const log = startLog(world);
    log.append([
      0,
      startMs + 5,
      idOf(1),
      0,
      's@a.test',
      ['r@b.test'],
      9,
      1,
      'smtp',
      'ESMTP',
      '::1',
      'c',
      '',
    ]);
    log.append(delivered(2, 6));
    log.append(delivered(1, 7));
    const { events, isComplete } = await read(log, idOf(1));
    assert.deepEqual(
      events.map(([kind, ms]) => [kind, ms - startMs]),
      [
        [0, 5],
        [1, 7],
      ],
    );
    assert.equal(isComplete, true);
    await log.close();
  });

  it('gives events back as they were put in', async () => {
    const log = startLog(await newWorld());
    const events: PackedEvent[] = [
      [
        0,
        1,
        idOf(1),
        7,
        '',
        ['ü@b.test', 'r@b.test'],
        9,
        2,
        'lmtp',
        'LMTP',
        '::1',
        'c',
        'u@b.test',
      ],
      [2, 2, idOf(1), 7, '', ['r@b.test'], 'mx', '192.0.2.1', '451 4.3.0 später', 1, 99],
      [6, 3, idOf(1), 7, 's@a.test', [], idOf(2)],
      [7, 4, idOf(1), 7, '', ['r@b.test'], 17, true, '', '', '', '', ''],
      [8, 5, idOf(1), 7, '', ['r@b.test'], 'account-over-quota', '', '', '', '', ''],
    ];
    for (const event of events) log.append(event);
    assert.deepEqual((await read(log, idOf(1))).events, events);
    await log.close();
  });

  it('finds addresses in any case, as sender and as recipient, and ids in lower case', async () => {
    const log = startLog(await newWorld());
    log.append(delivered(1, 1, 'Me@Example.ORG', 'YOU@example.com'));
    log.append(delivered(2, 2, 'you@EXAMPLE.com', 'else@example.com'));
    assert.deepEqual(await idsOf(log, 'me@example.org'), [idOf(1)]);
    assert.deepEqual(await idsOf(log, 'You@example.com'), [idOf(1), idOf(2)]);
    assert.deepEqual(await idsOf(log, idOf(2).toLowerCase()), [idOf(2)]);
    assert.deepEqual(await idsOf(log, 'example.com'), []);
    await log.close();
  });

  it("finds a bounced message by its report's id too", async () => {
    const log = startLog(await newWorld());
    log.append([6, 1, idOf(1), 0, 's@a.test', [], idOf(2)]);
    assert.deepEqual(await idsOf(log, idOf(2)), [idOf(1)]);
    await log.close();
  });

  it('does not take one address for another with the same hash', async () => {
    const [one, other] = ['u31992@example.com', 'u605430@example.com'] as const;
    assert.equal(keyHash(one), keyHash(other));
    const log = startLog(await newWorld());
    log.append(delivered(1, 1, 'a@a.test', one));
    log.append(delivered(2, 2, 'a@a.test', other));
    assert.deepEqual(await idsOf(log, one), [idOf(1)]);
    assert.deepEqual(await idsOf(log, other), [idOf(2)]);
    await log.close();
  });

  it('finds everything across many segments, while they are open and after a new start', async () => {
    const world = await newWorld();
    const count = 1_000;
    const first = startLog({ ...world, limits: small });
    for (let i = 0; i < count; i++) first.append(delivered(i, i, `s${i % 10}@a.test`));
    await first.flush();
    const files = await world.disk.list(eventsFolder);
    assert.ok(files.length > 5, `${files.length} files`);
    const wanted = Array.from({ length: count / 10 }, (_, i) => idOf(i * 10 + 3));
    assert.deepEqual(await idsOf(first, 's3@a.test'), wanted);
    await first.close();

    const second = startLog({ ...world, limits: small });
    second.append(delivered(1_003, count, 's3@a.test'));
    assert.deepEqual(await idsOf(second, 's3@a.test'), [...wanted, idOf(1_003)]);
    for (let i = 0; i < count; i += 97) assert.deepEqual(await idsOf(second, idOf(i)), [idOf(i)]);
    assert.deepEqual(await idsOf(second, 'nobody@a.test'), []);
    await second.close();
  });

  it('answers the newest when there are more than wanted, and says so', async () => {
    const log = startLog({ ...(await newWorld()), limits: small });
    for (let i = 0; i < 300; i++) log.append(delivered(i, i));
    const wish = { limit: 3 };
    assert.deepEqual(await idsOf(log, 'sender@example.org', wish), [
      idOf(297),
      idOf(298),
      idOf(299),
    ]);
    assert.equal((await read(log, 'sender@example.org', wish)).isComplete, false);
    assert.equal((await read(log, 'sender@example.org', { limit: 300 })).isComplete, true);
    await log.close();
  });

  it('leaves out what is older than wanted, whole segments unread', async () => {
    const log = startLog({ ...(await newWorld()), limits: small });
    for (let i = 0; i < 300; i++) log.append(delivered(i, i));
    const page = await read(log, 'sender@example.org', { sinceMs: startMs + 298 });
    assert.deepEqual(
      page.events.map((event) => event[2]),
      [idOf(298), idOf(299)],
    );
    assert.equal(page.isComplete, false);
    await log.close();
  });

  it('ends a search when nobody waits for it any more', async () => {
    const log = startLog({ ...(await newWorld()), limits: small });
    for (let i = 0; i < 300; i++) log.append(delivered(i, i));
    let looks = 0;
    const isOver = () => ++looks > 20;
    const { events, isComplete } = await read(log, 'sender@example.org', { isOver });
    assert.ok(events.length < 300 && events.length > 0, `${events.length}`);
    assert.equal(isComplete, false);
    await log.close();
  });

  it('writes what it gathered after a second, and nothing without events', async () => {
    const world = await newWorld();
    const log = startLog(world);
    await world.clock.pass(20_000, 1_000);
    await assert.rejects(world.disk.list(eventsFolder));
    log.append(delivered(1, 1));
    await world.clock.pass(900, 100);
    await assert.rejects(world.disk.list(eventsFolder));
    await world.clock.pass(200, 100);
    const [name] = await world.disk.list(eventsFolder);
    const file = await world.disk.open(`${eventsFolder}/${name}`, 'read');
    assert.ok((await file.size()) > 100);
    await log.close();
  });

  it('leaves no timer behind when it is closed', async () => {
    const world = await newWorld();
    const log = startLog(world);
    log.append(delivered(1, 1));
    await log.flush();
    log.append(delivered(2, 2));
    await log.close();
    assert.equal(world.clock.timerCount, 0);
  });
});

describe('the event log on a faulty disk', () => {
  it('drops what could not be written, and goes on in a new file later', async () => {
    const { disk, world } = await simulated();
    const log = startLog(world);
    log.append(delivered(1, 1));
    await log.flush();
    const fault = planned(disk, 'io');
    log.append(delivered(2, 2));
    await log.flush();
    assert.equal(log.droppedCount, 1);
    fault.isOn = false;
    log.append(delivered(3, 3));
    await log.flush();
    assert.equal(log.droppedCount, 2, 'not at once');
    world.clock.advance(10_000);
    log.append(delivered(4, 4));
    await log.flush();
    assert.deepEqual(await idsOf(log, 'sender@example.org'), [idOf(1), idOf(4)]);
    assert.equal((await disk.list(eventsFolder)).length, 2);
    await log.close();
  });

  it('gives up its oldest events on a full disk', async () => {
    const { disk, world } = await simulated();
    const log = startLog({ ...world, limits: small });
    for (let i = 0; i < 500; i++) log.append(delivered(i, i));
    await log.flush();
    const files = await disk.list(eventsFolder);
    planned(disk, 'no-space');
    log.append(delivered(500, 500));
    await log.flush();
    assert.deepEqual(await disk.list(eventsFolder), files.slice(1));
    assert.deepEqual(await idsOf(log, idOf(0)), []);
    assert.deepEqual(await idsOf(log, idOf(499)), [idOf(499)]);
    await log.close();
  });

  it('keeps nothing without bound when the disk does not answer', async () => {
    const world = await newWorld(stuckDisk());
    const log = startLog({ ...world, limits: { ...small, unwrittenBytesMax: 5_000 } });
    for (let i = 0; i < 1_000; i++) log.append(delivered(i, i));
    await turns(5);
    assert.ok(log.droppedCount > 900, `${log.droppedCount}`);
  });

  it('still tells the rest when a batch was damaged', async () => {
    const world = await newWorld();
    const log = startLog({ ...world, limits: small });
    for (let i = 0; i < 20; i++) log.append(delivered(i, i));
    await log.close();
    const [name] = await world.disk.list(eventsFolder);
    const file = await world.disk.open(`${eventsFolder}/${name}`, 'write');
    await file.write(300, [Uint8Array.of(0xff, 0xff, 0xff)]);
    const again = startLog(world);
    const { events, isComplete } = await read(again, 'sender@example.org');
    assert.ok(events.length > 5 && events.length < 20, `${events.length}`);
    assert.equal(isComplete, false);
    await again.close();
  });
});

async function simulated() {
  const disk = new SimulatedDisk(seededChance(1));
  return { disk, world: await newWorld(disk) };
}

function planned(disk: SimulatedDisk, fault: DiskFault) {
  const state = { isOn: true };
  disk.plan = { onWrite: () => (state.isOn ? fault : undefined) };
  return state;
}

/** Takes no write, and does not say so. */
function stuckDisk(): Disk {
  const disk = new MemoryDisk();
  const open = disk.open.bind(disk);
  disk.open = async (path, mode) => {
    const file = await open(path, mode);
    return Object.assign(Object.create(file), { write: () => new Promise<void>(() => {}) });
  };
  return disk;
}
