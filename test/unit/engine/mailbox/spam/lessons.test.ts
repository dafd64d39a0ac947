/**
 * Aim: what a person moves into Junk, out of it, flags or answers is learnt, once, by their account alone; bounded, and
 *      the same after any replay.
 * Method: the real mailboxes and delivery on a fake shard.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { AccountId } from '../../../../../src/base/ids.ts';
import { dayMs } from '../../../../../src/base/units.ts';
import { hostFacts } from '../../../../../src/engine/mailbox/sieve/filtered.ts';
import { lessonsPerDay } from '../../../../../src/engine/mailbox/spam/lesson-budget.ts';
import { Lessons } from '../../../../../src/engine/mailbox/spam/lessons.ts';
import { kindOfFiling, kindOfFlags } from '../../../../../src/engine/mailbox/spam/meanings.ts';
import { examplesMax } from '../../../../../src/mail/trust/spam/personal.ts';
import { account, rebuilt, tableText, tenant } from '../mailbox-world.ts';
import { SieveWorld } from '../sieve/sieve-world.ts';

const inboxNumber = 1;
const junkNumber = 4;
const trashNumber = 5;
const seen = { op: 'add', flags: 1, keywords: [] } as const;

class LearningWorld extends SieveWorld {
  readonly lessons: Lessons;

  constructor() {
    const late: { lessons?: Lessons } = {};
    super({
      lessons: {
        has: (...of) => late.lessons!.has(...of),
        points: (...of) => late.lessons!.points(...of),
      },
    });
    const { sieveShard: shard, sieveBoxes: mailboxes } = this;
    // Each lesson in the next turn.
    const clock = { ...this.clock, setTimer: timerNow };
    this.lessons = new Lessons({ shard, mailboxes, clock });
    late.lessons = this.lessons;
    mailboxes.watches = [this.lessons];
  }

  async mailFrom(from: string, text: string, to: AccountId = account): Promise<number> {
    const bytes = Buffer.from(`From: ${from}\r\nSubject: ${text}\r\n\r\n${text}, says ${from}\r\n`);
    const outcome = await this.deliver(bytes, { to });
    assert.ok(outcome.ok);
    return outcome.uid;
  }

  async move(uids: readonly number[], from: number, to: number, of = account): Promise<void> {
    const ranges = uids.flatMap((uid) => [uid, uid]);
    await this.sieveBoxes.copy(of, tenant, { mailbox: from, uids: ranges }, to, true);
    await this.learnt();
  }

  async learnt(): Promise<void> {
    for (let i = 0; i < 400; i++) await turn();
  }

  /** Four of each kind: offers are in Junk, notes in INBOX, read. */
  async taught(): Promise<void> {
    const words = ['one', 'two', 'three', 'four'];
    for (const word of words) await this.mailFrom('bob@work.test', `the ${word} meeting notes`);
    await this.sieveBoxes.storeFlags(account, tenant, {
      ...{ ...seen, mailbox: inboxNumber, uids: [1, 4] },
    });
    const offers: number[] = [];
    for (const word of words) offers.push(await this.mailFrom('shop@sale.test', `${word} sale`));
    await this.move(offers, inboxNumber, junkNumber);
  }
}

function timerNow(_ms: number, run: () => void) {
  setImmediate(run);
  return { cancel() {} };
}

describe('what people do', () => {
  it('says what a message is', () => {
    assert.equal(kindOfFiling('inbox', 'junk'), 'spam');
    assert.equal(kindOfFiling('', 'junk'), 'spam');
    assert.equal(kindOfFiling('junk', 'inbox'), 'ham');
    assert.equal(kindOfFiling('quarantine', 'inbox'), 'ham');
    for (const [from, to] of [
      ...([
        ['junk', 'trash'],
        ['junk', 'junk'],
        ['inbox', 'archive'],
        ['inbox', 'trash'],
      ] as const),
    ]) {
      assert.equal(kindOfFiling(from, to), undefined, `${from} ${to}`);
    }
    assert.equal(kindOfFlags('inbox', ['$Junk'], false), 'spam');
    assert.equal(kindOfFlags('junk', ['$notjunk'], false), 'ham');
    assert.equal(kindOfFlags('', [], true), 'ham');
    // Programs that judge by themselves set these on all mail.
    assert.equal(kindOfFlags('inbox', ['$NotJunk', 'NonJunk'], false), undefined);
    assert.equal(kindOfFlags('junk', ['$Junk'], false), undefined);
  });
});

