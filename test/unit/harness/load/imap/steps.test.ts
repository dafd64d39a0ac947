/**
 * Aim: steps become the commands that a scenario means, in the order and as often as it says.
 * Method: steps read and written; chance is seeded.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStep, turnOf, writeStep } from '../../../../../src/harness/load/imap/steps.ts';
import { SeededRandom } from '../../../../../src/harness/seeded-random.ts';

const random = new SeededRandom(7);

function written(command: string, exists: number): string {
  return writeStep(readStep({ command }), { name: '"box"', exists }, () => random.fraction());
}

test('places stand for what the mailbox holds', () => {
  assert.equal(written('FETCH {newest} (UID)', 9), 'FETCH 9 (UID)');
  assert.equal(written('FETCH {last:5} (UID)', 9), 'FETCH 5:9 (UID)');
  assert.equal(written('FETCH {last:50} (UID)', 9), 'FETCH 1:9 (UID)');
  assert.equal(written('STATUS {mailbox} (UNSEEN)', 9), 'STATUS "box" (UNSEEN)');
  assert.match(written('FETCH {message} (UID)', 9), /^FETCH [1-9] \(UID\)$/);
});

test('some messages are as many as asked for, different, ascending and from all of the mailbox', () => {
  assert.equal(written('FETCH {some:9} (UID)', 9), 'FETCH 1:9 (UID)');
  const seen = new Set<number>();
  for (let round = 0; round < 200; round++) {
    const [, list = ''] = written('FETCH {some:8} (UID)', 10).split(' ');
    const numbers = list.split(',').map(Number);
    assert.equal(numbers.length, 8);
    assert.ok(numbers.every((number, at) => number > (numbers[at - 1] ?? 0) && number <= 10));
    for (const number of numbers) seen.add(number);
  }
  assert.equal(seen.size, 10);
  assert.throws(() => readStep({ command: 'FETCH {some:5001} (UID)' }), /5000 at most/);
});

test('steps with times are given in the order they are written in, others by weight', () => {
  const [a, b] = [
    { weight: 1, command: 'NOOP' },
    { weight: 3, command: 'CHECK' },
  ] as const;
  const ordered = turnOf([
    { ...a, times: 2 },
    { ...b, times: 1 },
  ]);
  assert.deepEqual([ordered.isOrdered, [...ordered.turn]], [true, [0, 0, 1]]);
  const mixed = turnOf([a, b]);
  assert.deepEqual([mixed.isOrdered, [...mixed.turn].sort()], [false, [0, 1, 1, 1]]);
});

test('an operation has the name of its step, or of its command', () => {
  assert.equal(readStep({ command: 'UID FETCH 1 (UID)' }).operation, 'imap.fetch');
  assert.equal(readStep({ command: 'UID FETCH 1 (UID)', name: 'one' }).operation, 'one');
});
