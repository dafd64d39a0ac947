/**
 * Aim:    the number of engine threads is what the settings' reference says.
 * Method: core counts as arguments.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workerCount } from '../../../src/app/threads.ts';

const chosen = (cores: number, shards = 64) => workerCount({ workers: 0 }, shards, cores);

test('0 workers are one beside the edge on two cores, and three of four cores beside it above', () => {
  const cores = [1, 2, 3, 4, 8, 16];
  assert.deepEqual(
    cores.map((count) => chosen(count)),
    [1, 1, 1, 2, 5, 11],
  );
});

test('there are no more threads than shards', () => {
  assert.equal(chosen(16, 8), 8);
});

test('a number is taken as it is', () => {
  assert.equal(workerCount({ workers: 3 }, 8, 2), 3);
});
