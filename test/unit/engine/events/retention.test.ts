/**
 * Aim: events stay as long and as many as settings say, and go by whole segments, the oldest first.
 * Method: a clock turned by hand; small segments; the files of a disk in memory are counted.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryDisk } from '../../../../src/adapters/memory/memory-disk.ts';
import { dayMs, hourMs, mebibyte } from '../../../../src/base/units.ts';
import type { EventLog } from '../../../../src/engine/events/event-log.ts';
import { shareOfEvents } from '../../../../src/engine/events/share.ts';
import type { Disk } from '../../../../src/ports/disk.ts';
import {
  delivered,
  eventsFolder,
  idOf,
  idsOf,
  newWorld,
  startLog,
  type World,
} from './event-world.ts';

const small = { batchBytesMax: 1_000, segmentBytesMax: 16_384 };

describe('events', () => {
  it('go when they are older than eventsKeepMs, though nothing new comes', async () => {
    const world = await newWorld();
    world.keep.keepMs = dayMs;
    const log = startLog(world);
    append(log, world, 1);
    await pass(world, log, 20 * hourMs);
    assert.deepEqual(await idsOf(log, idOf(1)), [idOf(1)]);
    append(log, world, 2);
    await pass(world, log, 5 * hourMs);
    assert.deepEqual(await idsOf(log, idOf(1)), []);
    assert.deepEqual(await idsOf(log, idOf(2)), [idOf(2)]);
    await pass(world, log, 24 * hourMs);
    assert.deepEqual(await world.disk.list(eventsFolder), []);
    await log.close();
  });

  it('do not outlive eventsKeepMs by more than an eighth in a segment that is never full', async () => {
    const world = await newWorld();
    world.keep.keepMs = 8 * hourMs;
    const log = startLog(world);
    for (let hour = 0; hour < 48; hour++) {
      append(log, world, hour);
      await pass(world, log, hourMs);
    }
    const kept = await idsOf(log, 'sender@example.org');
    assert.ok(kept.length >= 8 && kept.length <= 10, `${kept.length} hours`);
    assert.equal(kept.at(-1), idOf(47));
    await log.close();
  });

  it('that are too old when the log starts go at once', async () => {
    const world = await newWorld();
    const first = startLog(world);
    append(first, world, 1);
    await first.close();
    world.clock.jump(8 * dayMs);
    const second = startLog(world);
    await second.flush();
    assert.deepEqual(await world.disk.list(eventsFolder), []);
    await second.close();
  });

  it('take no more room than the share, the oldest going first', async () => {
    const world = await newWorld();
    world.keep.bytesMax = 100_000;
    const log = startLog({ ...world, limits: small });
    for (let i = 0; i < 3_000; i++) {
      append(log, world, i);
      if (i % 100 === 0) await log.flush();
    }
    await log.flush();
    const bytes = await bytesIn(world.disk);
    assert.ok(bytes <= 116_384 && bytes > 70_000, `${bytes} bytes`);
    assert.deepEqual(await idsOf(log, idOf(2_999)), [idOf(2_999)]);
    assert.deepEqual(await idsOf(log, idOf(0)), []);
    await log.close();
  });

  it('go on in smaller segments where the share is small', async () => {
    const world = await newWorld();
    world.keep.bytesMax = 64_000;
    const log = startLog(world);
    for (let i = 0; i < 2_000; i++) {
      append(log, world, i);
      if (i % 100 === 0) await log.flush();
      // The share is read with the first upkeep.
      if (i === 100) await pass(world, log, hourMs);
    }
    await log.flush();
    const bytes = await bytesIn(world.disk);
    assert.ok(bytes <= 84_000, `${bytes} bytes`);
    await log.close();
  });

  it('are kept in a bounded number of files, however often the log starts', async () => {
    const world = await newWorld();
    for (let start = 0; start < 20; start++) {
      const log = startLog({ ...world, limits: { segmentsMax: 5 } });
      append(log, world, start);
      await log.close();
    }
    const log = startLog({ ...world, limits: { segmentsMax: 5 } });
    const wanted = [15, 16, 17, 18, 19].map(idOf);
    assert.deepEqual(await idsOf(log, 'sender@example.org'), wanted);
    await log.close();
  });
});

describe('the share of a shard', () => {
  it('is all divided by the shards that have events', async () => {
    const disk = new MemoryDisk();
    for (const shard of ['000', '001', '002', '003']) await disk.makeFolder(`/d/shards/${shard}`);
    assert.equal(await shareOfEvents(disk, '/d/shards', mebibyte), mebibyte);
    for (const shard of ['001', '003']) {
      await disk.makeFolder(`/d/shards/${shard}/events`);
      // An empty folder counts for nothing.
      assert.equal(await shareOfEvents(disk, '/d/shards', mebibyte), mebibyte);
      await disk.open(`/d/shards/${shard}/events/0000000001.events`, 'create');
    }
    assert.equal(await shareOfEvents(disk, '/d/shards', mebibyte), mebibyte / 2);
  });
});

function append(log: EventLog, { clock }: World, number: number): void {
  const event = delivered(number, 0);
  log.append([1, clock.nowMs(), ...event.slice(2)] as unknown as typeof event);
}

/** Lets timers come due and the log do what they start. */
async function pass({ clock }: World, log: EventLog, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 600_000) {
    clock.advance(600_000);
    await log.flush();
  }
}

async function bytesIn(disk: Disk): Promise<number> {
  let bytes = 0;
  for (const name of await disk.list(eventsFolder)) {
    const file = await disk.open(`${eventsFolder}/${name}`, 'read');
    bytes += await file.size();
  }
  return bytes;
}
