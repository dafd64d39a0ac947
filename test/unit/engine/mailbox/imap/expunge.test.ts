/** Aim: EXPUNGE takes out what is marked \Deleted and was asked for. Method: random marks against a plain set. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { expungeDeleted } from '../../../../../src/engine/mailbox/imap/expunge.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';
import { account, tenant } from '../mailbox-world.ts';
import { ImapWorld } from './imap-world.ts';

const owner = { account, tenant };

for (const seed of [1, 2, 3]) {
  it(`takes out what is marked and named, over many blocks (seed ${seed})`, async () => {
    const random = new SeededRandom(seed);
    const world = new ImapWorld();
    const from = { mailbox: 1, uids: [1, 1] };
    await world.deliver();
    // Copies are made in no time, a hundred of one message at most.
    for (let i = 0; i < 6; i++) {
      await world.deliver();
      const { uidNext } = world.reader.mailbox(account, 1)!;
      const one = { ...from, uids: [uidNext - 1, uidNext - 1] };
      for (let copy = 0; copy < 60; copy++) {
        await world.mailboxes.copy(account, tenant, one, 1, false);
      }
    }
    const { uidNext } = world.reader.mailbox(account, 1)!;
    const marked = new Set<number>();
    for (let i = 0; i < 30; i++) marked.add(1 + random.below(uidNext - 1));
    for (const uid of marked) {
      const store = { mailbox: 1, uids: [uid, uid], op: 'add', flags: 8, keywords: [] } as const;
      await world.mailboxes.storeFlags(account, tenant, store);
    }
    const first = 1 + random.below(uidNext);
    const last = first + random.below(uidNext);
    await expungeDeleted(world.desk, owner, 1, [1, 1, first, last]);
    const isGone = (uid: number) => marked.has(uid) && (uid === 1 || (uid >= first && uid <= last));
    const wanted = Array.from({ length: uidNext - 1 }, (_, i) => i + 1).filter(
      (uid) => !isGone(uid),
    );
    const uids = world.reader.messages(account, 1, 1, 10_000).map(({ uid }) => uid);
    assert.deepEqual(uids, wanted, `seed ${seed}`);
    await expungeDeleted(world.desk, owner, 1, [1, uidNext]);
    assert.equal(world.reader.mailbox(account, 1)!.deleted, 0);
  });
}
