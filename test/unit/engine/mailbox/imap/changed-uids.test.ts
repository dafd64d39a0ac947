/**
 * Aim: FETCH (CHANGEDSINCE) looks only where something changed, and never past a change.
 * Method: random changes in a mailbox on a fake shard, against every message's modseq.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changedWithin } from '../../../../../src/engine/mailbox/imap/changed-uids.ts';
import { existing } from '../../../../../src/engine/mailbox/mailbox-reader.ts';
import { idsOf } from '../../../../../src/engine/mailbox/rows/uid-ranges.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';
import { account, MailboxWorld, tenant } from '../mailbox-world.ts';

describe('messages changed since a modseq', () => {
  it('are all found, whatever changed them, and others only by accident', async () => {
    const seed = 5;
    const random = new SeededRandom(seed);
    const world = new MailboxWorld();
    const place = { account, mailbox: 1 };
    for (let i = 0; i < 300; i++) await world.deliver();
    const since = world.reader.mailbox(account, 1)!.highestModseq;
    for (let step = 0; step < 40; step++) {
      const first = 1 + random.below(290);
      const uids = [first, first + random.below(8)];
      const kind = random.below(4);
      if (kind === 0) await world.mailboxes.expunge(account, tenant, 1, uids);
      else if (kind === 1) await world.deliver();
      else if (kind === 2) {
        await world.mailboxes.copy(account, tenant, { mailbox: 1, uids }, 1, false);
      } else {
        const flags = { op: 'add', flags: 2, keywords: [] } as const;
        await world.mailboxes.storeFlags(account, tenant, { mailbox: 1, uids, ...flags });
      }
    }
    const wanted = [10, 150, 200, 400];
    const looked = new Set(idsOf(changedWithin(world.shard, place, since, wanted)));
    let changedCount = 0;
    for (const { uid, modseq } of existing(world.shard, account, 1, wanted)) {
      if (modseq > since) {
        changedCount++;
        assert.ok(looked.has(uid), `seed ${seed}: ${uid}`);
      } else assert.ok(!looked.has(uid), `seed ${seed}: ${uid} did not change`);
    }
    assert.ok(changedCount > 20, `seed ${seed}: ${changedCount}`);
  });

  it('are not gathered where there are too many: everything is looked at', async () => {
    const world = new MailboxWorld();
    await world.deliver();
    const row = { key: Buffer.alloc(17), value: Buffer.alloc(2) };
    const shard = { get: () => undefined, range: ({ limit = 0 }) => new Array(limit).fill(row) };
    const wanted = [1, 5, 9, 9];
    assert.deepEqual(changedWithin(shard, { account, mailbox: 1 }, 1, wanted), wanted);
  });
});
