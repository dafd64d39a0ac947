/**
 * Aim: shards of a thread commit their indexes one after the other, and a fault of one does not stop the next.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IndexTurns } from '../../../../src/engine/store/index-turns.ts';
import { note, turns as settled, storeBench } from './store-bench.ts';

test('a commit begins when the one before has ended, well or not', async () => {
  const turns = new IndexTurns();
  const seen: string[] = [];
  const first = Promise.withResolvers<void>();
  const failing = turns.take(() => {
    seen.push('first');
    return first.promise;
  });
  const second = turns.take(async () => {
    seen.push('second');
  });
  await settled();
  assert.deepEqual(seen, ['first']);
  first.reject(new Error('no space'));
  await assert.rejects(failing, /no space/);
  await second;
  assert.deepEqual(seen, ['first', 'second']);
});

test('a shard whose turn has not come takes records, and commits them when it has', async () => {
  const turns = new IndexTurns();
  const other = Promise.withResolvers<void>();
  const bench = storeBench();
  const shard = await bench.open({ turns });
  const held = turns.take(() => other.promise);
  await shard.append([note('a')]);
  bench.clock.advance(1_050);
  await settled();
  await shard.append([note('b')]);
  assert.equal(shard.status().indexLagChanges, 2);
  other.resolve();
  await held;
  await settled();
  assert.equal(shard.status().indexLagChanges, 0);
  await shard.close();
});
