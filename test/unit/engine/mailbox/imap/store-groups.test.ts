/**
 * Aim: STOREs that came together become few changes, and every message keeps the flags it would have had.
 * Method: random STOREs of few messages, done one by one and by groups; seeded.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type PlainStore,
  storeGroups,
} from '../../../../../src/engine/mailbox/imap/store-groups.ts';
import { idsOf } from '../../../../../src/engine/mailbox/rows/uid-ranges.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';

const ops = ['add', 'remove', 'replace'] as const;

function apply(flags: Map<number, number>, stores: readonly PlainStore[]): void {
  for (const { uids, op, flags: named } of stores) {
    for (const uid of idsOf(uids)) {
      const before = flags.get(uid) ?? 0;
      const after = op === 'add' ? before | named : op === 'remove' ? before & ~named : named;
      flags.set(uid, after);
    }
  }
}

describe('STOREs by groups', () => {
  it('leave every message with the flags it would have had', () => {
    const seed = Date.now() % 1_000_000;
    const random = new SeededRandom(seed);
    const upTo = (count: number) => random.below(count);
    let saved = 0;
    for (let round = 0; round < 500; round++) {
      const stores = Array.from({ length: 1 + upTo(12) }, (): PlainStore => {
        const first = 1 + upTo(8);
        const uids = upTo(8) === 0 ? [] : [first, first + upTo(3)];
        return { uids, op: ops[upTo(3)]!, flags: upTo(4) };
      });
      const groups = storeGroups(stores);
      const [one, other] = [new Map<number, number>(), new Map<number, number>()];
      apply(one, stores);
      apply(other, groups);
      const sorted = (flags: Map<number, number>) => [...flags].sort(([a], [b]) => a - b);
      assert.deepEqual(sorted(other), sorted(one), `seed ${seed} round ${round}`);
      assert.ok(groups.every(({ uids }) => uids.length > 0));
      saved += stores.length - groups.length;
    }
    assert.ok(saved > 500, `seed ${seed}: ${saved} records saved`);
  });

  it('that do the same are one, with ascending ranges', () => {
    const store = (uid: number, flags: number): PlainStore => ({
      uids: [uid, uid],
      op: 'add',
      flags,
    });
    const groups = storeGroups([store(9, 1), store(4, 2), store(3, 1), store(4, 1), store(10, 1)]);
    assert.deepEqual(groups, [
      { op: 'add', flags: 1, uids: [3, 3, 9, 10] },
      { op: 'add', flags: 2, uids: [4, 4] },
      { op: 'add', flags: 1, uids: [4, 4] },
    ]);
  });
});
