/**
 * Aim: after a kill or a power cut the event log tells what it had written or synced, and nothing that never was.
 * Method: an open segment cut at every byte; a byte changed anywhere; seeded power cuts at any call of the disk.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryDisk } from '../../../../src/adapters/memory/memory-disk.ts';
import { view } from '../../../../src/base/bytes.ts';
import type { Disk } from '../../../../src/ports/disk.ts';
import { seededChance } from '../../../simulation/seeded-chance.ts';
import { SimulatedDisk } from '../../../simulation/simulated-disk.ts';
import {
  delivered,
  eventsFolder,
  idOf,
  idsOf,
  newWorld,
  shardFolder,
  startLog,
} from './event-world.ts';

const sender = 'sender@example.org';
const batches = 4;
const perBatch = 3;
const cuts = 300;

describe('an event log after a kill', () => {
  it('loses only the batch that was torn, wherever it was cut', async () => {
    const { bytes, name, ends } = await killed();
    for (let length = 0; length <= bytes.length; length++) {
      const disk = await diskWith(name, bytes.subarray(0, length));
      const log = startLog(await newWorld(disk));
      log.append(delivered(99, 99));
      const whole = ends.filter((end) => end <= length).length * perBatch;
      const wanted = [...Array.from({ length: whole }, (_, i) => idOf(i)), idOf(99)];
      assert.deepEqual(await idsOf(log, sender), wanted, `cut at ${length}`);
      await log.close();
    }
  });

  it('closes what it found: the next start finds it by its footer', async () => {
    const { bytes, name } = await killed();
    const disk = await diskWith(name, bytes.subarray(0, bytes.length - 1));
    const log = startLog(await newWorld(disk));
    await log.close();
    const file = await disk.open(`${eventsFolder}/${name}`, 'read');
    const size = await file.size();
    const trailer = view(await file.read(size - 32, 4)).toString('latin1');
    assert.equal(trailer, 'CEnd');
    const again = startLog(await newWorld(disk));
    assert.equal((await idsOf(again, sender)).length, (batches - 1) * perBatch);
    await again.close();
  });

  it('tells nothing that a changed byte made up', async () => {
    const { bytes, name } = await killed();
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 0x20;
      const log = startLog(await newWorld(await diskWith(name, changed)));
      const ids = await idsOf(log, sender);
      assert.ok(ids.length < batches * perBatch, `byte ${at}`);
      assert.deepEqual(
        ids,
        Array.from(ids, (_, i) => idOf(i)),
        `byte ${at}`,
      );
      await log.close();
    }
  });

  it('removes a file that holds nothing', async () => {
    const disk = await diskWith('0000000007.events', new Uint8Array(0));
    const log = startLog(await newWorld(disk));
    await log.flush();
    assert.deepEqual(await disk.list(eventsFolder), []);
    log.append(delivered(1, 1));
    await log.flush();
    assert.deepEqual(await disk.list(eventsFolder), ['0000000008.events']);
    await log.close();
  });
});

describe('an event log after a power cut', () => {
  it(`has what was synced, and in order, after each of ${cuts} seeded cuts`, async () => {
    for (let seed = 1; seed <= cuts; seed++) await cutOnce(seed);
  });

  it('never trusts a footer that did not reach the disk', async () => {
    for (let seed = 1; seed <= 15; seed++) {
      for (let call = 0; call < 6; call++) await cutAtClose(seed, call);
    }
  });
});

/** The power goes at the n-th call of the disk while a segment is closed. */
async function cutAtClose(seed: number, call: number): Promise<void> {
  const disk = new SimulatedDisk(seededChance(seed));
  const world = await newWorld(disk);
  const log = startLog(world);
  for (let i = 0; i < 20; i++) log.append(delivered(i, i));
  await log.flush();
  world.clock.advance(10_000);
  await log.flush();
  // So many that the footer takes several blocks of the disk.
  for (let i = 20; i < 700; i++) log.append(delivered(i, i));
  await log.flush();
  let calls = call;
  disk.plan = { onCall: () => calls-- <= 0 };
  await log.close();
  const again = startLog({ ...world, disk: disk.cutPower() });
  const ids = await idsOf(again, sender);
  assert.ok(ids.length >= 20, `seed ${seed}, call ${call}: ${ids.length} of 20 synced`);
  assert.deepEqual(
    ids,
    Array.from(ids, (_, i) => idOf(i)),
    `seed ${seed}, call ${call}`,
  );
  await again.close();
}

/** Two lives: the first ends with the power, the second must tell what the first had synced. */
async function cutOnce(seed: number): Promise<void> {
  const chance = seededChance(seed);
  const disk = new SimulatedDisk(chance);
  let calls = Math.floor(chance() * 120);
  const world = await newWorld(disk);
  await disk.syncFolder('/data/shards');
  disk.plan = { onCall: () => calls-- <= 0 };
  const log = startLog({ ...world, limits: { batchBytesMax: 600, segmentBytesMax: 16_384 } });
  let syncedCount = 0;
  for (let i = 0; i < 200; i++) {
    log.append(delivered(i, i));
    if (chance() > 0.1) continue;
    // Written by the flush; then the sync timer comes due, and its sync ends before the next flush.
    await log.flush();
    world.clock.advance(10_000);
    await log.flush();
    if (!disk.isOff && log.droppedCount === 0) syncedCount = i + 1;
  }
  if (!disk.isOff && chance() < 0.5) await log.close();
  const again = startLog({ ...world, disk: disk.cutPower() });
  const ids = await idsOf(again, sender, { limit: 10_000 });
  assert.ok(ids.length >= syncedCount, `seed ${seed}: ${ids.length} of ${syncedCount} synced`);
  assert.deepEqual(ids, ids.toSorted(), `seed ${seed}: out of order`);
  assert.equal(new Set(ids).size, ids.length, `seed ${seed}: told twice`);
  const wanted = Array.from({ length: syncedCount }, (_, i) => idOf(i));
  assert.deepEqual(ids.slice(0, syncedCount), wanted, `seed ${seed}`);
  await again.close();
}

/** The file of a log that was never closed, and where its batches end. */
async function killed() {
  const world = await newWorld();
  const log = startLog(world);
  const ends: number[] = [];
  let name = '';
  for (let batch = 0; batch < batches; batch++) {
    for (let i = 0; i < perBatch; i++) {
      const number = batch * perBatch + i;
      log.append(delivered(number, number));
    }
    await log.flush();
    name = (await world.disk.list(eventsFolder))[0]!;
    const file = await world.disk.open(`${eventsFolder}/${name}`, 'read');
    ends.push(await file.size());
  }
  const file = await world.disk.open(`${eventsFolder}/${name}`, 'read');
  return { name, ends, bytes: await file.read(0, ends.at(-1)!) };
}

async function diskWith(name: string, bytes: Uint8Array): Promise<Disk> {
  const disk = new MemoryDisk();
  await disk.makeFolder(shardFolder);
  await disk.makeFolder(eventsFolder);
  const file = await disk.open(`${eventsFolder}/${name}`, 'create');
  await file.write(0, [bytes]);
  return disk;
}
