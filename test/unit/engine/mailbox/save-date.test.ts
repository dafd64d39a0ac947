/**
 * Aim: the date a message came into a mailbox is kept where no other says it, for runs of UIDs, and goes with them.
 * Method: the mailboxes on a fake shard; tables of a second shard made from the first one's records.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { savedMsOf } from '../../../../src/engine/mailbox/rows/saved-row.ts';
import * as keys from '../../../../src/engine/store/keys.ts';
import {
  account,
  MailboxWorld,
  messageBytes,
  rebuilt,
  startMs,
  tableText,
  tenant,
} from './mailbox-world.ts';

const archive = 6;

class SavedWorld extends MailboxWorld {
  saved(mailbox: number, uid: number): number | undefined {
    return savedMsOf(this.shard, account, mailbox, uid);
  }

  rows(mailbox: number): number {
    return this.shard.range(keys.mailboxRange(keys.tables.saved, account, mailbox)).length;
  }

  append(internalMs: number) {
    const message = { id: this.ids.next(), flags: 0, keywords: [], internalMs };
    return this.mailboxes.append({
      account,
      tenant,
      mailbox: 1,
      ...message,
      bytes: messageBytes(),
    });
  }

  copy(first: number, last: number, isMove: boolean) {
    const from = { mailbox: 1, uids: [first, last] };
    return this.mailboxes.copy(account, tenant, from, archive, isMove);
  }
}

describe('a save date', () => {
  it('needs no row for what is delivered or appended as of now', async () => {
    const world = new SavedWorld();
    await world.deliver();
    await world.append(world.nowMs);
    await world.append(startMs - 1_000_000);
    assert.equal(world.rows(1), 1);
    assert.deepEqual([world.saved(1, 2), world.saved(1, 3)], [undefined, startMs]);
  });

  it('of many copies is a row a block, and goes when the block is empty', async () => {
    const world = new SavedWorld();
    for (let i = 0; i < 300; i++) await world.deliver();
    world.nowMs += 5_000;
    await world.copy(1, 150, false);
    world.nowMs += 5_000;
    await world.copy(151, 300, true);
    // UIDs 1 to 127, 128 to 150, 151 to 255, 256 to 300.
    assert.equal(world.rows(archive), 4);
    assert.deepEqual(
      [1, 127, 128, 150, 151, 255, 256, 300, 301].map((uid) => world.saved(archive, uid)),
      [5, 5, 5, 5, 10, 10, 10, 10].map((s) => startMs + s * 1_000).concat([undefined as never]),
    );
    const again = rebuilt(world.shard, (shard) => {
      for (let i = 0; i < 2; i++) for (const record of world.shard.records) shard.apply(record);
    });
    assert.deepEqual(tableText(again), tableText(world.shard));
    await world.mailboxes.expunge(account, tenant, archive, [1, 254]);
    assert.equal(world.rows(archive), 3, 'one message of the second block is left');
    await world.mailboxes.expunge(account, tenant, archive, [255, 300]);
    assert.equal(world.rows(archive), 0);
  });

  it('of a message delivered late is not that of its arrival', async () => {
    const world = new SavedWorld();
    const receivedMs = world.nowMs;
    world.nowMs += 3_600_000;
    const target = { account, recipient: 'u@a.test' };
    const message = { id: world.ids.next(), tenant, sender: 's@x.test', receivedMs };
    await world.mailboxes.deliver({ ...message, targets: [target], parts: [messageBytes()] });
    assert.equal(world.saved(1, 1), world.nowMs);
  });
});
