/**
 * Aim: whatever happens in whatever order, each accepted recipient ends delivered or reported, and nothing stays.
 * Method: seeded random steps (accept, outcomes, time, refused appends, sites without room, crashes with and without
 *         the index), then an end in which everything can be delivered. The seed of a failure is in its message.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hourMs } from '../../../../src/base/units.ts';
import { queueRange } from '../../../../src/engine/spool/queue-rows.ts';
import { SeededRandom } from '../../../support/seeded-clock.ts';
import { SpoolWorld, type Verdict } from '../../../support/spool-world.ts';

const seedCount = 25;
const stepCount = 60;
const domains = ['one.test', 'two.test', 'three.test'];

it('every recipient ends once, through crashes and refusals', async () => {
  const first = Number(process.env.SPOOL_SEED ?? Date.now() % 1_000_000);
  for (let seed = first; seed < first + seedCount; seed++) {
    try {
      await run(seed);
    } catch (error) {
      throw new Error(`SPOOL_SEED=${seed}`, { cause: error });
    }
  }
});

async function run(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const world = new SpoolWorld({ activeCountMax: 5 }, random.below(2) === 0 ? 60 : 10_000);
  const accepted = new Set<string>();
  for (let step = 0; step < stepCount; step++) await takeStep(world, random, accepted);
  world.isFull = false;
  world.shard.faults.length = 0;
  for (let round = 0; round < 500 && world.spool.queuedCount > 0; round++) {
    while (world.open.length > 0) await world.answer('delivered');
    await world.pass(hourMs);
  }
  assert.equal(world.spool.queuedCount, 0, 'nothing stays');
  assert.equal(world.spool.activeCount, 0);
  assert.equal(world.shard.range(queueRange).length, 0, 'no row stays');
  assert.equal(world.bodies.bytes, 0, 'no body stays in memory');
  const attempted = new Set(world.attempts);
  for (const name of accepted) assert.ok(attempted.has(name), `${name} was never tried`);
}

async function takeStep(
  world: SpoolWorld,
  random: SeededRandom,
  accepted: Set<string>,
): Promise<void> {
  const step = random.below(12);
  if (step < 4) {
    const recipients = domains.slice(0, 1 + random.below(3)).map((domain) => `x@${domain}`);
    if (random.below(6) === 0) world.shard.faults.push('lost');
    const id = world.ids.next();
    await world.accept(recipients, 'a@from.test', 0, id).then(
      () => {
        for (const address of recipients) accepted.add(`${id} ${address}`);
      },
      () => {},
    );
  } else if (step < 9 && world.open.length > 0) {
    if (random.below(8) === 0) world.shard.faults.push('lost');
    const verdicts: Verdict[] = ['delivered', 'deferred', 'deferred', 'failed'];
    await world.answer(verdicts[random.below(4)]!);
  } else if (step === 9) await world.pass(random.below(3 * hourMs));
  else if (step === 10) world.isFull = random.below(2) === 0;
  else {
    world.crash({ withoutIndex: random.below(2) === 0 });
    await world.settle();
  }
}
