/** Aim: pieces come in order, few are read at a time, a failure ends the reading. Method: readers turned by hand. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { readAhead } from '../../../../src/cli/migrate/read-ahead.ts';

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn();
}

it('hands results out in order, whoever is ready first, and reads no further ahead than told', async () => {
  const started: number[] = [];
  const ends = new Map<number, () => void>();
  const reader = (piece: number) => {
    started.push(piece);
    return new Promise<string>((resolve) => ends.set(piece, () => resolve(`read ${piece}`)));
  };
  const results = readAhead([0, 1, 2, 3, 4], [reader, reader], 3)[Symbol.asyncIterator]();
  const first = results.next();
  await turns();
  assert.deepEqual(started, [0, 1], 'one piece a reader');
  ends.get(1)!();
  await turns();
  assert.deepEqual(started, [0, 1, 2]);
  ends.get(2)!();
  await turns();
  assert.deepEqual(started, [0, 1, 2], 'three pieces are ahead already');
  ends.get(0)!();
  assert.equal((await first).value, 'read 0');
  assert.equal((await results.next()).value, 'read 1');
  await turns();
  assert.deepEqual(started, [0, 1, 2, 3]);
  assert.equal((await results.next()).value, 'read 2');
  ends.get(3)!();
  assert.equal((await results.next()).value, 'read 3');
  await turns();
  ends.get(4)!();
  assert.equal((await results.next()).value, 'read 4');
  assert.equal((await results.next()).done, true);
});

it('throws a failure in its turn, and reads nothing more', async () => {
  const started: number[] = [];
  const reader = async (piece: number) => {
    started.push(piece);
    if (piece === 1) throw new Error('broken');
    return piece;
  };
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const one of readAhead([0, 1, 2, 3, 4, 5], [reader], 2)) seen.push(one);
  }, /broken/);
  assert.deepEqual([seen, started], [[0], [0, 1]]);
});
