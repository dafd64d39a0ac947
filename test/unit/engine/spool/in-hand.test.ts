/**
 * Aim: a message whose attempts end threads is put on hold after the second, says so to operators, and may be released;
 *      no other message pays for it.
 * Method: a spool in memory whose next hop throws for one message; `crash` is the death of the thread.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inHandBytes } from '../../../../src/actors/asks/thread-data.ts';
import type { MessageId } from '../../../../src/base/ids.ts';
import { InHand } from '../../../../src/engine/spool/in-hand.ts';
import { SpoolWorld } from '../../../support/spool-world.ts';

async function killedTwice(): Promise<{ world: SpoolWorld; killer: MessageId; other: MessageId }> {
  const world = new SpoolWorld();
  const killer = world.ids.next();
  world.killer = killer;
  await assert.rejects(world.accept(['x@to.test'], 'a@from.test', 0, killer));
  const other = world.ids.next();
  world.killer = undefined;
  // The next life reads the body first, and dies of it in a later turn.
  assert.throws(() => new InHand(world.memory, 0).run(killer, fail));
  return { world, killer, other };
}

function fail(): void {
  throw new Error('bug');
}

describe('a message that ends threads', () => {
  it('is on hold from the third start on, and shows why', async () => {
    const { world, killer, other } = await killedTwice();
    world.crash();
    await world.settle();
    assert.equal(world.open.length, 0);
    const { entries } = await world.list('', 10);
    assert.deepEqual(
      entries.map(({ id, recipients }) => [id, recipients[0]!.state, recipients[0]!.lastReply]),
      [[killer, 'held', '451 4.3.0 Put on hold: its delivery ended an engine thread twice']],
    );
    await world.accept(['y@to.test'], 'a@from.test', 0, other);
    assert.equal(world.open.length, 1, 'others are delivered');
  });

  it('stays on hold when the process starts anew, and goes when an operator releases it', async () => {
    const { world, killer } = await killedTwice();
    world.crash();
    await world.settle();
    world.crash();
    await world.settle();
    assert.equal(world.open.length, 0);
    void world.act('release', killer);
    await world.settle();
    assert.equal(world.open.length, 1);
  });

  it('has a clean sheet after an attempt that ended', async () => {
    const world = new SpoolWorld();
    const killer = world.ids.next();
    world.killer = killer;
    await assert.rejects(world.accept(['x@to.test'], 'a@from.test', 0, killer));
    world.killer = undefined;
    world.crash();
    await world.settle();
    await world.answer('deferred');
    const { inHand } = world.spool;
    assert.throws(() => inHand.run(killer, fail));
    assert.equal(inHand.isKiller(killer), false, 'it was once since');
    assert.throws(() => inHand.run(killer, fail));
    assert.equal(inHand.isKiller(killer), true);
  });
});

describe('what a shard has in hand', () => {
  const first = '0123456789ABCDEF' as MessageId;
  const second = '0123456789ABCDEG' as MessageId;

  it('blames the innermost message, once for an error', () => {
    const memory = new SharedArrayBuffer(2 * inHandBytes);
    for (let life = 0; life < 2; life++) {
      const inHand = new InHand(memory, 1);
      assert.throws(() => inHand.run(first, () => inHand.run(second, fail)));
    }
    const inHand = new InHand(memory, 1);
    assert.deepEqual([inHand.isKiller(first), inHand.isKiller(second)], [false, true]);
    assert.equal(new InHand(memory, 0).isKiller(second), false, 'of the other shard');
  });

  it('blames what was in hand when a thread went without a word', () => {
    const memory = new SharedArrayBuffer(inHandBytes);
    for (let life = 0; life < 2; life++) {
      const dying = new InHand(memory, 0);
      // The next life is made while this one is still at work: it never came to the end of it.
      dying.run(first, () => new InHand(memory, 0));
    }
    assert.equal(new InHand(memory, 0).isKiller(first), true);
  });
});
