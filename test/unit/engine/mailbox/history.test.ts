/**
 * Aim: old changes are forgotten in bounded steps, and whoever asks for them afterwards gets the whole answer or is
 *      sent away, never a wrong one.
 * Method: the mailboxes and the IMAP handlers on a fake shard; what is trimmed is compared with a world that keeps all.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  fetchItems,
  imapAsks,
  type PackedSync,
  type Synced,
} from '../../../../src/actors/asks/imap-asks.ts';
import { History } from '../../../../src/engine/mailbox/history.ts';
import * as keys from '../../../../src/engine/store/keys.ts';
import { SeededClock, turns } from '../../../support/seeded-clock.ts';
import { ImapWorld, owner } from './imap/imap-world.ts';
import { account, rebuilt, tableText, tenant } from './mailbox-world.ts';

const archive = 6;

class HistoryWorld extends ImapWorld {
  readonly history: History;

  readonly ticking: SeededClock;

  constructor(keptMax: number, ticking = new SeededClock()) {
    super(ticking);
    this.ticking = ticking;
    const { shard, mailboxes, clock } = this;
    this.history = new History({ shard, mailboxes, clock, keptMax });
  }

  async trim(): Promise<void> {
    this.history.changed(account, tenant);
    await this.history.look();
  }

  /** Joined notices are told. */
  tick(): void {
    this.ticking.advance(60);
  }

  rows(table: number, mailbox: number): number {
    return this.shard.range(keys.mailboxRange(table, account, mailbox)).length;
  }

  get changes(): number {
    return this.shard.range(keys.accountRange(keys.tables.change, account)).length;
  }

  flag(uid: number, flags = 1): Promise<unknown> {
    const store = { mailbox: 1, uids: [uid, uid], op: 'add', flags, keywords: [] } as const;
    return this.mailboxes.storeFlags(account, tenant, store);
  }

  expunge(first: number, last = first): Promise<unknown> {
    return this.mailboxes.expunge(account, tenant, 1, [first, last]);
  }

  vanished(since: number, set: readonly number[]): Promise<readonly number[]> {
    const meta = [account, this.now(), since, set];
    return this.value<readonly number[]>(imapAsks.vanished, meta).then(({ value }) => value);
  }

  sync(modseq: number, flagModseq: number, uidNext: number) {
    const how = [true, 0, true, false, true, false] as const;
    const meta: PackedSync = [account, [1, modseq, uidNext], flagModseq, ...how];
    return this.ask(imapAsks.sync, meta);
  }
}

/** Twenty messages, of which some are flagged and some expunged, then changes of another mailbox. */
async function lived(keptMax: number): Promise<HistoryWorld> {
  const world = new HistoryWorld(keptMax);
  for (let i = 0; i < 20; i++) await world.deliver();
  for (let uid = 1; uid <= 10; uid++) await world.flag(uid);
  for (const uid of [2, 3, 7, 19]) await world.expunge(uid);
  for (let i = 0; i < 10; i++) {
    const from = { mailbox: 1, uids: [1, 1] };
    await world.mailboxes.copy(account, tenant, from, archive, false);
  }
  return world;
}

describe('history', () => {
  it('is kept as far as its limit, and its floors say from where on', async () => {
    const world = await lived(8);
    const before = world.reader.mailbox(account, 1)!;
    const { modseq } = world.reader.account(account)!;
    await world.trim();
    const row = world.reader.mailbox(account, 1)!;
    assert.deepEqual(
      [world.rows(keys.tables.vanished, 1), world.rows(keys.tables.byModseq, 1)],
      [0, 0],
    );
    assert.equal(world.rows(keys.tables.byModseq, archive), 8);
    assert.ok(row.vanishedFloor > row.modseqFloor && row.modseqFloor > 0);
    assert.equal(row.highestModseq, before.highestModseq, 'nothing a client sees has changed');
    assert.equal(world.reader.account(account)!.changesFloor, modseq - 8);
    assert.equal(world.changes, 8);
    const records = world.shard.records.length;
    await world.history.look();
    assert.equal(
      world.shard.records.length,
      records,
      'an account that did not change is not looked at',
    );
  });

  it('is replayed byte for byte, however often', async () => {
    const world = await lived(8);
    await world.trim();
    await world.deliver();
    await world.expunge(20);
    for (const times of [1, 2]) {
      const again = rebuilt(world.shard, (shard) => {
        for (let i = 0; i < times; i++) for (const one of world.shard.records) shard.apply(one);
      });
      assert.deepEqual(tableText(again), tableText(world.shard));
    }
  });

  it('goes in records of some hundred rows, and goes on at the next look', async () => {
    const world = new HistoryWorld(1);
    await world.deliver();
    for (let i = 0; i < 1_300; i++) await world.flag(1, 1 << (i % 2));
    const records = world.shard.records.length;
    await world.trim();
    // 500 rows a record: three of the mailbox, three of the account.
    assert.equal(world.shard.records.length - records, 6);
    assert.equal(world.rows(keys.tables.byModseq, 1), 1);
  });

  it('a failed append is tried again', async () => {
    const world = await lived(8);
    world.shard.faults.push(undefined, 'lost');
    await assert.rejects(world.trim());
    await world.history.look();
    assert.equal(world.rows(keys.tables.vanished, 1), 0);
    assert.ok(world.changes > 0 && world.changes <= 8);
  });
});

