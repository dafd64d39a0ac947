/**
 * Aim: an index is trusted only where the journal bears its applied position out, through segments that were cut,
 *      copied and taken out of the chain.
 * Method: shards opened, cut and opened again on the simulated disk, with indexes put back to earlier copies.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultTenant } from '../../../../src/base/ids.ts';
import type { RecordKind, RecordPlace } from '../../../../src/engine/store/record.ts';
import type { RewindableIndex } from '../../../simulation/rewindable-index.ts';
import {
  note,
  noteKey,
  noteKind,
  type StoreBench,
  spoilByte,
  storeBench,
  text,
} from './store-bench.ts';

const fillerType = 31;
const filler: RecordKind = { type: fillerType, name: 'filler', apply: () => [] };

/** A process that ends here: what it left in memory only is gone, what it wrote is not. */
function kill(bench: StoreBench): void {
  bench.disk = bench.disk.killProcess();
}

function copyOf(index: RewindableIndex): Promise<RewindableIndex> {
  return index.copyAt(index.commitCount);
}

for (const [bodyBytes, what] of [
  [100_000, 'stays in the chain and was cut'],
  [100, 'was copied whole and left the chain'],
] as const) {
  test(`an index ahead of a segment that ${what} is made again two epochs later`, async () => {
    const bench = storeBench();
    const body = Buffer.alloc(bodyBytes, 1);
    const first = await bench.open();
    await first.append([note('a', body)]);
    await first.append([note('b', body)]);
    const behind = await copyOf(bench.index);
    const [lost] = await first.append([note('lost', body)]);
    await first.close();
    const ahead = bench.index;
    // As if the power went before the record was on disk, but after the index had it.
    kill(bench);
    await spoilByte(bench.disk, '/shard/journal/00000001.seg', lost!.bodyOffset);
    bench.index = behind;
    const second = await bench.open();
    assert.equal(second.get(noteKey('lost')), undefined);
    // The sequence that was lost is another record's now.
    await second.append([note('c')]);
    kill(bench);
    const third = await bench.open();
    assert.ok(third.status().lastSequence > lost!.sequence);
    kill(bench);
    bench.index = ahead;
    const fourth = await bench.open();
    const { rebuildReason, readOnlyReason } = fourth.status();
    assert.ok(rebuildReason !== undefined, 'the index was trusted');
    assert.equal(readOnlyReason, undefined);
    assert.equal(fourth.get(noteKey('lost')), undefined);
    for (const name of ['a', 'b', 'c']) assert.ok(fourth.get(noteKey(name)) !== undefined, name);
    await fourth.close();
  });
}

test('an index is trusted over segments that several epochs copied whole', async () => {
  const bench = storeBench({ segmentBytesMax: 8_192 });
  const shard = await bench.open();
  for (const name of ['a', 'b', 'c']) await shard.append([note(name, Buffer.alloc(3_000, 1))]);
  await shard.close();
  const index = bench.index;
  for (let i = 0; i < 3; i++) {
    kill(bench);
    bench.index = await copyOf(index);
    const again = await bench.open();
    const { rebuildReason, epoch } = again.status();
    assert.equal(rebuildReason, undefined, `epoch ${epoch}`);
    for (const name of ['a', 'b', 'c']) assert.ok(again.get(noteKey(name)) !== undefined, name);
  }
});

test('a body moved twice is counted where it is when its row is ahead of the replay', async () => {
  const bench = storeBench({ segmentBytesMax: 8_192, groupBytesMax: 4_096 });
  const kept: RecordKind = {
    ...noteKind(),
    apply: (record, read) => (read.get(noteKey('kept')) === undefined ? [rowOf(record.place)] : []),
    move: ({ place }, _from, read) => {
      const row = read.get(noteKey('kept'));
      return row === undefined || Number(text(row)) > place.segment ? [] : [rowOf(place)];
    },
  };
  // The applied position stays before the records while their rows go to the index.
  const options = { kinds: [kept, filler], indexFloor: () => 2 };
  const shard = await bench.open(options);
  const fill = async (count: number) => {
    const body = [Buffer.alloc(3_000, 2)];
    const draft = { type: fillerType, tenant: defaultTenant, meta: Buffer.alloc(0), body };
    for (let i = 0; i < count; i++) await shard.append([draft]);
  };
  const [place] = await shard.append([note('kept', 'a body that lives on')]);
  for (let i = 0; i < 2; i++) {
    await fill(4);
    await shard.compact();
  }
  const { liveBytes, segmentCount } = shard.status();
  assert.ok(liveBytes > 0 && segmentCount > 3);
  await shard.close();
  kill(bench);
  const again = await bench.open(options);
  assert.equal(again.status().liveBytes, liveBytes);
  assert.equal(text(await again.read(place!)), 'a body that lives on');
  again.releaseBody(place!);
  assert.equal(again.status().liveBytes, 0);
  await again.close();
});

function rowOf({ segment }: RecordPlace) {
  return { put: noteKey('kept'), value: Buffer.from(String(segment)) };
}
