/** Aim: bodies in memory, or being copied, stay within their bound, and each gets its turn. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyTurns } from '../../../../src/engine/bodies/body-turns.ts';
import { turns } from '../../../support/seeded-clock.ts';

function started(whole: BodyTurns, bytes: number) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const state = { isRunning: false, end: resolve, fail: reject, done: Promise.resolve() };
  state.done = whole.with(bytes, () => {
    state.isRunning = true;
    return promise;
  });
  return state;
}

test('what does not fit waits its turn, and a small one does not pass a large one', async () => {
  const whole = new BodyTurns(100);
  const first = started(whole, 60);
  const second = started(whole, 50);
  const third = started(whole, 10);
  await turns(10);
  assert.deepEqual([first.isRunning, second.isRunning, third.isRunning], [true, false, false]);
  assert.equal(whole.bytes, 60);
  first.end();
  await turns(10);
  assert.deepEqual([second.isRunning, third.isRunning], [true, true]);
  assert.equal(whole.bytes, 60);
});

test('one larger than the bound runs alone', async () => {
  const whole = new BodyTurns(100);
  const small = started(whole, 1);
  const large = started(whole, 500);
  await turns(10);
  assert.equal(large.isRunning, false);
  small.end();
  await turns(10);
  assert.equal(large.isRunning, true);
});

test('room comes back after a failure', async () => {
  const whole = new BodyTurns(100);
  const first = started(whole, 100);
  first.fail(new Error('no'));
  await assert.rejects(first.done, /no/);
  assert.equal(whole.bytes, 0);
});
