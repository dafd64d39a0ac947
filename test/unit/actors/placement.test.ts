/**
 * Aim: new mail goes where there is least to do without shrinking batches, and hot shards move where it helps.
 * Method: placements, loads and the choice of a move on made-up figures.
 */

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { ByteBudget } from '../../../src/actors/budget.ts';
import { LoadMeter } from '../../../src/actors/load.ts';
import { bestMove, hotAndCool, moveLimitsDefault } from '../../../src/actors/moves.ts';
import { Placement } from '../../../src/actors/placement.ts';
import type { ShardId } from '../../../src/base/ids.ts';
import { SeededClock } from '../../support/seeded-clock.ts';

function placed(shards = 6, workers = 2) {
  const busy = new Array<number>(workers).fill(0);
  const waitMs = new Array<number>(workers).fill(0);
  const closed = new Set<number>();
  const placement = new Placement({
    shards,
    workers,
    load: (thread) => ({ busy: busy[thread]!, backlog: 0, waitMs: waitMs[thread]! }),
    isOpen: (shard) => !closed.has(shard),
  });
  return { placement, busy, waitMs, closed };
}

const ids = (...numbers: number[]) => numbers as ShardId[];

test('shards are dealt to threads in turn, and a move changes one owner', () => {
  const { placement } = placed();
  deepStrictEqual(placement.shardsOf(0), [0, 2, 4]);
  placement.move(2 as ShardId, 1);
  deepStrictEqual(placement.shardsOf(1), [1, 2, 3, 5]);
});

test('new mail stays with one thread while that has time', () => {
  const { placement, busy } = placed();
  busy[0] = 0.3;
  placement.chooseSpoolThread();
  strictEqual(placement.spoolShard(), 0);
});

test('new mail goes to a thread with much less to do, and does not swing back at once', () => {
  const { placement, busy } = placed();
  busy[0] = 0.9;
  placement.chooseSpoolThread();
  strictEqual(placement.spoolShard(), 1);
  busy[0] = 0.5;
  busy[1] = 0.6;
  placement.chooseSpoolThread();
  strictEqual(placement.spoolShard(), 1);
});

test('new mail leaves a thread that owes answers, though that looks idle, and comes back only for a reason', () => {
  const { placement, waitMs } = placed();
  waitMs[0] = 90;
  placement.chooseSpoolThread();
  strictEqual(placement.spoolShard(), 0, 'a slow sync is no reason');
  waitMs[0] = 300;
  placement.chooseSpoolThread();
  strictEqual(placement.spoolShard(), 1);
  waitMs[0] = 0;
  placement.chooseSpoolThread();
  strictEqual(placement.spoolShard(), 1);
});

test('new mail stays where it is when every thread owes answers for as long: the disk stands still', () => {
  const { placement, waitMs } = placed();
  waitMs.fill(800);
  placement.chooseSpoolThread();
  strictEqual(placement.spoolShard(), 0);
});

test('a thread has one shard for new mail: its lowest that is open', () => {
  const { placement, closed } = placed();
  closed.add(0);
  strictEqual(placement.spoolShard(), 2);
  for (const shard of [2, 4]) closed.add(shard);
  strictEqual(placement.spoolShard(), 1);
});

test('the move chosen leaves the hotter of two threads with least to do', () => {
  const rates = [60, 20, 15, 5];
  const rate = (shard: ShardId) => rates[shard]!;
  strictEqual(bestMove(ids(0, 1, 2, 3), rate, 100, 0), 0);
  strictEqual(bestMove(ids(0, 1, 2, 3), rate, 100, 40), 1);
  strictEqual(bestMove(ids(0, 1, 2, 3), rate, 100, 99), undefined);
  strictEqual(bestMove(ids(0), rate, 60, 30), undefined);
  strictEqual(bestMove([], rate, 0, 0), undefined);
});

test('a thread is hot beside one that has time, or, where no core is free, beside one with far less waiting', () => {
  const of = (...loads: readonly (readonly [busy: number, backlog: number])[]) =>
    hotAndCool(
      loads.map(([busy, backlog]) => ({ busy, backlog })),
      moveLimitsDefault,
    );
  deepStrictEqual(of([0.2, 0], [0.95, 3], [0.4, 1]), { hot: 1, cool: 0 });
  deepStrictEqual(of([0.95, 120], [0.9, 8]), { hot: 0, cool: 1 });
  strictEqual(of([0.95, 120], [0.9, 60]), undefined, 'both have much to do');
  strictEqual(of([0.95, 10], [0.9, 1]), undefined, 'too little waits to tell');
  strictEqual(of([0.6, 120], [0.1, 0]), undefined, 'it waits for the disk, not for a thread');
  strictEqual(of([0.99, 500]), undefined, 'there is no other');
});

test('load averages follow busy time and rates, and survive a new life of the thread', () => {
  const clock = new SeededClock();
  let activeMs = 0;
  let waitMs = 400;
  const meter = new LoadMeter({
    threads: 1,
    shards: 2,
    clock,
    activeMs: () => activeMs,
    backlog: () => 10,
    waitMs: () => waitMs,
  });
  for (let i = 0; i < 50; i++) {
    clock.advance(100);
    activeMs += 50;
    meter.roundTrip(0, 1 as ShardId, 4, 20);
    meter.sample();
  }
  const near = (value: number, wanted: number) =>
    ok(Math.abs(value - wanted) < wanted / 50, `${value} is not near ${wanted}`);
  near(meter.of(0).busy, 0.5);
  near(meter.of(0).backlog, 10);
  near(meter.of(0).roundTripMs, 4);
  strictEqual(meter.of(0).waitMs, 400, 'a debt counts at once and whole');
  near(meter.rate(1 as ShardId), 200);
  strictEqual(meter.rate(0 as ShardId), 0);
  activeMs = 0;
  waitMs = 0;
  clock.advance(100);
  meter.sample();
  strictEqual(meter.of(0).waitMs, 0);
  ok(meter.of(0).busy >= 0);
});

test('the byte budget refuses at once what goes past it, and takes back what was reserved', () => {
  const budget = new ByteBudget(100);
  strictEqual(budget.reserve(100), undefined);
  strictEqual(budget.reserve(1)?.code, 'store-busy');
  budget.release(100);
  deepStrictEqual([budget.reserve(60), budget.bytes], [undefined, 60]);
});
