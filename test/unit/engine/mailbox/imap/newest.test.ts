/**
 * Aim: the newest of a set, and batches, are what a plain list of UIDs says, and cost no look at each message.
 * Method: random views against lists; a view of a million messages counts what it is asked. Failures print the seed.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imapAsks } from '../../../../../src/actors/asks/imap-asks.ts';
import { batchesOf, newestIn } from '../../../../../src/engine/mailbox/imap/newest.ts';
import { View, ViewBuilder } from '../../../../../src/engine/mailbox/imap/view.ts';
import { rangesOf } from '../../../../../src/engine/mailbox/rows/uid-ranges.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';
import { account, tenant } from '../mailbox-world.ts';
import { ImapWorld } from './imap-world.ts';

function viewOf(uids: readonly number[]): View {
  const builder = new ViewBuilder();
  builder.addUids(rangesOf(uids), 1, 2 ** 32);
  return builder.build(1, (uids.at(-1) ?? 0) + 1);
}

function randomUids(random: SeededRandom, gapMax: number): number[] {
  const uids: number[] = [];
  for (let uid = 1 + random.below(gapMax); uids.length < 200; uid += 1 + random.below(gapMax)) {
    uids.push(uid);
  }
  return uids;
}

const isIn = (ranges: readonly number[], uid: number) =>
  ranges.some((first, i) => i % 2 === 0 && first <= uid && uid <= ranges[i + 1]!);

describe('the newest of a set', () => {
  it('are the highest that are in it, and null where all fit', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new SeededRandom(seed);
      const uids = randomUids(random, 1 + random.below(300));
      const view = viewOf(uids);
      const ranges = rangesOf(
        Array.from({ length: uids.at(-1)! + 5 }, (_, i) => i + 1).filter(
          (uid) => uid % (seed + 1) > random.below(3),
        ),
      );
      const wanted = uids.filter((uid) => isIn(ranges, uid));
      for (const countMax of [0, 1, wanted.length - 1, wanted.length, random.below(200)]) {
        const found = newestIn(view, ranges, countMax);
        const where = `seed ${seed}, at most ${countMax}`;
        if (wanted.length <= countMax) assert.equal(found, null, where);
        else {
          const kept = uids.filter((uid) => isIn(found!, uid));
          assert.deepEqual(kept, wanted.slice(wanted.length - countMax), where);
          assert.equal(found![0], kept[0], `${where}: the lowest is a message`);
        }
      }
    }
  });

  it('are counted of what several sets have in common, and of what changed', async () => {
    const world = new ImapWorld();
    for (let i = 0; i < 6; i++) await world.deliver();
    const view = world.now();
    const newest = async (sets: readonly (readonly [boolean, readonly number[]])[], since = -1) =>
      (await world.value(imapAsks.newest, [account, view, sets, 2, since])).value;
    assert.deepEqual(await newest([]), [5, 6]);
    const both = [[true, [1, 4]] as const, [false, [2, 0]] as const];
    assert.deepEqual(await newest(both), [3, 4]);
    assert.equal(await newest([...both, [true, [3, 9]] as const]), null);
    const before = view[1];
    for (const uid of [2, 4, 5]) {
      const store = { mailbox: 1, uids: [uid, uid], op: 'add', flags: 1, keywords: [] } as const;
      await world.mailboxes.storeFlags(account, tenant, store);
    }
    assert.deepEqual(await newest([], before), [4, 5]);
    assert.equal(await newest([], before + 1), null);
    const wrong = await world.ask(imapAsks.newest, [account, view, [[false, [1, 7]]], 2, -1]);
    assert.ok(!wrong.ok && wrong.code === 'argument-invalid');
  });
});

describe('batches', () => {
  it('part all messages, the newest first, and none is too large', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new SeededRandom(seed);
      const uids = randomUids(random, 1 + random.below(300));
      const view = viewOf(uids);
      const size = 1 + random.below(250);
      const all = batchesOf(view, size, 1, Number.MAX_SAFE_INTEGER);
      const count = Math.ceil(uids.length / size);
      assert.equal(all.length, 2 * count, `seed ${seed}`);
      assert.deepEqual([all[0], all.at(-1)], [uids.at(-1), 1], `seed ${seed}`);
      for (let batch = 0; batch < count; batch++) {
        const [high, low] = all.slice(2 * batch);
        const end = uids.length - batch * size;
        const wanted = uids.slice(Math.max(0, end - size), end);
        const there = uids.filter((uid) => low! <= uid && uid <= high!);
        assert.deepEqual(there, wanted, `seed ${seed} batch ${batch + 1}`);
        if (batch > 0) assert.equal(high, all[2 * batch - 1]! - 1, `seed ${seed}: no gap`);
      }
      const [first, last] = [1 + random.below(count), 1 + random.below(2 * count)];
      const part = batchesOf(view, size, first, last);
      assert.deepEqual(part, all.slice(2 * first - 2, Math.max(2 * first - 2, 2 * last)));
    }
  });

  it('of nothing are none', () => {
    assert.deepEqual(batchesOf(viewOf([]), 500, 1, 9), []);
    assert.deepEqual(batchesOf(viewOf([7]), 500, 2, 9), []);
  });

  it('of a million messages are a look a batch', () => {
    let looks = 0;
    class CountingView extends View {
      override uidOf(sequence: number): number {
        looks++;
        return super.uidOf(sequence);
      }
    }
    const blocks = Uint32Array.from({ length: 7_813 }, (_, i) => i + 1);
    const view = new CountingView(
      1,
      2 ** 21,
      blocks,
      new Uint8Array(blocks.length * 16).fill(0xff),
    );
    assert.ok(view.count > 1_000_000);
    const pairs = batchesOf(view, 500, 1, Number.MAX_SAFE_INTEGER);
    assert.equal(pairs.length / 2, Math.ceil(view.count / 500));
    assert.ok(looks <= pairs.length / 2 + 1, `${looks} looks`);
    looks = 0;
    assert.equal(newestIn(view, [1, 2 ** 21], 1_000)!.length, 2);
    assert.ok(looks <= 1, `${looks} looks`);
  });
});