describe('an account', () => {
  it('has mail like what it moved into Junk there, and other mail not; nobody else has', async () => {
    const world = new LearningWorld();
    await world.taught();
    assert.deepEqual(world.lessons.taught(account), { spam: 4, ham: 4 });
    await world.mailFrom('shop@sale.test', 'another sale');
    await world.mailFrom('bob@work.test', 'the next meeting notes');
    assert.deepEqual(world.counts(), { INBOX: 5, Junk: 5 });
    const other = (account + 1) as AccountId;
    await world.mailFrom('shop@sale.test', 'another sale', other);
    assert.equal(world.sieveBoxes.reader.mailbox(other, inboxNumber)!.messages, 1);
  });

  it('takes back what it said by moving mail out of Junk', async () => {
    const world = new LearningWorld();
    await world.taught();
    await world.move([1, 2, 3, 4], junkNumber, inboxNumber);
    assert.deepEqual(world.lessons.taught(account), { spam: 0, ham: 8 });
    await world.mailFrom('shop@sale.test', 'another sale');
    assert.deepEqual(world.counts(), { INBOX: 9 });
  });

  it('learns nothing from what the server files, nor from mail thrown away', async () => {
    const world = new LearningWorld();
    await world.script('require "fileinto"; fileinto "Junk";');
    await world.mailFrom('a@b.test', 'x');
    await world.move([1], junkNumber, trashNumber);
    await world.learnt();
    assert.deepEqual(world.lessons.taught(account), { spam: 0, ham: 0 });
  });

  it('learns a message once, and as many as it may of one command', async () => {
    const world = new LearningWorld();
    for (let i = 0; i < 40; i++) await world.mailFrom('shop@sale.test', `sale ${i}`);
    const before = world.sieveShard.records.length;
    await world.move(
      Array.from({ length: 40 }, (_, i) => i + 1),
      inboxNumber,
      junkNumber,
    );
    assert.deepEqual(world.lessons.taught(account), { spam: 16, ham: 0 });
    assert.equal(world.sieveShard.records.length, before + 1 + 16);
  });

  it('learns of one account so much at a time that others learn, too', async () => {
    const world = new LearningWorld();
    const other = (account + 1) as AccountId;
    for (let i = 0; i < 100; i++) await world.mailFrom('shop@sale.test', `sale ${i}`);
    await world.mailFrom('shop@sale.test', 'sale', other);
    const timers: (() => void)[] = [];
    const setTimer = (_ms: number, run: () => void) => {
      timers.push(run);
      return { cancel() {} };
    };
    const { sieveShard: shard, sieveBoxes: mailboxes, clock } = world;
    const lessons = new Lessons({ shard, mailboxes, clock: { ...clock, setTimer } });
    const flag = (of: AccountId, uid: number, keyword: string, mailbox = inboxNumber) =>
      lessons.flagged(
        { account: of, tenant },
        mailbox,
        [uid, uid],
        [{ op: 'add', flags: [keyword] }],
      );
    for (let again = 0; again < 30; again++) {
      for (let uid = 1; uid <= 100; uid++) flag(account, uid, '$Junk');
    }
    flag(other, 1, '$Junk');
    const before = shard.records.length;
    let lessonCount = 0;
    for (; timers.length > 0; lessonCount++) {
      timers.shift()!();
      for (let i = 0; i < 10; i++) await turn();
    }
    assert.equal(lessonCount, 2 * examplesMax + 1);
    assert.equal(shard.records.length, before + lessonCount);
    assert.deepEqual(lessons.taught(other), { spam: 1, ham: 0 });
  });

  it('learns so much in a day, however often a program takes back what it said', async () => {
    const world = new LearningWorld();
    const uid = await world.mailFrom('shop@sale.test', 'sale');
    const owner = { account, tenant };
    const before = world.sieveShard.records.length;
    const toggle = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const flags = [i % 2 === 0 ? '$Junk' : '\\Answered'];
        world.lessons.flagged(owner, inboxNumber, [uid, uid], [{ op: 'add', flags }]);
        for (let turns = 0; turns < 10; turns++) await turn();
      }
      return world.sieveShard.records.length - before;
    };
    assert.equal(await toggle(lessonsPerDay + 50), lessonsPerDay);
    world.nowMs += dayMs;
    assert.equal(await toggle(10), lessonsPerDay + 10);
  });

  it('keeps the newest examples of each kind', async () => {
    const world = new LearningWorld();
    for (let i = 0; i < 60; i++) {
      world.nowMs += 1_000;
      const uid = await world.mailFrom('shop@sale.test', `sale ${i}`);
      await world.move([uid], inboxNumber, junkNumber);
    }
    assert.equal(world.lessons.taught(account).spam, examplesMax);
  });

  it('is told by the server of its spam without judging that as spam', async () => {
    const world = new LearningWorld();
    await world.taught();
    const { filters } = world.sieveBoxes.deliverer.filters!;
    const text = Buffer.from('From: shop@sale.test\r\nSubject: another sale\r\n\r\none sale\r\n');
    const placeOf = (listener: string) => {
      const origin = [listener, 'ESMTP', '127.0.0.1', 'mx', ''] as const;
      const delivery = { id: world.ids.next(), tenant, sender: '', receivedMs: 0, origin };
      const target = { account, recipient: 'u@a.test' };
      const facts = hostFacts(
        { ...delivery, targets: [target], parts: [text] },
        target,
        world.nowMs,
      );
      return filters.run([], facts, text, text.length).copies[0]!.places[0]!.mailbox;
    };
    assert.deepEqual([placeOf('socket'), placeOf('smtp')], ['INBOX', 'Junk']);
  });

  it('waits with as many lessons as it keeps, and learns what was said last', async () => {
    const world = new LearningWorld();
    const uid = await world.mailFrom('shop@sale.test', 'sale');
    const moves = [
      world.sieveBoxes.copy(
        account,
        tenant,
        { mailbox: inboxNumber, uids: [uid, uid] },
        junkNumber,
        true,
      ),
    ];
    await Promise.all(moves);
    await world.sieveBoxes.copy(
      account,
      tenant,
      { mailbox: junkNumber, uids: [1, 1] },
      inboxNumber,
      true,
    );
    await world.learnt();
    assert.deepEqual(world.lessons.taught(account), { spam: 0, ham: 1 });
  });

  it('forgets all when asked', async () => {
    const world = new LearningWorld();
    await world.taught();
    await world.lessons.forget({ account, tenant });
    assert.deepEqual(world.lessons.taught(account), { spam: 0, ham: 0 });
    await world.mailFrom('shop@sale.test', 'another sale');
    assert.equal(world.counts().Junk, 4);
  });

  it('has learnt the same whatever part of its records is applied twice', async () => {
    const world = new LearningWorld();
    await world.taught();
    const records = world.sieveShard.records.filter(({ type }) => type >= 40);
    for (const again of [0, 3, 9, records.length]) {
      const made = rebuilt(world.sieveShard, (to) => {
        for (const record of [...records, ...records.slice(again)]) to.apply(record);
      });
      assert.deepEqual(tableText(made), tableText(world.sieveShard));
    }
  });
});
