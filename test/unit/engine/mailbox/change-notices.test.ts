/**
 * Aim: a watched mailbox's change is told at once, later ones joined, and "only arrivals" is never said wrongly.
 * Method: the real mailboxes on a fake shard, a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  imapAsks,
  type MailboxChange,
  mailboxTree,
} from '../../../../src/actors/asks/imap-asks.ts';
import { Watchers } from '../../../../src/actors/watched.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';
import { ImapWorld, owner } from './imap/imap-world.ts';
import { account, tenant } from './mailbox-world.ts';

const joinMs = 50;

class NoticeWorld extends ImapWorld {
  readonly time: SeededClock;
  readonly changes: MailboxChange[] = [];
  readonly watchers = new Watchers(this.watched);

  constructor() {
    const time = new SeededClock();
    super(time);
    this.time = time;
    this.heard = (change) => this.changes.push(change);
    this.watchers.add(account);
  }

  async flag(flags: number): Promise<void> {
    const store = { mailbox: 1, uids: [1, 1], op: 'add', flags, keywords: [] } as const;
    await this.mailboxes.storeFlags(account, tenant, store);
  }
}

describe('notices of changes', () => {
  it('are told at once of a quiet mailbox, and joined while it is busy', async () => {
    const world = new NoticeWorld();
    await world.deliver();
    assert.equal(world.changes.length, 1);
    for (let i = 0; i < 5; i++) await world.deliver();
    assert.equal(world.changes.length, 1);
    world.time.advance(joinMs);
    assert.equal(world.changes.length, 2);
    const { messages, uidNext, modseq, fromModseq } = world.changes[1]!;
    const row = world.reader.mailbox(account, 1)!;
    assert.deepEqual([messages, uidNext, modseq], [6, 7, row.highestModseq]);
    assert.equal(fromModseq, world.changes[0]!.modseq);
    world.time.advance(joinMs);
    assert.equal(world.changes.length, 2, 'nothing changed since');
    await world.deliver();
    assert.equal(world.changes.length, 3, 'it was quiet');
  });

  it('tell from where those who opened the mailbox stand, with the first one too', async () => {
    const world = new NoticeWorld();
    await world.deliver();
    world.time.advance(joinMs);
    world.watchers.remove(account);
    await world.deliver();
    world.watchers.add(account);
    const [, modseq] = world.now();
    await world.value(imapAsks.open, [owner, 'INBOX']);
    world.changes.length = 0;
    await world.deliver();
    assert.equal(world.changes.length, 1);
    const [change] = world.changes;
    assert.deepEqual([change!.fromModseq, change!.isArrivalOnly], [modseq, true]);
  });

  it('are told to those who wait though somebody opens the mailbox meanwhile', async () => {
    const world = new NoticeWorld();
    await world.deliver();
    world.time.advance(joinMs);
    world.changes.length = 0;
    await world.deliver();
    await world.deliver();
    const from = world.changes[0]!.modseq;
    await world.value(imapAsks.open, [owner, 'INBOX']);
    world.time.advance(joinMs);
    assert.equal(world.changes.length, 2);
    const { fromModseq, isArrivalOnly, modseq } = world.changes[1]!;
    assert.deepEqual([fromModseq, isArrivalOnly, modseq], [from, true, world.now()[1]]);
  });

  it('are told of a change that is read before it is told', async () => {
    const world = new NoticeWorld();
    await world.deliver();
    world.time.advance(joinMs);
    world.changes.length = 0;
    const { changed } = world;
    world.changed = () => {};
    await world.deliver();
    await world.value(imapAsks.open, [owner, 'INBOX']);
    changed(account, 1);
    assert.equal(world.changes.length, 1);
    assert.equal(world.changes[0]!.modseq, world.now()[1]);
  });

  it('are told of names and subscriptions, each time', async () => {
    const world = new NoticeWorld();
    const who = { account, tenant };
    const tree = async (change: () => Promise<unknown>) => {
      const before = world.changes.filter(({ mailbox }) => mailbox === mailboxTree).length;
      await change();
      world.time.advance(joinMs);
      return world.changes.filter(({ mailbox }) => mailbox === mailboxTree).length - before;
    };
    const { tree: names } = world.desk;
    assert.equal(await tree(() => names.create(who, 'One')), 1);
    assert.equal(await tree(() => names.rename(who, 'One', 'Two')), 1);
    assert.equal(await tree(() => names.subscribe(who, 'Two', true)), 1);
    assert.equal(await tree(() => names.delete(who, 'Two')), 1);
    assert.equal(await tree(() => world.deliver()), 0);
  });

  it('are told of nothing that nobody watches', async () => {
    const world = new NoticeWorld();
    world.watchers.add(account);
    world.watchers.remove(account);
    await world.deliver();
    assert.equal(world.changes.length, 1, 'one watcher is left');
    world.watchers.remove(account);
    world.time.advance(joinMs);
    await world.deliver();
    assert.equal(world.changes.length, 1);
    assert.equal(world.time.timerCount, 0, 'a quiet mailbox costs no timer');
  });

  it('say that messages only came where that is all that happened', async () => {
    const world = new NoticeWorld();
    await world.deliver();
    assert.equal(world.changes[0]!.isArrivalOnly, false, 'nothing is known of before');
    world.time.advance(joinMs);
    await world.deliver();
    assert.equal(world.changes[1]!.isArrivalOnly, true);
    world.time.advance(joinMs);
    await world.flag(1);
    assert.equal(world.changes[2]!.isArrivalOnly, false);
    world.time.advance(joinMs);
    await world.mailboxes.expunge(account, tenant, 1, [2, 2]);
    assert.equal(world.changes[3]!.isArrivalOnly, false);
  });

  it('say so of no arrival that was journaled together with something else', async () => {
    const world = new NoticeWorld();
    await world.deliver();
    world.time.advance(joinMs);
    await Promise.all([world.deliver(), world.flag(2)]);
    world.time.advance(joinMs);
    const told = world.changes.slice(1);
    const last = told.at(-1)!;
    assert.equal(last.modseq, world.reader.mailbox(account, 1)!.highestModseq);
    assert.ok(told.some(({ isArrivalOnly }) => !isArrivalOnly));
  });

  for (const [what, name, meta] of [
    ['a list', imapAsks.setAcl, [owner, 'INBOX', [7, false, 'replace', 3]]],
    ['a list that ends', imapAsks.setAcl, [owner, 'INBOX', [8, false, 'replace', 0]]],
    [
      'an annotation',
      imapAsks.setMetadata,
      [owner, 'INBOX', [['/shared/a', Buffer.from('x')]], [5, 5_000]],
    ],
  ] as const) {
    it(`say so of no arrivals with ${what} between them`, async () => {
      const world = new NoticeWorld();
      await world.deliver();
      await world.value(imapAsks.setAcl, [owner, 'INBOX', [8, false, 'replace', 3]]);
      world.time.advance(joinMs);
      world.time.advance(joinMs);
      world.changes.length = 0;
      await world.deliver();
      assert.equal(world.changes[0]!.isArrivalOnly, true);
      await world.deliver();
      await world.value(name, meta);
      await world.deliver();
      world.time.advance(joinMs);
      assert.equal(world.changes.length, 2);
      const { isArrivalOnly, modseq } = world.changes[1]!;
      assert.deepEqual([isArrivalOnly, modseq], [false, world.now()[1]]);
    });
  }

  it('tell both mailboxes of a move', async () => {
    const world = new NoticeWorld();
    await world.deliver();
    world.time.advance(joinMs);
    const from = { mailbox: 1, uids: [1, 1] };
    await world.mailboxes.copy(account, tenant, from, 6, true);
    const changed = world.changes.slice(1).map(({ mailbox, messages }) => [mailbox, messages]);
    assert.deepEqual(changed, [
      [1, 0],
      [6, 1],
    ]);
  });
});
