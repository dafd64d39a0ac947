/**
 * Aim: verification names each record that is not as it was written, and a rebuilt index equals the one that was.
 * Method: shards over a memory disk; single bytes of closed journals are changed.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableText } from '../../../simulation/rewindable-index.ts';
import { note, spoilByte, storeBench, text } from './store-bench.ts';

test('verify counts what is there and names each record that is not as it was written', async () => {
  const bench = storeBench({ segmentBytesMax: 8_192, groupBytesMax: 4_096 });
  const shard = await bench.open();
  const places = [];
  for (let i = 0; i < 6; i++) {
    const [place] = await shard.append([note(`n${i}`, Buffer.alloc(3_000, i))]);
    places.push(place!);
  }
  await shard.close();
  bench.disk = bench.disk.killProcess();
  const again = await bench.open();
  const sound = await again.verify();
  assert.deepEqual(sound.damage, []);
  assert.equal(sound.recordCount, 8, 'six notes and an epoch for each opening');
  for (const i of [0, 2]) {
    const { segment, bodyOffset } = places[i]!;
    const path = `/shard/journal/${String(segment).padStart(8, '0')}.seg`;
    await spoilByte(bench.disk, path, bodyOffset + 100);
  }
  const report = await again.verify();
  const hit = report.damage.flatMap((damage) => damage.hit.map(({ meta }) => text(meta!)));
  assert.deepEqual(hit, ['n0', 'n2']);
  assert.equal(report.recordCount, 6);
  await again.close();
});

test('a rebuilt index equals the one that was there', async () => {
  const bench = storeBench({ segmentBytesMax: 8_192, groupBytesMax: 4_096 });
  const shard = await bench.open();
  for (let i = 0; i < 6; i++) await shard.append([note(`n${i}`, Buffer.alloc(3_000, i))]);
  await shard.compact();
  await shard.append([note('after the checkpoint')]);
  await shard.close();
  bench.disk = bench.disk.killProcess();
  const former = tableText(bench.index);
  await bench.index.commit([{ put: Buffer.from(' stray'), value: Buffer.from('row') }]);
  await bench.index.clear();
  const again = await bench.open();
  const status = again.status();
  await again.close();
  assert.equal(status.readOnlyReason, undefined);
  assert.equal(tableText(bench.index), former);
});
