/**
 * Aim: a thread that stays hot is relieved, in one go where one shard makes the heat; and not where an operator wants
 *      every shard to stay.
 * Method: the runtime on a clock turned by hand, with busy times made up and one shard asked ten times as often.
 */

import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import type { ShardId } from '../../../src/base/ids.ts';
import { askOf } from '../../support/actor-engine.ts';
import { ActorWorld } from '../../support/actor-world.ts';

/** Shards 0, 2, 4 and 6 are thread 0's; `hot` of them gets ten asks for each one of the others. */
async function playHot(hot: number, seconds: number, moves: boolean): Promise<ActorWorld> {
  const placing = { moves, spread: true };
  const world = await new ActorWorld({ shards: 8, workers: 2, placing }).start();
  const { runtime, channel, clock } = world;
  channel.activeMs = (thread) => (thread === 0 ? clock.monotonicMs() : 0);
  const asks: Promise<unknown>[] = [];
  for (let tick = 0; tick < seconds * 10; tick++) {
    for (let shard = 0; shard < 8; shard++) {
      for (let i = 0; i < (shard === hot ? 10 : 1); i++) {
        asks.push(
          runtime.ask(askOf({ shard: shard as ShardId, actor: `${i}`, name: 'write', meta: tick })),
        );
      }
    }
    await clock.pass(100, 1);
  }
  await world.until(Promise.all(asks));
  deepStrictEqual(world.engine.faults, []);
  return world;
}

test('the shards beside a hot one leave its thread in one go, and it stays where it is', async () => {
  const world = await playHot(0, 9, true);
  deepStrictEqual(world.runtime.placement.shardsOf(0), [0]);
  await world.until(world.runtime.close());
});

test('a thread that is hot for a moment keeps its shards', async () => {
  const world = await playHot(0, 3, true);
  deepStrictEqual(world.runtime.placement.shardsOf(0), [0, 2, 4, 6]);
  await world.until(world.runtime.close());
});

test('with moves off every shard stays', async () => {
  const world = await playHot(0, 9, false);
  deepStrictEqual(world.runtime.placement.shardsOf(0), [0, 2, 4, 6]);
  await world.until(world.runtime.close());
});

test('with spreading off new mail stays with its shard, whatever its thread has to do', async () => {
  const spread = await playHot(0, 3, true);
  strictEqual(spread.runtime.spoolShard(), 1);
  await spread.until(spread.runtime.close());
  const world = await new ActorWorld({ placing: { moves: true, spread: false } }).start();
  world.channel.activeMs = (thread) => (thread === 0 ? world.clock.monotonicMs() : 0);
  await world.clock.pass(3_000, 1);
  strictEqual(world.runtime.spoolShard(), 0);
  await world.until(world.runtime.close());
});
