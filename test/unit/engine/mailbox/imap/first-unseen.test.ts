/**
 * Aim: SELECT's UNSEEN is the number of the first message without \Seen, whatever happened since it was last looked for,
 *      and looking for it never costs more than its limits.
 * Method: random changes on a shard in memory, each look against a walk over all messages, for the owner and for a
 *         reader; long mailboxes made of blocks, with the rows read counted. A failure prints the seed.
 *
 * RFC 3501 §6.3.1, §7.1.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imapAsks, type OpenedMailbox } from '../../../../../src/actors/asks/imap-asks.ts';
import { FirstUnseen } from '../../../../../src/engine/mailbox/imap/first-unseen.ts';
import { seenFlag, UidBlock } from '../../../../../src/engine/mailbox/rows/uid-block.ts';
import { packRanges } from '../../../../../src/engine/mailbox/rows/uid-ranges.ts';
import {
  byModseqKey,
  uidBlockKey,
  uidBlockSlots,
  vanishedKey,
} from '../../../../../src/engine/store/keys.ts';
import { rightsOf } from '../../../../../src/mail/wire/imap/rights.ts';
import type { IndexRange } from '../../../../../src/ports/shard-index.ts';
import { FakeShard } from '../../../../support/fake-shard.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';
import { account, tenant } from '../mailbox-world.ts';
import { ImapWorld, owner } from './imap-world.ts';

const reader = 2;
const place = { account, mailbox: 1 };

/** What `who` is told, and what a walk over all messages finds. */
async function compare(world: ImapWorld, who: number, where: string): Promise<void> {
  const open = await world.carry(imapAsks.open, [who, tenant, [owner, 'INBOX', true]]);
  assert.ok(open.ok, where);
  const view = world.now();
  const fetch = [owner, view, true, [1, 0xffff_fffe], 1, [], false, view[1], [0, 0, 0, 0], -1];
  const all = await world.carry(imapAsks.fetch, [who, tenant, fetch]);
  assert.ok(all.ok, where);
  const lines = Buffer.from(all.body ?? '')
    .toString()
    .split('\r\n');
  const first = lines.findIndex((line) => line !== '' && !line.includes('\\Seen'));
  const { firstUnseen = 0 } = open.value as OpenedMailbox;
  assert.equal(firstUnseen, first + 1, where);
}

describe('the first message without \\Seen', () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`is found after any changes, each reader's own (seed ${seed})`, async () => {
      const random = new SeededRandom(seed);
      const world = new ImapWorld();
      for (let i = 0; i < 300; i++) await world.deliver();
      const rights = [reader, false, 'replace', rightsOf('lrs')!];
      await world.value(imapAsks.setAcl, [owner, 'INBOX', rights]);
      const all = [owner, world.now(), true, [1, 250], 'add', 1, [], 0, 0, -1];
      await world.value(imapAsks.store, all);
      for (let step = 0; step < 120; step++) {
        const { uidNext } = world.reader.mailbox(account, 1)!;
        const first = 1 + random.below(uidNext);
        const uids = [first, first + random.below(random.below(4) === 0 ? 200 : 4)];
        const kind = random.below(8);
        if (kind === 0) await world.deliver();
        else if (kind === 1) await world.mailboxes.expunge(account, tenant, 1, uids);
        else {
          const op = kind < 7 ? 'add' : 'remove';
          const flags = [1, 1, 1, 4][random.below(4)]!;
          const who = random.below(3) === 0 ? reader : account;
          const store = [owner, world.now(), true, uids, op, flags, [], 0, 0, -1];
          await world.carry(imapAsks.store, [who, tenant, store]);
        }
        if (random.below(3) > 0) await compare(world, account, `seed ${seed} step ${step}`);
        if (random.below(3) > 0) await compare(world, reader, `seed ${seed} step ${step}, reader`);
      }
    });
  }
});

/** A mailbox of blocks that are full, all seen but one UID. */
class LongMailbox {
  readonly shard = new FakeShard([]);
  readonly uidNext: number;
  highestModseq = 1;
  unseen = 1;
  vanishedFloor = 0;
  modseqFloor = 0;
  rowsRead = 0;

  constructor(blocks: number, unseenUid: number) {
    this.uidNext = blocks * uidBlockSlots;
    for (let number = 0; number < blocks; number++) {
      const block = new UidBlock();
      for (let slot = number === 0 ? 1 : 0; slot < uidBlockSlots; slot++) {
        block.add(slot, 1, 1);
        const uid = number * uidBlockSlots + slot;
        if (uid !== unseenUid) block.setFlag(slot, seenFlag, true);
      }
      this.put(uidBlockKey(account, 1, number), block.encode());
    }
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.shard.write([{ put: key, value }]);
  }

  /** A change of flags, or with `isGone` an expunge that left its rows. */
  change(uids: readonly number[], isGone = false): void {
    const modseq = ++this.highestModseq;
    const key = isGone ? vanishedKey(account, 1, modseq) : byModseqKey(account, 1, modseq);
    this.put(key, packRanges(uids));
  }

  look(known: FirstUnseen): number | undefined {
    this.rowsRead = 0;
    const counted = {
      get: (key: Uint8Array) => {
        this.rowsRead++;
        return this.shard.get(key);
      },
      range: (range: IndexRange) => {
        const rows = this.shard.range(range);
        this.rowsRead += rows.length;
        return rows;
      },
    };
    return known.find(counted, place, account, this);
  }
}

describe('looking for it', () => {
  it('ends after so many blocks, and goes on from there the next time', () => {
    const mailbox = new LongMailbox(300, 38_000);
    const known = new FirstUnseen();
    assert.equal(mailbox.look(known), undefined);
    assert.equal(mailbox.rowsRead, 128);
    assert.equal(mailbox.look(known), undefined);
    assert.equal(mailbox.look(known), 38_000);
    assert.equal(mailbox.look(known), 38_000);
    assert.equal(mailbox.rowsRead, 4, 'from where the message was found');
  });

  it('reads nothing where all is seen', () => {
    const mailbox = new LongMailbox(300, 0);
    mailbox.unseen = 0;
    assert.equal(mailbox.look(new FirstUnseen()), undefined);
    assert.equal(mailbox.rowsRead, 0);
  });

  it('reads few rows after changes, and begins anew where they are too many or forgotten', () => {
    const mailbox = new LongMailbox(120, 15_000);
    const known = new FirstUnseen();
    assert.equal(mailbox.look(known), 15_000);
    mailbox.change([200, 203]);
    assert.equal(mailbox.look(known), 15_000);
    assert.ok(mailbox.rowsRead < 10, `${mailbox.rowsRead} rows`);
    mailbox.change([200, 203], true);
    assert.equal(mailbox.look(known), 14_996);
    const fresh = () => assert.equal(mailbox.look(known), 15_000);
    mailbox.vanishedFloor = ++mailbox.highestModseq;
    fresh();
    mailbox.modseqFloor = ++mailbox.highestModseq;
    fresh();
    for (let i = 0; i < 500; i++) mailbox.change([15_100, 15_100]);
    fresh();
    assert.ok(mailbox.rowsRead <= 500 + 128, `${mailbox.rowsRead} rows`);
    mailbox.change([1, 15_200]);
    fresh();
    assert.ok(mailbox.rowsRead <= 250, `${mailbox.rowsRead} rows`);
  });
});
