/**
 * Aim: the plan of an open loop is what it claims: rate, spread and share of recipients.
 * Method: long schedules from a seed, compared with what the mathematics say.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ArrivalPlan,
  createArrivals,
  parseTrace,
  type Share,
  steadyPlan,
} from '../../../../src/harness/schedule/arrivals.ts';
import { SeededRandom, seedOf } from '../../../../src/harness/seeded-random.ts';

function gaps(kind: 'constant' | 'poisson', perSecond: number, count: number): number[] {
  const arrivals = createArrivals(steadyPlan(kind, perSecond), new SeededRandom(7));
  let last = 0;
  return Array.from({ length: count }, () => {
    const atMs = arrivals.take();
    const gap = atMs - last;
    last = atMs;
    return gap;
  });
}

test('constant arrivals never drift', () => {
  const arrivals = createArrivals(steadyPlan('constant', 3), new SeededRandom(1));
  for (let i = 0; i < 3_000_000; i++) arrivals.take();
  assert.equal(arrivals.nextMs, 1_000_000_000);
});

test('Poisson arrivals have the mean and the spread of an exponential', () => {
  const all = gaps('poisson', 50, 100_000);
  const mean = all.reduce((sum, gap) => sum + gap, 0) / all.length;
  const variance = all.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / all.length;
  assert.ok(Math.abs(mean - 20) < 0.3, `mean ${mean}`);
  assert.ok(Math.abs(Math.sqrt(variance) - 20) < 0.5, `deviation ${Math.sqrt(variance)}`);
  assert.deepEqual(gaps('poisson', 50, 10), all.slice(0, 10));
});

function allOf(plan: ArrivalPlan, share?: Share, seed = 3): number[] {
  const arrivals = createArrivals(plan, new SeededRandom(seed), share);
  const all: number[] = [];
  while (arrivals.nextMs !== Infinity) all.push(arrivals.take());
  return all;
}

test('steps hold their rates one after the other, and then end', () => {
  const plan: ArrivalPlan = {
    kind: 'constant',
    stages: [
      { seconds: 2, fromPerSecond: 10, toPerSecond: 10 },
      { seconds: 3, fromPerSecond: 0, toPerSecond: 0 },
      { seconds: 1, fromPerSecond: 100, toPerSecond: 100 },
    ],
  };
  const all = allOf(plan);
  assert.equal(all.length, 120);
  assert.deepEqual(all.slice(18, 22), [1_800, 1_900, 5_000, 5_010]);
  assert.equal(all.at(-1), 5_990);
});

test('a ramp goes evenly from one rate to the other', () => {
  const stages = [{ seconds: 10, fromPerSecond: 0, toPerSecond: 200 }];
  const all = allOf({ kind: 'constant', stages });
  assert.equal(all.length, 1_000);
  const inSecond = (second: number) =>
    all.filter((atMs) => Math.floor(atMs / 1_000) === second).length;
  assert.deepEqual([0, 1, 5, 9].map(inSecond), [10, 30, 110, 190]);
  const chance = allOf({ kind: 'poisson', stages }).length;
  assert.ok(Math.abs(chance - 1_000) < 100, `${chance}`);
});

test('schedules dealt out to threads give together what they give undivided', () => {
  const stages = [{ seconds: 4, fromPerSecond: 20, toPerSecond: 60 }];
  const shares = [0, 1, 2].map((index) => ({ index, count: 3 }));
  const parts = shares.flatMap((share) => allOf({ kind: 'constant', stages }, share));
  assert.deepEqual(
    parts.sort((a, b) => a - b),
    allOf({ kind: 'constant', stages }),
  );
  const chance = shares.flatMap((share) => allOf({ kind: 'poisson', stages }, share, share.index));
  assert.ok(Math.abs(chance.length - 160) < 45, `${chance.length}`);
});

test('a trace is replayed from its first instant, in seconds or dates, in order', () => {
  const text = '# at,what\n100.5,a\n\n100 b\n103.25\n';
  assert.deepEqual(parseTrace(text, 'trace'), [0, 500, 3_250]);
  const dates = '2026-01-01T00:00:00Z x\n2026-01-01T00:00:01.5Z y';
  assert.deepEqual(parseTrace(dates, 'trace'), [0, 1_500]);
  assert.throws(() => parseTrace('1\nx', 'the file'), /the file, line 2: "x" is neither/);
  assert.throws(() => parseTrace('# none', 'the file'), /no instants/);
  const plan: ArrivalPlan = { kind: 'trace', atMs: [0, 1, 2, 3, 4] };
  assert.deepEqual(allOf(plan, { index: 1, count: 2 }), [1, 3]);
});

test('a date of a trace may have a blank before its time', () => {
  const lines = '2026-01-01 10:00:00.5 mail\n2026-01-01 10:00:02 more\n2026-01-01T10:00:01,x\n';
  assert.deepEqual(parseTrace(lines, 'trace'), [0, 500, 1_500]);
});

test('neighbouring seeds, groups and threads have seeds of their own', () => {
  const seeds = new Set<number>();
  const some = [0, 1, 2, 3];
  for (const seed of some) {
    for (const group of some) {
      for (const thread of some) {
        const first = createArrivals(
          steadyPlan('poisson', 1),
          new SeededRandom(seedOf(`${seed} ${group} ${thread}`, 'arrivals')),
        );
        seeds.add(first.nextMs);
      }
    }
  }
  assert.equal(seeds.size, 64);
});
