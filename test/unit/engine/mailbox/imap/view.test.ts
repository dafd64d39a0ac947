/**
 * Aim: a session's view turns sequence numbers and UIDs into each other, and is the same set whenever it is made.
 * Method: views of random mailboxes against a plain list of UIDs; a view made late against one made before.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DerivedMemory } from '../../../../../src/engine/mailbox/derived-memory.ts';
import { type View, ViewBuilder } from '../../../../../src/engine/mailbox/imap/view.ts';
import { Views } from '../../../../../src/engine/mailbox/imap/views.ts';
import { addId } from '../../../../../src/engine/mailbox/rows/uid-ranges.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';
import { account, MailboxWorld, tenant } from '../mailbox-world.ts';

function viewOf(uids: readonly number[]): View {
  const ranges: number[] = [];
  for (const uid of uids) addId(ranges, uid);
  const builder = new ViewBuilder();
  builder.addUids(ranges, 1, 2 ** 32);
  return builder.build(1, (uids.at(-1) ?? 0) + 1);
}

describe('a view', () => {
  it('of nothing has no messages', () => {
    const view = viewOf([]);
    assert.deepEqual([view.count, view.lastUid, view.uidOf(1), view.sequenceOf(1)], [0, 0, 0, 0]);
  });

  it('knows each message by both numbers', () => {
    const seed = 7;
    const random = new SeededRandom(seed);
    for (let round = 0; round < 30; round++) {
      const uids: number[] = [];
      let uid = 0;
      for (let i = 0; i < 300; i++) {
        uid += 1 + random.below(round * 3 + 1);
        uids.push(uid);
      }
      const view = viewOf(uids);
      assert.equal(view.count, uids.length, `seed ${seed}`);
      for (const [i, one] of uids.entries()) {
        assert.equal(view.uidOf(i + 1), one, `seed ${seed} round ${round}`);
        assert.equal(view.sequenceOf(one), i + 1, `seed ${seed} round ${round}`);
        if (!uids.includes(one + 1)) assert.equal(view.sequenceOf(one + 1), 0);
      }
      assert.equal(view.uidOf(uids.length + 1), 0);
    }
  });

  it('tells the numbers of many as it tells them one by one', () => {
    const seed = 8;
    const random = new SeededRandom(seed);
    const below = 2_000;
    const some = (oneIn: number) =>
      Array.from({ length: below }, (_, uid) => uid).filter(
        (uid) => uid > 0 && (uid >> 7) % 3 !== oneIn % 3 && random.below(oneIn) === 0,
      );
    for (let round = 1; round <= 20; round++) {
      const view = viewOf(some(round));
      const asked = Uint32Array.from(some(1 + random.below(9)));
      const one = asked.map((uid) => view.sequenceOf(uid));
      assert.deepEqual(view.sequencesOfAll(asked), one, `seed ${seed} round ${round}`);
    }
    assert.deepEqual(viewOf([]).sequencesOfAll(Uint32Array.of(1, 300)), Uint32Array.of(0, 0));
  });
});

describe('views of a mailbox', () => {
  it('are the same whether made before an expunge or after it', async () => {
    const seed = 11;
    const random = new SeededRandom(seed);
    const world = new MailboxWorld();
    for (let i = 0; i < 20; i++) await world.deliver();
    const kept: { view: View; modseq: number; uidNext: number }[] = [];
    const views = new Views(world.shard, new DerivedMemory());
    const mailbox = 1;
    for (let step = 0; step < 60; step++) {
      const row = world.reader.mailbox(account, mailbox)!;
      const at = { account, mailbox, modseq: row.highestModseq, uidNext: row.uidNext };
      kept.push({ view: await views.view(at), ...at });
      if (random.below(2) === 0) await world.deliver();
      else {
        const first = 1 + random.below(row.uidNext);
        await world.mailboxes.expunge(account, tenant, mailbox, [first, first + random.below(3)]);
      }
    }
    for (const { view, modseq, uidNext } of kept) {
      const anew = await new Views(world.shard, new DerivedMemory()).view({
        account,
        mailbox,
        modseq,
        uidNext,
      });
      assert.deepEqual(uidsOf(anew), uidsOf(view), `seed ${seed} modseq ${modseq}`);
    }
    const { highestModseq: modseq, uidNext } = world.reader.mailbox(account, mailbox)!;
    const now = await views.view({ account, mailbox, modseq, uidNext });
    const real = world.reader.messages(account, mailbox, 1, 1_000).map(({ uid }) => uid);
    assert.deepEqual(uidsOf(now), real, `seed ${seed}`);
  });

  it('count what came and went unseen as long as the session was not told', async () => {
    const world = new MailboxWorld();
    await world.deliver();
    const before = world.reader.mailbox(account, 1)!;
    await world.deliver();
    await world.mailboxes.expunge(account, tenant, 1, [2, 2]);
    const after = world.reader.mailbox(account, 1)!;
    const views = new Views(world.shard, new DerivedMemory());
    const at = { account, mailbox: 1, uidNext: after.uidNext };
    const untold = await views.view({ ...at, modseq: before.highestModseq });
    assert.deepEqual(uidsOf(untold), [1, 2]);
    const told = await views.view({ ...at, modseq: after.highestModseq });
    assert.deepEqual(uidsOf(told), [1]);
  });

  it('are shared: the same one is given for the same question', async () => {
    const world = new MailboxWorld();
    await world.deliver();
    const { highestModseq: modseq, uidNext } = world.reader.mailbox(account, 1)!;
    const views = new Views(world.shard, new DerivedMemory());
    const wanted = { account, mailbox: 1, modseq, uidNext };
    const [one, other] = [await views.view(wanted), await views.view(wanted)];
    assert.equal(one, other);
  });
});

function uidsOf(view: View): number[] {
  return Array.from({ length: view.count }, (_, i) => view.uidOf(i + 1));
}
