/**
 * Concurrency that follows what a path stands. Method: a receiver whose capacity changes, on a clock of its own, with
 * seeded chance; properties over many of them.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Concurrency } from '../../../../../src/engine/delivery/shaping/concurrency.ts';

test('it starts at its ceiling, halves by what was in use, and never goes below one', () => {
  const concurrency = new Concurrency(20, 0);
  assert.equal(concurrency.limit, 20);
  assert.ok(concurrency.refused(12, 10, 1_000));
  assert.equal(concurrency.limit, 6);
  for (let i = 1; i < 10; i++) concurrency.refused(6, 10, i * 100_000);
  assert.equal(concurrency.limit, 1);
});

test('a cohort of refusals counts once, as long as what was under way takes', () => {
  const concurrency = new Concurrency(16, 0);
  assert.ok(concurrency.refused(16, 3_000, 0));
  for (let ms = 1; ms < 12_000; ms += 500) assert.ok(!concurrency.refused(16, 3_000, ms));
  assert.equal(concurrency.limit, 8);
  assert.ok(concurrency.refused(8, 3_000, 12_000));
  assert.equal(concurrency.limit, 4);
});

test('a cohort ends, however slow the path is', () => {
  const concurrency = new Concurrency(16, 0);
  concurrency.refused(16, 1e9, 0);
  assert.ok(!concurrency.refused(8, 1e9, 59_999));
  assert.ok(concurrency.refused(8, 1e9, 60_000));
});

test('it grows by one only after time, enough messages, and when all of it was used', () => {
  const concurrency = new Concurrency(20, 0);
  concurrency.refused(20, 10, 0);
  assert.equal(concurrency.limit, 10);
  assert.ok(!concurrency.succeeded(1_000, 10, 4_999));
  assert.ok(!concurrency.succeeded(1_000, 9, 5_000));
  assert.ok(concurrency.succeeded(20, 10, 5_000));
  assert.equal(concurrency.limit, 11);
  assert.ok(!concurrency.succeeded(1, 11, 10_000));
});

test('near the place that refused last it grows slowly', () => {
  const concurrency = new Concurrency(100, 0);
  concurrency.refused(20, 10, 0);
  let nowMs = 0;
  const grown: number[] = [];
  while (concurrency.limit < 22) {
    nowMs += 1_000;
    if (concurrency.succeeded(1_000, concurrency.limit, nowMs)) grown.push(nowMs / 1_000);
  }
  assert.deepEqual(grown, [5, 10, 15, 20, 25, 30, 90, 150, 210, 270, 330, 390]);
});

test('another ceiling holds at once, and lifts what was not held back', () => {
  const free = new Concurrency(10, 0);
  free.setCeiling(30);
  assert.equal(free.limit, 30);
  free.setCeiling(5);
  assert.equal(free.limit, 5);
  const held = new Concurrency(30, 0);
  held.refused(30, 10, 0);
  held.setCeiling(40);
  assert.equal(held.limit, 15);
  held.setCeiling(4);
  assert.equal(held.limit, 4);
});

test('a new owner takes it on where the last one left it, and does not fall by old refusals', () => {
  const before = new Concurrency(20, 0);
  before.refused(20, 10, 0);
  const after = new Concurrency(20, 50_000, before.state);
  assert.equal(after.limit, 10);
  assert.ok(!after.refused(10, 10, 50_500));
  assert.equal(new Concurrency(4, 0, before.state).limit, 4);
});

/** Refuses whatever is over its capacity, tells of it by second. */
function play(capacityAt: (second: number) => number, seconds: number, ceiling: number) {
  const concurrency = new Concurrency(ceiling, 0);
  const limits: number[] = [];
  let refusedSeconds = 0;
  for (let second = 1; second <= seconds; second++) {
    const { limit } = concurrency;
    const isOver = limit > capacityAt(second);
    const taken = Math.min(limit, capacityAt(second)) * 20;
    if (taken > 0) concurrency.succeeded(taken, limit, second * 1_000);
    if (isOver) {
      refusedSeconds++;
      concurrency.refused(limit, 50, second * 1_000);
    }
    limits.push(concurrency.limit);
  }
  return { limits, refusedSeconds };
}

test('it follows a receiver whose capacity changes, and rarely runs into it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 80 }),
      (capacities, ceiling) => {
        const span = 3_600;
        const capacityAt = (second: number) =>
          capacities[Math.min(capacities.length - 1, Math.floor((second - 1) / span))]!;
        const { limits, refusedSeconds } = play(capacityAt, span * capacities.length, ceiling);
        for (const limit of limits) assert.ok(limit >= 1 && limit <= ceiling);
        capacities.forEach((capacity, at) => {
          const most = Math.min(capacity, ceiling);
          const later = limits.slice(at * span + span / 2, (at + 1) * span);
          const mean = later.reduce((sum, limit) => sum + limit, 0) / later.length;
          assert.ok(mean >= most * 0.45, `${mean} of ${most}`);
          assert.ok(mean <= most * 1.05 + 1, `${mean} of ${most}`);
        });
        assert.ok(refusedSeconds <= (limits.length * 0.02 + 20) * 1.5, `${refusedSeconds}`);
      },
    ),
    { numRuns: 150 },
  );
});

test('anything it is told leaves it between one and its ceiling', () => {
  const step = fc.record({
    kind: fc.constantFrom('ok', 'no', 'ceiling'),
    count: fc.integer({ min: 1, max: 10_000 }),
    ms: fc.integer({ min: 0, max: 100_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      let nowMs = 0;
      const concurrency = new Concurrency(20, nowMs);
      for (const { kind, count, ms } of steps) {
        nowMs += ms;
        const before = concurrency.limit;
        if (kind === 'ok') {
          concurrency.succeeded(count, count, nowMs);
          assert.ok(concurrency.limit - before <= 1);
        } else if (kind === 'no') {
          concurrency.refused(count, ms, nowMs);
          assert.ok(concurrency.limit <= before);
        } else concurrency.setCeiling(count);
        assert.ok(concurrency.limit >= 1 && concurrency.limit <= concurrency.ceiling);
      }
    }),
  );
});
