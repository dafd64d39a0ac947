/**
 * Aim: a journal opens again with every parcel that was synced and without what was torn, and says what is damaged.
 * Method: journals over memory disks, cut off, spoiled and copied between two openings.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDisk } from '../../../../../src/adapters/memory/memory-disk.ts';
import { segmentHeaderBytes } from '../../../../../src/engine/store/journal/format.ts';
import { Journal } from '../../../../../src/engine/store/journal/journal.ts';
import type { StoreLimits } from '../../../../../src/engine/store/limits.ts';
import { storeLimits } from '../../../../../src/engine/store/limits.ts';
import { walkSegment } from '../../../../../src/engine/store/replay.ts';
import type { Disk } from '../../../../../src/ports/disk.ts';
import { seededChance, seededRandom } from '../../../../simulation/seeded-chance.ts';
import { note, text } from '../store-bench.ts';

const folder = '/journal';
const first = `${folder}/00000001.seg`;

function open(disk: Disk, limits: Partial<StoreLimits> = {}, seed = 1): Promise<Journal> {
  const random = seededRandom(seededChance(seed));
  return Journal.open({ disk, folder, shard: 0, random, limits: storeLimits(limits) });
}

async function namesIn(disk: Disk, journal: Journal): Promise<string[]> {
  const names: string[] = [];
  for (const segment of journal.segments.all()) {
    const damage = await walkSegment({
      disk,
      segment,
      from: segmentHeaderBytes,
      to: segment.end,
      visit(records) {
        for (const record of records) if (record.meta.length > 0) names.push(text(record.meta));
        return undefined;
      },
    });
    assert.deepEqual(damage, []);
  }
  return names;
}

async function copyOf(disk: Disk, length: number): Promise<MemoryDisk> {
  const copy = new MemoryDisk();
  await copy.makeFolder(folder);
  const from = await disk.open(first, 'read');
  const to = await copy.open(first, 'create');
  await to.write(0, [await from.read(0, length)]);
  return copy;
}

test('a file cut at any byte loses the parcels that are not whole and no other', async () => {
  const disk = new MemoryDisk();
  const journal = await open(disk);
  await journal.openSegment(1);
  const ends: number[] = [journal.position.offset];
  for (const name of ['a', 'b', 'c']) {
    await journal.commit([note(name, name.repeat(40)), note(`${name}'`)]);
    ends.push(journal.position.offset);
  }
  for (let length = 0; length <= ends[3]!; length++) {
    const cut = await copyOf(disk, length);
    const again = await open(cut);
    assert.deepEqual(again.damage, [], `cut at ${length}`);
    const whole = ends.filter((end) => end <= length).length - 1;
    await again.openSegment(again.epoch + 1);
    const wanted = ['a', "a'", 'b', "b'", 'c', "c'"].slice(0, Math.max(0, whole) * 2);
    assert.deepEqual(await namesIn(cut, again), wanted, `cut at ${length}`);
  }
});

test('what was torn stays cut after the journal went on, and a second opening sees each record once', async () => {
  const disk = new MemoryDisk();
  const journal = await open(disk);
  await journal.openSegment(1);
  await journal.commit([note('kept')]);
  const whole = journal.position.offset;
  await journal.commit([note('torn')]);
  const cut = await copyOf(disk, whole + 20);
  const second = await open(cut);
  await second.openSegment(2);
  await second.commit([note('new')]);
  const third = await open(cut, {}, 2);
  await third.openSegment(3);
  assert.deepEqual(await namesIn(cut, third), ['kept', 'new']);
});

test('records of a segment’s earlier life never pass, although their bytes are still there', async () => {
  const disk = new MemoryDisk();
  const journal = await open(disk, { segmentBytesMax: 4_096 });
  await journal.openSegment(1);
  for (let i = 0; i < 12; i++) await journal.commit([note(`old${i}`, Buffer.alloc(700, i))]);
  assert.ok(journal.position.segment >= 3);
  await journal.recycle(1);
  assert.ok((await disk.list(folder)).includes('00000001.free'));
  while ((await disk.list(folder)).includes('00000001.free')) {
    await journal.commit([note('new', Buffer.alloc(700, 9))]);
  }
  const { segment: number, offset } = journal.position;
  const segment = journal.segments.get(number)!;
  assert.ok(segment.fileBytes > offset + 1_000, 'the file of the first segment is longer');
  const again = await open(disk);
  assert.deepEqual(again.damage, []);
  assert.equal(again.position.segment, number);
  assert.equal(again.position.offset, offset);
});

test('a bad header over later parcels is damage, not a segment that was never born', async () => {
  const disk = new MemoryDisk();
  const journal = await open(disk);
  await journal.openSegment(1);
  await journal.commit([note('a')]);
  await journal.commit([note('b')]);
  const file = await disk.open(first, 'write');
  await file.write(10, [Buffer.from('xx')]);
  const again = await open(disk);
  assert.deepEqual(
    again.damage.map(({ segment, reason }) => [segment, reason]),
    [[1, 'segment header is damaged']],
  );
});

test('a segment whose first parcel was not whole is no part of the journal', async () => {
  const disk = new MemoryDisk();
  const journal = await open(disk);
  await journal.openSegment(1);
  await journal.commit([note('a')]);
  const unborn = await disk.open(`${folder}/00000002.seg`, 'create');
  const born = await disk.open(first, 'read');
  await unborn.write(0, [await born.read(0, 90)]);
  const again = await open(disk);
  assert.deepEqual(again.damage, []);
  await again.openSegment(2);
  assert.equal(again.position.segment, 3);
  assert.deepEqual(await disk.list(folder), ['00000001.seg', '00000003.seg']);
  assert.deepEqual(await namesIn(disk, again), ['a']);
});

test('a record larger than a segment gets one of its own', async () => {
  const disk = new MemoryDisk();
  const journal = await open(disk, { segmentBytesMax: 4_096 });
  await journal.openSegment(1);
  const large = Buffer.alloc(20_000, 7);
  const [place] = await journal.commit([note('large', large)]);
  await journal.commit([note('small')]);
  assert.deepEqual([place!.segment, journal.position.segment], [2, 3]);
  assert.deepEqual(Buffer.from(await journal.segments.read(place!, 0, 20_000)), large);
});
