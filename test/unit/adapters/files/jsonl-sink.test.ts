/**
 * Aim:    event files turn over by size and time and are bounded in number; whatever a kill, a power cut or a full disk
 *         does, their lines are whole, and what was taken stays.
 * Method: a disk that loses power on purpose, from seeds; a clock by hand.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { JsonlSink } from '../../../../src/adapters/files/jsonl-sink.ts';
import { SinkError } from '../../../../src/ports/event-sink.ts';
import { seededChance } from '../../../simulation/seeded-chance.ts';
import { type DiskPlan, SimulatedDisk } from '../../../simulation/simulated-disk.ts';
import { namesOf, readJsonl } from '../../../support/jsonl-reader.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const folder = '/events';
const limits = { bytesMax: 1_000, ageMsMax: 60_000, filesMax: 4 };

function event(id: number, bytes = 400) {
  return { id: String(id), message: 'm', reply: 'x'.repeat(bytes) };
}

function world(plan: DiskPlan = {}, seed = 1, filesMax = limits.filesMax) {
  const disk = new SimulatedDisk(seededChance(seed));
  disk.plan = plan;
  const clock = new SeededClock();
  const sinkOn = (on: SimulatedDisk) =>
    new JsonlSink({ disk: on, clock, folder, ...limits, filesMax });
  return { disk, clock, sinkOn, sink: sinkOn(disk) };
}

async function idsIn(disk: SimulatedDisk): Promise<string[]> {
  return (await readJsonl(disk, folder)).flatMap(({ id, cursor }) => (cursor ? [] : [id]));
}

it('begins another file once one has `bytesMax`, named by number and time', async () => {
  const { disk, sink } = world();
  for (let i = 0; i < 5; i++) await sink.append([event(i)], `c${i}`);
  assert.deepEqual(await namesOf(disk, folder), [
    '0000000001-20260101T000000Z.jsonl',
    '0000000002-20260101T000000Z.jsonl',
  ]);
  assert.deepEqual(await idsIn(disk), ['0', '1', '2', '3', '4']);
  const lines = await readJsonl(disk, folder);
  assert.deepEqual(lines[1], { cursor: 'c0' });
});

it('begins another file once one is `ageMsMax` old, over a restart, too', async () => {
  const { disk, clock, sink, sinkOn } = world();
  await sink.append([event(0, 1)], 'c');
  clock.jump(limits.ageMsMax - 1_000);
  await sink.append([event(1, 1)], 'c');
  assert.equal((await namesOf(disk, folder)).length, 1);
  await sink.close();
  clock.jump(1_000);
  await sinkOn(disk).append([event(2, 1)], 'c');
  const names = await namesOf(disk, folder);
  assert.equal(names.length, 2);
  assert.equal(names[1], '0000000002-20260101T000100Z.jsonl');
});

it('keeps `filesMax` files, the newest, and leaves what is no event file alone', async () => {
  const { disk, sink } = world();
  await disk.makeFolder(folder);
  await (await disk.open(`${folder}/0000000000-notes.txt`, 'create')).close();
  for (let i = 0; i < 20; i++) await sink.append([event(i, 1_000)], 'c');
  const names = await namesOf(disk, folder);
  assert.equal(names.length, limits.filesMax + 1);
  assert.equal(names[0], '0000000000-notes.txt');
  assert.deepEqual(await idsIn(disk), ['16', '17', '18', '19']);
});

it('a full disk costs no file that is there, and leaves no empty ones', async () => {
  let isFull = false;
  const { disk, sink } = world({ onWrite: () => (isFull ? 'no-space' : undefined) });
  for (let i = 0; i < 8; i++) await sink.append([event(i, 1_000)], 'c');
  const before = await namesOf(disk, folder);
  isFull = true;
  for (let i = 0; i < 10; i++) await assert.rejects(sink.append([event(8)], 'c'), SinkError);
  assert.deepEqual(await namesOf(disk, folder), before);
  isFull = false;
  await sink.append([event(8)], 'c');
  assert.deepEqual(await idsIn(disk), ['5', '6', '7', '8']);
});

it('an append that cannot be synced is written again, to another file', async () => {
  let isBroken = false;
  const { disk, sink } = world({ onSync: () => (isBroken ? 'io' : undefined) });
  await sink.append([event(0)], 'c');
  isBroken = true;
  await assert.rejects(sink.append([event(1)], 'c'), SinkError);
  isBroken = false;
  await sink.append([event(1)], 'c');
  assert.equal((await namesOf(disk, folder)).length, 2);
  assert.deepEqual([...new Set(await idsIn(disk))], ['0', '1']);
});

it('what was taken survives kills and power cuts, and every line is whole', async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const chance = seededChance(seed);
    let callsLeft = Math.floor(chance() * 90);
    const { disk, sinkOn } = world({ onCall: () => callsLeft-- === 0 }, seed, 100);
    const taken: string[] = [];
    const sizes = Array.from({ length: 12 }, () => Math.floor(chance() * 20_000));
    const run = async (on: SimulatedDisk) => {
      const sink = sinkOn(on);
      for (const bytes of sizes.slice(taken.length)) {
        await sink.append([event(taken.length, bytes)], `c${taken.length}`);
        taken.push(String(taken.length));
      }
      await sink.close();
    };
    await run(disk).catch(() => {});
    const after = chance() < 0.3 ? disk.killProcess() : disk.cutPower();
    await run(after);
    const kept = await idsIn(after);
    assert.deepEqual([...new Set(kept)], taken, `seed ${seed}`);
  }
});
