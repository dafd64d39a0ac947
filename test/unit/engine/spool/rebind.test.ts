/** Aim: what operators bind to another campaign or pool leaves by it, through restarts, and nothing else changes. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hourMs } from '../../../../src/base/units.ts';
import { SpoolWorld } from '../../../support/spool-world.ts';

const terms = { campaign: 'news', priority: 3 };
const to = ['x@one.test'];

/** A message that was deferred once; with a row in the index, or without. */
async function deferred(isIndexed: boolean) {
  const world = new SpoolWorld();
  const id = await world.accept(to, 'n@from.test', 0, undefined, { terms });
  await world.answer('deferred');
  if (isIndexed) await world.pass(5_000);
  assert.equal(world.spool.isUnindexed(id), !isIndexed);
  return { world, id };
}

async function termsOfNextTry(world: SpoolWorld) {
  await world.pass(2 * hourMs);
  assert.equal(world.open.length, 1);
  return world.open[0]!.message.terms;
}

describe('rebinding', () => {
  for (const isIndexed of [true, false]) {
    const where = isIndexed ? 'in the index' : 'in memory';
    it(`changes campaign and pool of a message ${where}, and of the rest nothing`, async () => {
      const { world, id } = await deferred(isIndexed);
      const binding = { campaign: 'late-news', pool: 'bulk' };
      const answer = await world.act('rebind', id, {}, binding);
      assert.deepEqual(answer, { ok: true, value: { count: 1 } });
      const again = await world.act('rebind', id, {}, binding);
      assert.deepEqual(again, { ok: true, value: { count: 0 } });
      const { entries } = await world.list('', 10, { campaign: 'late-news' });
      assert.deepEqual(
        entries.map((entry) => [entry.id, entry.recipients[0]!.attemptCount]),
        [[id, 1]],
      );
      assert.equal(world.open.length, 0, 'it is not tried for it');
      const wanted = { campaign: 'late-news', priority: 3, pool: 'bulk', isPoolBound: true };
      assert.deepEqual(await termsOfNextTry(world), wanted);
    });

    for (const withoutIndex of [true, false]) {
      const what = withoutIndex ? 'its index made again' : 'its index';
      it(`outlives a kill, with ${what}, of a message ${where}`, async () => {
        const { world, id } = await deferred(isIndexed);
        await world.act('rebind', id, {}, { campaign: 'a', pool: 'bulk' });
        await world.act('rebind', id, {}, { campaign: '' });
        world.crash({ withoutIndex });
        await world.settle();
        const wanted = { priority: 3, pool: 'bulk', isPoolBound: true };
        assert.deepEqual(await termsOfNextTry(world), wanted);
        await world.answer('deferred');
        world.crash({ withoutIndex });
        await world.settle();
        assert.deepEqual(await termsOfNextTry(world), wanted);
      });
    }
  }

  it('leaves alone what is being sent, and holds for its next try', async () => {
    const world = new SpoolWorld();
    const id = await world.accept(to, 'n@from.test', 0, undefined, { terms });
    await world.act('rebind', id, {}, { campaign: 'b' });
    assert.equal(world.open[0]!.message.terms?.campaign, 'news');
    await world.answer('deferred');
    assert.equal((await termsOfNextTry(world))?.campaign, 'b');
  });

  it('moves what waits for room to where it goes now', async () => {
    const world = new SpoolWorld();
    world.isFull = true;
    const id = await world.accept(to, 'n@from.test', 0, undefined, { terms });
    await world.pass(5_000);
    await world.act('rebind', id, {}, { pool: 'bulk' });
    await world.settle();
    world.isFull = false;
    world.spool.onRoom('one.test', 5);
    await world.settle();
    assert.equal(world.open[0]!.message.terms?.pool, 'bulk');
  });

  it('goes by the same selection as other actions', async () => {
    const { world, id } = await deferred(true);
    const elsewhere = await world.act('rebind', id, { domain: 'two.test' }, { campaign: 'b' });
    assert.deepEqual(elsewhere, { ok: true, value: { count: 0 } });
    await world.act('rebind', id, {}, { pool: 'bulk' });
    await world.act('rebind', id, {}, { pool: '' });
    assert.deepEqual(await termsOfNextTry(world), terms);
  });
});
