/**
 * Aim: what is kept apart is seen by nobody but who asks for it, is released or expunged once, and goes in time.
 * Method: the real mailboxes and delivery on a fake shard.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { HeldMessage } from '../../../../../src/actors/asks/quarantine-asks.ts';
import type { AccountId } from '../../../../../src/base/ids.ts';
import { dayMs, minuteMs } from '../../../../../src/base/units.ts';
import { annotatedDraft } from '../../../../../src/engine/mailbox/annotation-records.ts';
import { Quarantine } from '../../../../../src/engine/mailbox/quarantine/quarantine.ts';
import { account, messageBytes, rebuilt, tableText, tenant } from '../mailbox-world.ts';
import { SieveWorld } from '../sieve/sieve-world.ts';

const keepMs = 30 * dayMs;

class HeldWorld extends SieveWorld {
  readonly quarantine: Quarantine;

  constructor(spam = { junkPercent: 100, quarantinePercent: 200, rejectPercent: 0 }) {
    super({ hasScanners: true, levels: () => ({ spam, domainSpam: {} }) });
    const { sieveShard: shard, sieveBoxes: mailboxes, clock } = this;
    this.quarantine = new Quarantine({ shard, mailboxes, clock, keepMs, lessons: undefined });
  }

  scored(score: number, subject = 'Offer', more = '', to = account): Promise<unknown> {
    const status = `X-Spam-Status: ${score >= 5 ? 'Yes' : 'No'}, score=${score} required=5 scanner=own\r\n`;
    const head = `${more}${status}From: Bob <bob@x.test>\r\nSubject: ${subject}\r\n\r\nHello.\r\n`;
    return this.deliver(Buffer.from(head), { to });
  }

  async held(search = '', isNew = false): Promise<readonly HeldMessage[]> {
    return (await this.quarantine.list([account, 1, search, isNew])).messages;
  }
}

const policy = 'X-Quarantine: policy; scanner=files\r\n';

describe('mail with a high score', () => {
  it('is kept apart, before any script, and told of', async () => {
    const world = new HeldWorld();
    await world.script('require "copy"; redirect :copy "elsewhere@y.test";');
    await world.scored(10, 'Buy now');
    await world.scored(6);
    await world.scored(1);
    assert.equal(world.sent().length, 2);
    assert.deepEqual(world.counts(), { '': 1, INBOX: 1, Junk: 1 });
    const [held, ...others] = await world.held();
    assert.deepEqual(others, []);
    assert.deepEqual(held, {
      id: 1,
      kind: 'spam',
      heldMs: world.nowMs,
      untilMs: world.nowMs + keepMs,
      bytes: held!.bytes,
      from: 'bob@x.test',
      subject: 'Buy now',
      sender: 's@x.test',
      scanner: 'own',
      percent: 200,
    });
  });

  it('makes one quarantine, whoever comes first, and beside a mailbox of that name', async () => {
    const world = new HeldWorld();
    await world.deliver(messageBytes());
    await world.tree.create({ account, tenant }, 'Quarantine');
    await Promise.all(['a', 'b', 'c'].map((subject) => world.scored(20, subject)));
    assert.equal((await world.held()).length, 3);
    assert.deepEqual(world.counts(), { '': 3, INBOX: 1 });
    const shown = world.tree.paths(account).map(([, path]) => path);
    assert.equal(shown.filter((path) => path === 'Quarantine').length, 1);
    assert.equal(shown.includes(''), false);
    assert.equal(world.tree.subscribed(account).includes(''), false);
  });

  it('is kept apart where an account can have no more mailboxes', { timeout: 60_000 }, async () => {
    const world = new HeldWorld();
    await world.deliver(messageBytes());
    const left = 10_000 - world.tree.names(account).count;
    const made = { parent: 0, role: '' } as const;
    for (let i = 0; i < left; i++) {
      await world.sieveBoxes.createMailbox(account, tenant, { name: `m${i}`, ...made });
    }
    await assert.rejects(world.tree.create({ account, tenant }, 'more'), {
      code: 'not-possible-now',
    });
    await world.scored(20);
    assert.deepEqual(world.counts(), { '': 1, INBOX: 1 });
  });

  it('is the first message of an account', async () => {
    const world = new HeldWorld();
    await world.scored(20);
    assert.equal((await world.held()).length, 1);
    assert.deepEqual(world.counts(), { '': 1 });
  });

  it('is where its account says', async () => {
    const world = new HeldWorld();
    await world.scored(1);
    const say = (entry: string, value: string) =>
      world.sieveBoxes.decide(account, tenant, (actor) => {
        const record = { account, modseq: actor.nextModseq(), mailbox: 0, reader: account };
        const values = [[entry, Buffer.from(value)]] as const;
        const drafts = [annotatedDraft(tenant, { ...record, values })];
        return { drafts, mailboxes: [], value: 0 };
      });
    await say('/private/vendor/chaski/spam/quarantine-percent', '0');
    await say('/private/vendor/chaski/spam/junk-percent', 'much');
    await world.scored(50);
    assert.deepEqual(world.counts(), { INBOX: 1, Junk: 1 });
  });
});

describe('mail in quarantine', () => {
  it('is found by its sender and subject', async () => {
    const world = new HeldWorld();
    for (const subject of ['Rolex', 'Your invoice', 'Viagra']) await world.scored(20, subject);
    const found = async (search: string) => (await world.held(search)).map(({ id }) => id);
    assert.deepEqual(await found('INVOICE'), [2]);
    assert.deepEqual(await found('bob@'), [1, 2, 3]);
    assert.deepEqual(await found('nobody'), []);
    const { text, bytes } = await world.quarantine.text(account, 2);
    assert.equal(text.byteLength, bytes);
    assert.match(String(Buffer.from(text)), /Subject: Your invoice/);
    await assert.rejects(world.quarantine.text(account, 9), { code: 'not-found' });
  });

  it('is released into INBOX once; what a policy keeps apart only by force', async () => {
    const world = new HeldWorld();
    await world.scored(20);
    await world.scored(1, 'Macro', policy);
    const release = (ids: number[], isForced = false) =>
      world.quarantine.release([account, tenant, ids, isForced]);
    await world.quarantine.told(account, tenant, 2);
    assert.deepEqual(await release([2, 1, 1, 77]), { count: 1, refused: 1 });
    assert.deepEqual(await release([1]), { count: 0, refused: 0 });
    assert.deepEqual(world.counts(), { '': 1, INBOX: 1 });
    assert.equal(world.sieveBoxes.reader.mailbox(account, 1)!.unseen, 1);
    assert.deepEqual(await release([2], true), { count: 1, refused: 0 });
    assert.deepEqual(world.counts(), { INBOX: 2 });
  });

  it('is expunged when asked, or when its time is over', async () => {
    const world = new HeldWorld();
    for (const subject of ['a', 'b', 'c']) await world.scored(20, subject);
    assert.equal(await world.quarantine.remove([account, tenant, [2, 9], false]), 1);
    world.nowMs += keepMs - minuteMs;
    await world.scored(20, 'late');
    const left = async () => {
      world.quarantine.sweep();
      for (let i = 0; i < 20; i++) await turn();
      return (await world.held()).map(({ subject }) => subject);
    };
    assert.deepEqual(await left(), ['a', 'c', 'late']);
    world.nowMs += 2 * minuteMs;
    assert.deepEqual(await left(), ['late']);
  });

  it('is due for a digest until one told of it', async () => {
    const world = new HeldWorld();
    assert.deepEqual(world.quarantine.due(0), { accounts: [] });
    await world.scored(20, 'a');
    await world.scored(20, 'b');
    assert.deepEqual(world.quarantine.due(0), { accounts: [[account, tenant, 2]] });
    await world.quarantine.told(account, tenant, 1);
    assert.deepEqual(world.quarantine.due(account), { accounts: [[account, tenant, 1]] });
    assert.deepEqual(
      (await world.held('', true)).map(({ subject }) => subject),
      ['b'],
    );
    assert.deepEqual(world.quarantine.due(account + 1), { accounts: [] });
  });

  it('is told of up to what was said first that day', async () => {
    const world = new HeldWorld();
    const telling = (day: number, uidMax: number) =>
      world.quarantine.telling(account, tenant, day, uidMax);
    assert.equal(await telling(1, 5), 0);
    for (const subject of ['a', 'b', 'c']) await world.scored(20, subject);
    assert.deepEqual(await Promise.all([telling(1, 2), telling(1, 3)]), [2, 2]);
    assert.equal(await telling(1, 3), 2);
    assert.equal(await telling(2, 3), 3);
    assert.equal(world.quarantine.due(0).accounts.length, 1);
    assert.equal((await world.held('', true)).length, 3);
  });

  it('is told of by the first page of new ones, however many were told of before', async () => {
    const world = new HeldWorld();
    for (let i = 0; i < 130; i++) await world.scored(20, `old ${i}`);
    await world.quarantine.told(account, tenant, 130);
    await world.scored(20, 'new');
    assert.deepEqual(
      (await world.held('', true)).map(({ subject }) => subject),
      ['new'],
    );
  });

  it('is no place for scripts, whatever use they name', async () => {
    const world = new HeldWorld();
    await world.scored(20);
    await world.script(
      'require ["fileinto", "special-use", "mailbox"]; fileinto :create :specialuse "\\\\Quarantine" "Elsewhere";',
    );
    await world.scored(1);
    assert.deepEqual(world.counts(), { '': 1, Elsewhere: 1 });
  });

  it('goes in time where that of another account cannot', async () => {
    const world = new HeldWorld();
    const other = (account + 1) as AccountId;
    for (const to of [account, other]) await world.scored(20, 'x', '', to);
    const { sieveBoxes } = world;
    const expunge = sieveBoxes.expunge.bind(sieveBoxes);
    sieveBoxes.expunge = async (of, ...rest) => {
      if (of === account) throw new Error('no disk');
      return expunge(of, ...rest);
    };
    world.nowMs += 2 * keepMs;
    world.quarantine.sweep();
    for (let i = 0; i < 20; i++) await turn();
    const left = async (of: number) => (await world.quarantine.list([of, 1, '', false])).messages;
    assert.deepEqual([(await left(account)).length, (await left(other)).length], [1, 0]);
  });

  it('is told of by names of scanners alone, whoever wrote the field', async () => {
    const world = new HeldWorld();
    await world.scored(1, 'x', 'X-Quarantine: spam; scanner=http://evil.test/now\r\n');
    const [held] = await world.held();
    assert.equal(held!.scanner, 'http');
  });

  it('is the same whatever part of its records is applied twice', async () => {
    const world = new HeldWorld();
    for (const subject of ['a', 'b', 'c']) await world.scored(20, subject);
    await world.quarantine.release([account, tenant, [1], false]);
    await world.quarantine.remove([account, tenant, [2], false]);
    await world.quarantine.told(account, tenant, 3);
    const records = world.sieveShard.records.filter(({ type }) => type >= 40);
    for (const again of [0, 1, 4, records.length]) {
      const made = rebuilt(world.sieveShard, (to) => {
        for (const record of [...records, ...records.slice(again)]) to.apply(record);
      });
      assert.deepEqual(tableText(made), tableText(world.sieveShard));
    }
  });

  it('goes with its account', async () => {
    const world = new HeldWorld();
    await world.scored(20);
    await world.sieveBoxes.deleteAccount(account, tenant);
    assert.deepEqual(world.quarantine.due(0), { accounts: [] });
    assert.deepEqual(await world.held(), []);
  });
});
