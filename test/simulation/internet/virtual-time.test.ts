/** Aim: the simulated clock keeps the order of timers, and costs nothing where nothing happens. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualTime } from './virtual-time.ts';

test('timers fire in the order of their instants, those of one instant in the order they were set', async () => {
  const time = new VirtualTime();
  const fired: string[] = [];
  for (const [name, ms] of [
    ['late', 20],
    ['first', 10],
    ['second', 10],
  ] as const) {
    time.setTimer(ms, () => fired.push(`${name} ${time.monotonicMs()}`));
  }
  await time.run(() => false);
  assert.deepEqual(fired, ['first 10', 'second 10', 'late 20']);
});

test('promises and immediates run before time goes on', async () => {
  const time = new VirtualTime();
  const seen: number[] = [];
  time.setTimer(5, async () => {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(time.monotonicMs());
  });
  time.setTimer(6, () => seen.push(time.monotonicMs()));
  await time.run(() => false);
  assert.deepEqual(seen, [5, 6]);
});

test('an instant at which all was cancelled takes no turn, and time does not stop at it', async () => {
  const time = new VirtualTime();
  for (let ms = 1; ms <= 1_000; ms++) time.setTimer(ms, () => assert.fail('cancelled')).cancel();
  let firedMs = 0;
  time.setTimer(2_000, () => {
    firedMs = time.monotonicMs();
  });
  await time.run(() => false);
  assert.equal(firedMs, 2_000);
  assert.ok(time.turns < 10, `${time.turns} turns`);
});
