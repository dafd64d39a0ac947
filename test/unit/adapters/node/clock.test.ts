/**
 * Aim: the machine's clock and the hand-turned one keep the contract of `ports/clock.ts`.
 * Method: short real waits for the one, exact instants for the other.
 */

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { nodeClock } from '../../../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../../../src/adapters/node/random.ts';
import type { Clock } from '../../../../src/ports/clock.ts';
import { SeededClock, SeededRandom } from '../../../support/seeded-clock.ts';

test('a timer of the machine fires once, not before its time, and not after it was cancelled', async () => {
  // Timers keep no process alive: this one does.
  const alive = setInterval(() => {}, 1_000);
  const startMs = nodeClock.monotonicMs();
  let cancelledCount = 0;
  nodeClock.setTimer(5, () => cancelledCount++).cancel();
  const firedMs = await new Promise<number>((resolve) =>
    nodeClock.setTimer(10.5, () => resolve(nodeClock.monotonicMs())),
  );
  clearInterval(alive);
  ok(firedMs - startMs >= 10.5, `fired after ${firedMs - startMs} ms`);
  strictEqual(cancelledCount, 0);
});

test('a delay of months does not fire at once', async () => {
  let firedCount = 0;
  const timer = nodeClock.setTimer(90 * 86_400_000, () => firedCount++);
  await new Promise((resolve) => setTimeout(resolve, 10));
  timer.cancel();
  strictEqual(firedCount, 0);
});

test('wall time is whole milliseconds', () => {
  for (const clock of [nodeClock, new SeededClock()] satisfies Clock[]) {
    ok(Number.isInteger(clock.nowMs()));
  }
});

test('the hand-turned clock fires timers in order, also those set on the way', () => {
  const clock = new SeededClock(1_000);
  const fired: string[] = [];
  clock.setTimer(20, () => fired.push(`b ${clock.nowMs()}`));
  clock.setTimer(10, () => {
    fired.push(`a ${clock.nowMs()}`);
    clock.setTimer(5, () => fired.push(`c ${clock.nowMs()}`));
  });
  clock.setTimer(20, () => fired.push('cancelled')).cancel();
  clock.advance(20);
  deepStrictEqual(fired, ['a 1010', 'c 1015', 'b 1020']);
  clock.jump(-500);
  deepStrictEqual([clock.nowMs(), clock.monotonicMs()], [520, 20]);
});

test('random bytes have the length asked for, and a seed repeats them', () => {
  strictEqual(nodeRandom.bytes(33).length, 33);
  const fraction = nodeRandom.fraction();
  ok(fraction >= 0 && fraction < 1);
  deepStrictEqual(new SeededRandom(7).bytes(16), new SeededRandom(7).bytes(16));
});