describe('what is asked of history that is forgotten', () => {
  // RFC 7162 §3.2.5.1.
  it('QRESYNC: all of the set that is not there is said to have vanished', async () => {
    const [kept, world] = [await lived(1_000), await lived(8)];
    await world.trim();
    assert.deepEqual(await kept.vanished(1, [1, 30]), [2, 3, 7, 7, 19, 19]);
    assert.deepEqual(await world.vanished(1, [1, 30]), [2, 3, 7, 7, 19, 19]);
    assert.deepEqual(await world.vanished(1, [3, 8, 18, 19]), [3, 3, 7, 7, 19, 19]);
    const { highestModseq, vanishedFloor } = world.reader.mailbox(account, 1)!;
    assert.deepEqual(await world.vanished(vanishedFloor, [1, 30]), []);
    assert.deepEqual(await world.vanished(highestModseq, [1, 30]), []);
    // The client knew the mailbox before an expunge whose row is gone, and after another's that is there.
    await world.expunge(11);
    assert.deepEqual(await world.vanished(vanishedFloor, [1, 30]), [11, 11]);
    assert.deepEqual(await world.vanished(1, [1, 30]), [2, 3, 7, 7, 11, 11, 19, 19]);
  });

  it('a session that was not told of forgotten expunges is ended, whatever it asks', async () => {
    const world = await lived(8);
    const { modseqFloor, vanishedFloor } = world.reader.mailbox(account, 1)!;
    assert.deepEqual([modseqFloor, vanishedFloor], [0, 0]);
    const knew = 31;
    // Its view was made before, and is kept.
    assert.equal((await world.sync(knew, knew, 21)).ok, true);
    await world.trim();
    const synced = await world.sync(knew, knew, 21);
    assert.equal(synced.ok ? 'ok' : synced.code, 'not-found');
    const unknown = await world.ask(imapAsks.vanished, [account, [1, knew + 1, 21], 1, [1, 30]]);
    assert.equal(unknown.ok ? 'ok' : unknown.code, 'not-possible-now');
  });

  it('a session that was told of all expunges is told which flags changed, by the messages themselves', async () => {
    const [kept, world] = [await lived(1_000), await lived(8)];
    await world.trim();
    const { highestModseq } = world.reader.mailbox(account, 1)!;
    for (const flagModseq of [1, 25, 31, highestModseq]) {
      const [wanted, found] = await Promise.all(
        [kept, world].map((one) => one.sync(highestModseq, flagModseq, 21)),
      );
      assert.ok(wanted!.ok && found!.ok);
      const text = ({ body }: { readonly body?: Uint8Array }) => Buffer.from(body ?? '').toString();
      // Kept rows name messages whose flags never changed, too: those that came.
      const told = new Set(text(found!).split('\r\n'));
      for (const line of text(wanted!).split('\r\n')) assert.ok(told.has(line), line);
      assert.equal((found!.value as Synced).flagModseq, highestModseq);
    }
  });

  it('FETCH and SEARCH of what changed since find it by the messages', async () => {
    const [kept, world] = [await lived(1_000), await lived(8)];
    await world.trim();
    for (const since of [0, 5, 21, 25, 30, 31, 40]) {
      const fetched: string[] = [];
      const found: unknown[] = [];
      for (const one of [kept, world]) {
        const { highestModseq } = kept.reader.mailbox(account, 1)!;
        const view = [1, highestModseq, 21] as const;
        const fetch = [
          owner,
          view,
          true,
          [1, 20],
          fetchItems.uid,
          [],
          false,
          0,
          [0, 0, 0, 0],
          since,
        ];
        fetched.push((await one.value(imapAsks.fetch, fetch)).text);
        const criteria = { op: 'modseq', modseq: since + 1 };
        const search = [account, view, criteria, [], 0b111, 0, false, 0];
        found.push(await one.value(imapAsks.search, search));
      }
      assert.equal(fetched[1], fetched[0], `since ${since}`);
      assert.deepEqual(found[1], found[0], `since ${since}`);
    }
  });

  it('a notice of it does not say that messages came and nothing else', async () => {
    const world = new HistoryWorld(1);
    new Int32Array(world.watched).fill(-1);
    const notices: boolean[] = [];
    world.heard = ({ isArrivalOnly }) => notices.push(isArrivalOnly);
    await world.deliver();
    await turns(2);
    world.tick();
    // Told at once; what follows is joined, and of the second flag nothing is left then.
    await world.flag(1);
    await world.flag(1, 4);
    await world.deliver();
    await world.trim();
    world.tick();
    await turns(2);
    assert.deepEqual(notices, [false, false, false]);
  });
});
