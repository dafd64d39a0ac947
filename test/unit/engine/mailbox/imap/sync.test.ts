/**
 * Aim: a session is told of each change once, in an order its numbers agree with, and of expunges only where it may.
 * Method: changes by others on a fake shard; the answers applied to a list as a client would.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  imapAsks,
  type PackedSync,
  type PackedView,
  type Stored,
  type Synced,
} from '../../../../../src/actors/asks/imap-asks.ts';
import { sync } from '../../../../../src/engine/mailbox/imap/sync.ts';
import type { SessionView, Views } from '../../../../../src/engine/mailbox/imap/views.ts';
import { star } from '../../../../../src/mail/wire/imap/sequence-set.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';
import { account, tenant } from '../mailbox-world.ts';
import { ImapWorld, owner } from './imap-world.ts';

async function syncOf(
  world: ImapWorld,
  view: PackedView,
  flagModseq = view[1],
  mayExpunge = true,
): Promise<{ value: Synced; text: string }> {
  const meta: PackedSync = [account, view, flagModseq, mayExpunge, 0, false, false, true, false];
  return world.value<Synced>(imapAsks.sync, meta);
}

describe('sync', () => {
  it('says nothing where nothing changed', async () => {
    const world = new ImapWorld();
    await world.deliver();
    const { value, text } = await syncOf(world, world.now());
    assert.equal(text, '');
    assert.equal(value.count, 1);
  });

  it('tells arrivals, flags and expunges, highest first', async () => {
    const world = new ImapWorld();
    for (let i = 0; i < 4; i++) await world.deliver();
    const view = world.now();
    await world.deliver();
    const seen = { mailbox: 1, uids: [3, 3], op: 'add', flags: 1, keywords: [] } as const;
    await world.mailboxes.storeFlags(account, tenant, seen);
    await world.mailboxes.expunge(account, tenant, 1, [1, 2]);
    const { value, text } = await syncOf(world, view);
    assert.equal(
      text,
      '* 2 EXPUNGE\r\n* 1 EXPUNGE\r\n* 1 FETCH (UID 3 FLAGS (\\Seen))\r\n* 3 EXISTS\r\n',
    );
    assert.deepEqual([value.count, value.uidNext, value.modseq], [3, 6, world.now()[1]]);
  });

  // RFC 5465 §5: flags are told to who asked for FlagChange.
  it('keeps changed flags for later where they are not to be told, but not those of new messages', async () => {
    const world = new ImapWorld();
    await world.deliver();
    const view = world.now();
    const withheld = (of: PackedView, flagModseq: number) =>
      world.value<Synced>(imapAsks.sync, [
        account,
        of,
        flagModseq,
        true,
        0,
        false,
        false,
        false,
        false,
      ]);
    await world.deliver();
    const arrived = await withheld(view, view[1]);
    assert.equal(arrived.text, '* 2 EXISTS\r\n');
    assert.equal(arrived.value.flagModseq, world.now()[1], 'nothing is left to tell');
    const now = world.now();
    const seen = { mailbox: 1, uids: [1, 1], op: 'add', flags: 1, keywords: [] } as const;
    await world.mailboxes.storeFlags(account, tenant, seen);
    const flagged = await withheld(now, now[1]);
    assert.equal(flagged.text, '');
    assert.equal(flagged.value.flagModseq, now[1]);
    const told = await syncOf(world, now, flagged.value.flagModseq);
    assert.match(told.text, /^\* 1 FETCH \(UID 1 FLAGS \(\\Seen\)\)/);
  });

  // RFC 7162 §3.2: whoever asked for a modseq once is told them with all flags.
  it('tells modseqs with flags to those who know them', async () => {
    const world = new ImapWorld();
    await world.deliver();
    const view = world.now();
    const seen = { mailbox: 1, uids: [1, 1], op: 'add', flags: 1, keywords: [] } as const;
    await world.mailboxes.storeFlags(account, tenant, seen);
    const meta: PackedSync = [account, view, view[1], true, 0, true, false, true, false];
    const { text } = await world.value<Synced>(imapAsks.sync, meta);
    assert.equal(text, `* 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (${world.now()[1]}))\r\n`);
  });

  it('keeps expunges back where they may not be told, and tells them later', async () => {
    const world = new ImapWorld();
    for (let i = 0; i < 2; i++) await world.deliver();
    const view = world.now();
    await world.mailboxes.expunge(account, tenant, 1, [1, 1]);
    await world.deliver();
    const during = await syncOf(world, view, view[1], false);
    assert.equal(during.text, '* 3 EXISTS\r\n');
    const { modseq, uidNext, flagModseq } = during.value;
    const later = await syncOf(world, [1, modseq, uidNext], flagModseq);
    assert.equal(later.text, '* 1 EXPUNGE\r\n');
    assert.equal(later.value.count, 2);
  });

  it('tells an expunge once that comes while the view of a large mailbox is made', async () => {
    const world = new ImapWorld();
    for (let i = 0; i < 4; i++) await world.deliver();
    const view = world.now();
    await world.mailboxes.expunge(account, tenant, 1, [1, 1]);
    const { desk } = world;
    let comes: (() => Promise<unknown>) | undefined = () =>
      world.mailboxes.expunge(account, tenant, 1, [3, 3]);
    const views = {
      view: async (wanted: SessionView) => {
        await comes?.();
        comes = undefined;
        return desk.views.view(wanted);
      },
    } as Views;
    const parts = { shard: desk.shard, reader: desk.reader, views };
    const synced = (of: PackedView) =>
      sync(parts, [account, of, of[1], true, 0, false, false, true, false]);
    const first = await synced(view);
    assert.equal(first.body.toString(), '* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n');
    const { modseq, uidNext, count } = first.value;
    assert.equal(count, 2);
    assert.equal((await synced([1, modseq, uidNext])).body.toString(), '');
  });

  it('tells a keyword that comes while the view after expunges is made', async () => {
    const world = new ImapWorld();
    for (let i = 0; i < 2; i++) await world.deliver();
    const view = world.now();
    const flag = { mailbox: 1, uids: [2, 2], op: 'add', flags: 1, keywords: [] } as const;
    await world.mailboxes.storeFlags(account, tenant, flag);
    const { desk } = world;
    let looks = 0;
    const views = {
      view: async (wanted: SessionView) => {
        const step = { ...flag, keywords: ['New'] };
        if (++looks === 2) await world.mailboxes.storeFlags(account, tenant, step);
        return desk.views.view(wanted);
      },
    } as Views;
    const parts = { shard: desk.shard, reader: desk.reader, views };
    const meta: PackedSync = [account, view, view[1], true, 0, false, false, true, false];
    const { value, body } = await sync(parts, meta);
    assert.equal(body.toString(), '* 2 FETCH (UID 2 FLAGS (\\Seen New))\r\n');
    assert.deepEqual(value.keywords, ['New']);
  });

  it('does not tell a session what it stored itself, but what others did meanwhile', async () => {
    const world = new ImapWorld();
    for (let i = 0; i < 2; i++) await world.deliver();
    const view = world.now();
    const store = async (flagModseq: number) =>
      (
        await world.value<Stored>(imapAsks.store, [
          ...[owner, view, true, [1, 1], 'add', 2, [], flagModseq, 0, -1],
        ])
      ).value;
    const own = await store(view[1]);
    assert.equal((await syncOf(world, view, own.flagModseq)).text, '');
    const other = { mailbox: 1, uids: [2, 2], op: 'add', flags: 4, keywords: [] } as const;
    await world.mailboxes.storeFlags(account, tenant, other);
    const mixed = await store(own.flagModseq);
    assert.match((await syncOf(world, view, mixed.flagModseq)).text, /UID 2 FLAGS \(\\Flagged\)/);
  });

  it('ends the session of a mailbox that was deleted', async () => {
    const world = new ImapWorld();
    await world.value(imapAsks.create, [owner, 'Work']);
    const { mailbox } = world.desk.tree.get(account, 'Work');
    const view = world.now(mailbox);
    await world.value(imapAsks.delete, [owner, 'Work']);
    const answer = await world.ask(imapAsks.sync, [
      account,
      view,
      0,
      true,
      0,
      false,
      false,
      true,
      false,
    ]);
    assert.equal(answer.ok === false && answer.code, 'not-found');
  });

  it('keeps a client in step with the mailbox through random changes', async () => {
    const seed = 3;
    const random = new SeededRandom(seed);
    const world = new ImapWorld();
    for (let i = 0; i < 10; i++) await world.deliver();
    let view = world.now();
    let flagModseq = view[1];
    const uids = world.reader.messages(account, 1, 1, 100).map(({ uid }) => uid);
    for (let step = 0; step < 80; step++) {
      const { uidNext } = world.reader.mailbox(account, 1)!;
      const uid = 1 + random.below(uidNext);
      const range = [uid, uid + random.below(4)];
      const chance = random.below(9);
      if (chance < 3) await world.deliver();
      else if (chance < 5) await world.mailboxes.expunge(account, tenant, 1, range);
      if (random.below(2) === 0) continue;
      const mayExpunge = random.below(2) === 0;
      const { value, text } = await syncOf(world, view, flagModseq, mayExpunge);
      for (const [, number, word] of text.matchAll(/\* (\d+) (EXPUNGE|EXISTS)/g)) {
        if (word === 'EXPUNGE') uids.splice(Number(number) - 1, 1);
        // A client learns the UIDs of what came by FETCH.
        else while (uids.length < Number(number)) uids.push(0);
      }
      view = [1, value.modseq, value.uidNext];
      flagModseq = value.flagModseq;
      assert.equal(uids.length, value.count, `seed ${seed} step ${step}`);
      const { text: fetched } = await world.fetch([1, star], ['uid'], { view, isUid: false });
      for (const [, number, told] of fetched.matchAll(/\* (\d+) FETCH \(UID (\d+)\)/g)) {
        const place = Number(number) - 1;
        if (uids[place] === 0) uids[place] = Number(told);
        assert.equal(uids[place], Number(told), `seed ${seed} step ${step}`);
      }
    }
    assert.ok(uids.length > 0);
  });
});
