/**
 * Aim: a COPY or MOVE asked again by its id, because its thread died, is done once and answered the same, wherever it
 *      stopped; one that fails leaves nothing behind.
 * Method: the mailboxes on a fake shard whose appends fail where a test wants it; a second set of actors asks again.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dayMs } from '../../../../src/base/units.ts';
import { Mailboxes } from '../../../../src/engine/mailbox/mailboxes.ts';
import { deliveriesBefore } from '../../../../src/engine/store/keys.ts';
import { account, MailboxWorld, rebuilt, tableText, tenant } from './mailbox-world.ts';

const archive = 6;
const count = 1_100;
const from = { mailbox: 1, uids: [1, count] };

async function filled(): Promise<MailboxWorld> {
  const world = new MailboxWorld();
  const all: Promise<unknown>[] = [];
  for (let i = 0; i < count; i++) all.push(world.deliver());
  await Promise.all(all);
  return world;
}

/** Actors that know nothing but the tables. */
function newThread(world: MailboxWorld): Mailboxes {
  const mailboxes = new Mailboxes({ clock: world.clock });
  mailboxes.start(world.shard);
  return mailboxes;
}

for (const isMove of [false, true]) {
  describe(isMove ? 'a MOVE' : 'a COPY', () => {
    it('done again answers the same and changes nothing', async () => {
      const world = await filled();
      const id = world.ids.next();
      const first = await world.mailboxes.copy(account, tenant, from, archive, isMove, { id });
      const records = world.shard.records.length;
      const again = await newThread(world).copy(account, tenant, from, archive, isMove, { id });
      assert.deepEqual(again, first);
      assert.deepEqual(first.targets, [1, count]);
      assert.equal(world.shard.records.length, records);
      const other = world.ids.next();
      const more = await newThread(world).copy(account, tenant, from, archive, isMove, {
        id: other,
      });
      assert.equal(more.targets[0], isMove ? undefined : count + 1);
    });

    it('whose thread died in the middle goes on there', async () => {
      const world = await filled();
      const id = world.ids.next();
      // The first record only: as far as the dead thread came.
      const begun = { mailbox: 1, uids: [1, 500] };
      await world.mailboxes.copy(account, tenant, begun, archive, isMove, { id });
      const all = await newThread(world).copy(account, tenant, from, archive, isMove, { id });
      assert.deepEqual(all, { sources: [1, count], targets: [1, count] });
      assert.equal(world.reader.mailbox(account, archive)!.messages, count);
      const again = rebuilt(world.shard, (shard) => {
        for (let i = 0; i < 2; i++) for (const record of world.shard.records) shard.apply(record);
      });
      assert.deepEqual(tableText(again), tableText(world.shard));
    });
  });
}

describe('a copy that fails', () => {
  it('leaves nothing behind, as RFC 9051 §6.4.7 wants', async () => {
    const world = await filled();
    world.shard.faults.push(undefined, undefined, 'lost');
    await assert.rejects(
      world.mailboxes.copy(account, tenant, from, archive, false, { id: world.ids.next() }),
    );
    assert.equal(world.reader.mailbox(account, archive)!.messages, 0);
    const copied = await world.mailboxes.copy(account, tenant, from, archive, false);
    assert.equal(copied.targets[0], count + 1, 'no UID is given twice');
  });
});

describe('names of copies', () => {
  it('are forgotten with those of deliveries', async () => {
    const world = await filled();
    await world.mailboxes.copy(account, tenant, from, archive, false, { id: world.ids.next() });
    const dayNow = Math.floor(world.nowMs / dayMs) + 1;
    const named = () => world.shard.range(deliveriesBefore(account, dayNow)).length;
    assert.equal(named(), count + 3);
    world.nowMs += 31 * dayMs;
    await world.mailboxes.copy(account, tenant, from, archive, false, { id: world.ids.next() });
    assert.equal(named(), 0);
  });
});
