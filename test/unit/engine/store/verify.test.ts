/**
 * Aim: verification names each record that is not as it was written, and a rebuilt index equals the one that was.
 * Method: shards over a memory disk; single bytes of closed journals are changed.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shardId } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { rebuildIndex } from '../../../../src/engine/store/rebuild.ts';
import { verifyFolder } from '../../../../src/engine/store/verify.ts';
import { RewindableIndex, tableText } from '../../../simulation/rewindable-index.ts';
import { seededChance, seededRandom } from '../../../simulation/seeded-chance.ts';
import { note, noteKind, spoilByte, storeBench, text } from './store-bench.ts';

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
  const sound = await verifyFolder(bench.disk, '/shard', 3);
  assert.deepEqual(sound.damage, []);
  assert.equal(sound.recordCount, 7);
  for (const i of [0, 2]) {
    const { segment, bodyOffset } = places[i]!;
    const path = `/shard/journal/${String(segment).padStart(8, '0')}.seg`;
    await spoilByte(bench.disk, path, bodyOffset + 100);
  }
  const report = await verifyFolder(bench.disk, '/shard', 3);
  const hit = report.damage.flatMap((damage) => damage.hit.map(({ meta }) => text(meta!)));
  assert.deepEqual(hit, ['n0', 'n2']);
  assert.equal(report.recordCount, 5);
});

test('a rebuilt index equals the one that was there', async () => {
  const bench = storeBench({ segmentBytesMax: 8_192, groupBytesMax: 4_096 });
  const shard = await bench.open();
  for (let i = 0; i < 6; i++) await shard.append([note(`n${i}`, Buffer.alloc(3_000, i))]);
  await shard.compact();
  await shard.append([note('after the checkpoint')]);
  await shard.close();
  bench.disk = bench.disk.killProcess();
  const index = new RewindableIndex();
  await index.commit([{ put: Buffer.from(' stray'), value: Buffer.from('row') }]);
  const status = await rebuildIndex({
    id: shardId(3),
    folder: '/shard',
    disk: bench.disk,
    index,
    clock: bench.clock,
    random: seededRandom(seededChance(2)),
    log: silentLog,
    kinds: [noteKind()],
  });
  assert.equal(status.readOnlyReason, undefined);
  assert.equal(tableText(index), tableText(bench.index));
});
