/** Aim: operators find queued mail by what it is, and act on those recipients alone that they named. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { QueueSelection } from '../../../../src/actors/asks/control.ts';
import type { MessageId } from '../../../../src/base/ids.ts';
import { hourMs } from '../../../../src/base/units.ts';
import { ownReply } from '../../../../src/engine/delivery/message.ts';
import { SpoolWorld } from '../../../support/spool-world.ts';

/** Three messages: an old one of a campaign, one for two domains, one that was greylisted. */
async function filled() {
  const world = new SpoolWorld();
  const terms = { campaign: 'news' };
  const old = await world.accept(['a@one.test'], 'n@from.test', 0, undefined, { terms });
  await world.answer('deferred');
  await world.pass(2 * hourMs);
  while (world.open.length > 0) await world.answer('deferred');
  const both = await world.accept(['Bob@one.test', 'c@two.test']);
  await world.answer('deferred');
  await world.answer('deferred');
  const grey = await world.accept(['d@two.test']);
  await world.answer('deferred', { reply: ownReply(450, '4.2.0', 'Greylisted') });
  await world.settle();
  return { world, old, both, grey };
}

async function idsOf(world: SpoolWorld, selection: QueueSelection): Promise<MessageId[]> {
  return (await world.list('', 100, selection)).entries.map(({ id }) => id as MessageId);
}

describe('a selection of the queue', () => {
  it('goes by campaign, age, domain, recipient, sender and reason, all that are given', async () => {
    const { world, old, both, grey } = await filled();
    const cases: readonly (readonly [QueueSelection, readonly MessageId[]])[] = [
      [{}, [old, both, grey]],
      [{ campaign: 'news' }, [old]],
      [{ campaign: '' }, [both, grey]],
      [{ olderThanMs: hourMs }, [old]],
      [{ domain: 'two.test' }, [both, grey]],
      [{ recipient: 'BOB@one.test' }, [both]],
      [{ sender: 'n@from.test' }, [old]],
      [{ why: 'greylist' }, [grey]],
      [{ domain: 'one.test', campaign: 'news' }, [old]],
      [{ domain: 'one.test', why: 'greylist' }, []],
    ];
    for (const [selection, ids] of cases) {
      assert.deepEqual(await idsOf(world, selection), ids, JSON.stringify(selection));
    }
  });

  it('leaves the other recipients of a message alone', async () => {
    const { world, both } = await filled();
    assert.ok((await world.act('delete', both, { recipient: 'bob@one.test' })).ok);
    await world.settle();
    assert.deepEqual(await idsOf(world, { recipient: 'bob@one.test' }), []);
    assert.deepEqual(await idsOf(world, { recipient: 'c@two.test' }), [both]);
    const answer = await world.act('delete', both, { why: 'greylist' });
    assert.deepEqual(answer.ok && answer.value, { count: 0 });
  });

  it('finds named messages by their names, however many others there are', async () => {
    const { world, old, both, grey } = await filled();
    let rangeCount = 0;
    const range = world.shard.range.bind(world.shard);
    world.shard.range = (wanted) => {
      rangeCount++;
      return range(wanted);
    };
    assert.deepEqual(await idsOf(world, { ids: [grey, old, old, 'none'] }), [old, grey]);
    assert.deepEqual(await idsOf(world, { ids: [both], domain: 'other.test' }), []);
    assert.equal(rangeCount, 0);
  });
});
