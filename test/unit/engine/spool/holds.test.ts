/**
 * Aim: what operators suspend waits, what is there and what comes, through restarts, and goes on when that ends.
 * Method: a spool on a shard in memory, rules set by hand.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hourMs } from '../../../../src/base/units.ts';
import type { HoldFilter, HoldRule } from '../../../../src/ports/hold-rule.ts';
import { SpoolWorld } from '../../../support/spool-world.ts';

function rule(id: number, filter: HoldFilter, untilMs = 0): HoldRule {
  return { id, filter, createdMs: 1, untilMs, note: '' };
}

function open({ open: attempts }: SpoolWorld): string[] {
  return attempts.flatMap(({ message }) => message.recipients.map(({ address }) => address)).sort();
}

async function released(world: SpoolWorld): Promise<string[]> {
  for (let i = 0; i < 4; i++) {
    world.clock.advance(50);
    await world.settle();
  }
  return open(world);
}

describe('a hold rule', () => {
  it('holds by tenant, campaign, sender, domain and recipient, all that are given', async () => {
    const cases: readonly (readonly [HoldFilter, readonly string[]])[] = [
      [{ tenant: { id: 7, name: 'acme' } }, ['a@one.test', 'b@two.test', 'C@two.test']],
      [{ campaign: 'news' }, ['b@two.test']],
      [{ campaign: '' }, ['a@one.test', 'C@two.test', 'd@one.test']],
      [{ sender: 'x@from.test' }, ['a@one.test', 'b@two.test', 'd@one.test']],
      [{ domain: 'two.test' }, ['a@one.test', 'd@one.test']],
      [{ recipient: 'c@two.test' }, ['a@one.test', 'b@two.test', 'd@one.test']],
      [
        { domain: 'one.test', tenant: { id: 7, name: 'acme' } },
        ['C@two.test', 'a@one.test', 'b@two.test'],
      ],
    ];
    for (const [filter, through] of cases) {
      const world = new SpoolWorld();
      world.holds.set([rule(1, filter)]);
      const news = { terms: { campaign: 'news' } };
      await world.accept(['a@one.test'], 'n@from.test', 0, undefined, news);
      await world.accept(['b@two.test']);
      await world.accept(['C@two.test'], 'x@from.test', 0, undefined, news);
      await world.accept(['d@one.test'], 'n@from.test', 0, undefined, { ...news, tenant: 7 });
      assert.deepEqual(open(world), [...through].sort(), JSON.stringify(filter));
      world.holds.set([]);
      assert.equal((await released(world)).length, 4, JSON.stringify(filter));
    }
  });

  it('holds what waits for its next attempt, at no cost, and lets it go when it ends', async () => {
    const world = new SpoolWorld();
    await world.accept(['a@one.test']);
    await world.answer('deferred');
    await world.pass(2_000);
    world.holds.set([rule(1, { domain: 'one.test' })]);
    await world.pass(hourMs);
    assert.deepEqual(open(world), []);
    let changeCount = 0;
    world.shard.onChanges = ({ length }) => {
      changeCount += length;
    };
    for (let minute = 0; minute < 30; minute++) await world.pass(60_000);
    assert.equal(changeCount, 0);
    assert.equal((await world.list('', 10, { state: 'held' })).entries.length, 1);
    world.holds.set([]);
    assert.deepEqual(await released(world), ['a@one.test']);
    await world.answer('delivered');
    assert.equal(world.spool.queuedCount, 0);
  });

  it('ends by itself, and outlives a crash', async () => {
    const world = new SpoolWorld();
    const rules = [rule(1, { domain: 'one.test' }, world.clock.nowMs() + hourMs)];
    world.holds.set(rules);
    await world.accept(['a@one.test']);
    world.crash();
    world.holds.set(rules);
    for (let i = 0; i < 3; i++) await world.pass(11_000);
    assert.deepEqual(open(world), []);
    for (let minute = 0; minute < 61; minute++) await world.pass(60_000);
    assert.deepEqual(await released(world), ['a@one.test']);
    assert.equal(world.holds.isNone, true);
  });

  it('that ended while the server was down holds no longer', async () => {
    for (const withoutIndex of [false, true]) {
      const world = new SpoolWorld();
      world.holds.set([rule(1, { domain: 'one.test' })]);
      await world.accept(['a@one.test']);
      world.holds.set([]);
      world.crash({ withoutIndex });
      for (let i = 0; i < 3; i++) await world.pass(11_000);
      assert.deepEqual(open(world), ['a@one.test']);
    }
  });

  it('holds its part of a message, and the rest goes', async () => {
    const world = new SpoolWorld();
    world.holds.set([rule(1, { domain: 'one.test' })]);
    await world.accept(['a@one.test', 'b@two.test']);
    assert.deepEqual(open(world), ['b@two.test']);
    await world.answer('delivered');
    for (let i = 0; i < 5; i++) await world.pass(60_000);
    assert.deepEqual(open(world), []);
    world.holds.set([]);
    assert.deepEqual(await released(world), ['a@one.test']);
    assert.equal(world.attempts.length, 2);
  });

  it('is not passed by a retry of operators', async () => {
    const world = new SpoolWorld();
    world.holds.set([rule(1, { domain: 'one.test' })]);
    const id = await world.accept(['a@one.test']);
    const answer = await world.act('retry', id);
    assert.deepEqual(answer.ok && answer.value, { count: 0 });
    assert.deepEqual(open(world), []);
    assert.ok((await world.act('delete', id)).ok);
    await world.settle();
    assert.equal(world.spool.queuedCount, 0);
    world.holds.set([]);
    assert.deepEqual(await released(world), []);
  });
});
