/**
 * Aim: a kill is aimed at the sync it is meant for.
 * Method: strace's output as it comes, cut at any place.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSyncs } from './sync-aim.ts';

const segment = (shard: string) => `/data/shards/${shard}/journal/00000001.seg`;

test('a sync has begun as soon as its call is shown, and returned with its result', () => {
  const call = `11 fdatasync(20<${segment('003')}>`;
  const [begun] = readSyncs(call);
  assert.deepEqual(begun, { thread: 11, file: segment('003'), hasReturned: false });
  assert.equal(readSyncs(`${call})     = 0 (DELAYED)\n`)[0]!.hasReturned, true);
});

test('syncs of several threads are told apart and keep the order they began in', () => {
  const log = [
    `11 fdatasync(20<${segment('003')}> <unfinished ...>`,
    `12 fdatasync(21<${segment('004')}> <unfinished ...>`,
    '12 <... fdatasync resumed>)     = 0 (DELAYED)',
    `12 fdatasync(21<${segment('005')}>`,
  ].join('\n');
  assert.deepEqual(
    readSyncs(log).map((sync) => [sync.file, sync.hasReturned]),
    [
      [segment('003'), false],
      [segment('004'), true],
      [segment('005'), false],
    ],
  );
});

test('syncs of other files do not count', () => {
  const log = '11 fdatasync(36</data/shards/000/index/data.mdb>)     = 0 (DELAYED)\n';
  assert.deepEqual(readSyncs(log), []);
});
