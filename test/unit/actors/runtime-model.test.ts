/**
 * Aim: whatever threads do, each ask is answered once, nothing answered "ok" is missing from its journal, and the
 *      asks of one actor keep their order.
 * Method: random asks, deaths, moves and poison on a seeded clock, against journals that outlive the threads.
 */

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Answer, Ask } from '../../../src/actors/ask.ts';
import type { ShardId } from '../../../src/base/ids.ts';
import { askOf } from '../../support/actor-engine.ts';
import { ActorWorld } from '../../support/actor-world.ts';

type Step =
  | { readonly do: 'ask'; readonly shard: number; readonly actor: number; readonly name: string }
  | { readonly do: 'kill'; readonly thread: number }
  | { readonly do: 'rebuild'; readonly shard: number }
  | { readonly do: 'move'; readonly shard: number; readonly to: number }
  | { readonly do: 'pass'; readonly ms: number };

const shards = 3;
const workers = 2;

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      shard: fc.nat({ max: shards - 1 }),
      actor: fc.nat({ max: 2 }),
      name: fc.oneof(
        { weight: 12, arbitrary: fc.constant('write') },
        { weight: 4, arbitrary: fc.constant('read') },
        { weight: 1, arbitrary: fc.constant('write.later') },
        { weight: 1, arbitrary: fc.constant('search') },
        { weight: 1, arbitrary: fc.constant('poison') },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('kill' as const),
      thread: fc.nat({ max: workers - 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      shard: fc.nat({ max: shards - 1 }),
      to: fc.nat({ max: workers - 1 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('rebuild' as const),
      shard: fc.nat({ max: shards - 1 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 8 }) }),
  },
);

interface Asked {
  readonly ask: Ask;
  readonly answers: Answer[];
  /** Place among all answers. */
  answered: number;
}

test('no ask is lost, answered twice or out of its order, through deaths, moves and rebuilds', async () => {
  const property = fc.asyncProperty(
    fc.integer(),
    fc.array(step, { minLength: 10, maxLength: 120 }),
    async (seed, steps) => {
      // Small parcels in half of the runs: then two of a shard are often under way.
      const limits = { backlog: { parcelBytesMax: seed % 2 === 0 ? 600 : 500_000 } };
      const world = await new ActorWorld({ seed, shards, workers, limits }).start();
      const asked = await play(world, steps);
      checkAnswers(asked);
      checkJournals(world, asked);
      deepStrictEqual(world.engine.faults, []);
      await world.until(world.runtime.close());
      strictEqual(world.engine.openCount(), 0);
    },
  );
  await fc.assert(property, { numRuns: 250 });
});

async function play(world: ActorWorld, steps: readonly Step[]): Promise<Asked[]> {
  const { runtime, clock } = world;
  const asked: Asked[] = [];
  const waits: Promise<unknown>[] = [];
  let answerCount = 0;
  for (const [order, step] of steps.entries()) {
    if (step.do === 'ask') {
      const shard = step.shard as ShardId;
      const actor = `${step.shard}/${step.actor}`;
      const entry: Asked = {
        ask: askOf({
          shard,
          actor,
          name: step.name,
          class: step.name === 'search' ? 'long' : 'short',
          meta: order,
        }),
        answers: [],
        answered: -1,
      };
      asked.push(entry);
      waits.push(
        runtime.ask(entry.ask).then((answer) => {
          entry.answers.push(answer);
          entry.answered = answerCount++;
        }),
      );
    } else if (step.do === 'kill') world.kill(step.thread);
    else if (step.do === 'move') {
      const shard = step.shard as ShardId;
      waits.push(runtime.move({ shard, from: runtime.placement.owner(shard), to: step.to }));
    } else if (step.do === 'rebuild') waits.push(runtime.rebuildIndex(step.shard as ShardId));
    else await clock.pass(step.ms, 1);
  }
  await world.until(Promise.all(waits));
  return asked;
}

function checkAnswers(asked: readonly Asked[]): void {
  const last = new Map<string, number>();
  for (const { ask, answers, answered } of asked) {
    strictEqual(answers.length, 1, `${ask.key} has ${answers.length} answers`);
    const answer = answers[0]!;
    // A killed thread may make a bystander of three deaths look guilty; nothing else may fail.
    if (!answer.ok)
      strictEqual(answer.code, 'poison-ask', `${ask.name}: ${JSON.stringify(answer)}`);
    if (ask.name === 'poison') ok(!answer.ok, 'poison was answered');
    if (!answer.ok || ask.name === 'write.later' || ask.name === 'search') continue;
    ok((last.get(ask.actor) ?? -1) < answered, `${ask.key} was answered before an earlier ask`);
    last.set(ask.actor, answered);
  }
}

function checkJournals(world: ActorWorld, asked: readonly Asked[]): void {
  for (let shard = 0; shard < shards; shard++) {
    const journal = world.engine.journal(shard);
    const keys = journal.map((record) => record.key);
    strictEqual(new Set(keys).size, keys.length, 'a key stands in the journal twice');
    for (const { ask, answers } of asked) {
      const writes = ask.name === 'write' || ask.name === 'write.later';
      if (ask.shard !== shard || !writes || !answers[0]!.ok) continue;
      ok(keys.includes(ask.key), `${ask.key} was answered ok and is not in the journal`);
    }
    const later = new Set(asked.filter((a) => a.ask.name === 'write.later').map((a) => a.ask.key));
    const last = new Map<string, number>();
    for (const { actor, key, order } of journal) {
      if (later.has(key)) continue;
      ok((last.get(actor) ?? -1) < order, `${actor}: ${order} was written after a later one`);
      last.set(actor, order);
    }
  }
}
