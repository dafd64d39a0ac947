/**
 * Aim: what several accounts of a tenant call spam is spam to its others; one or two accounts speak for nobody, none
 *      speaks louder than another, and what is forgotten is gone.
 * Method: lessons as rows on a fake shard; the real deliveries.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { PolicySnapshot } from '../../../../../src/actors/asks/policy-snapshot.ts';
import type { AccountId } from '../../../../../src/base/ids.ts';
import { minuteMs } from '../../../../../src/base/units.ts';
import {
  encodeLesson,
  type LessonKind,
} from '../../../../../src/engine/mailbox/rows/lesson-row.ts';
import { Lessons } from '../../../../../src/engine/mailbox/spam/lessons.ts';
import { learntDraft } from '../../../../../src/engine/mailbox/spam/records.ts';
import { placesOf } from '../../../../../src/mail/trust/spam/personal.ts';
import { readForSpam } from '../../../../../src/mail/trust/spam/reading.ts';
import { account, rebuilt, tableText, tenant } from '../mailbox-world.ts';
import { SieveWorld } from '../sieve/sieve-world.ts';

const offer = (i: number) =>
  Buffer.from(
    `From: shop${i}@sale.test\r\nSubject: Win ${i}\r\n\r\nClaim your lottery prize now\r\n`,
  );
const note = (i: number) =>
  Buffer.from(
    `From: bob${i}@work.test\r\nSubject: Plan ${i}\r\n\r\nAgenda of the project review\r\n`,
  );

class TenantWorld extends SieveWorld {
  readonly lessons: Lessons;

  constructor(isShared = true, more: Partial<PolicySnapshot> = {}) {
    const late: { lessons?: Lessons } = {};
    const spam = { junkPercent: 50, quarantinePercent: 0, rejectPercent: 0 };
    super({
      levels: () => ({ spam, ...more }),
      lessons: {
        has: (...of) => late.lessons!.has(...of),
        points: (...of) => late.lessons!.points(...of),
      },
    });
    const { sieveShard: shard, sieveBoxes: mailboxes, clock } = this;
    this.lessons = new Lessons({ shard, mailboxes, clock, isShared });
    late.lessons = this.lessons;
  }

  /** `count` examples of each kind, by one account; told to the models, as one of them is taught by hand. */
  async teach(of: number, count: number, isTurned = false): Promise<void> {
    const to = of as AccountId;
    await this.deliver(note(0), { to });
    await this.sieveBoxes.decide(to, tenant, (actor) => {
      const one = (document: number, kind: LessonKind, text: Buffer) => {
        const lesson = { kind, atMs: this.nowMs + document, places: placesOf(readForSpam(text)) };
        return [document, encodeLesson(lesson)] as const;
      };
      const lessons = Array.from({ length: count }, (_, i) => [
        one(2 * i + 1, isTurned ? 'ham' : 'spam', offer(100 * of + i)),
        one(2 * i + 2, isTurned ? 'spam' : 'ham', note(100 * of + i)),
      ]).flat();
      const record = { account: to, modseq: actor.nextModseq(), lessons, isAnew: false };
      return { drafts: [learntDraft(tenant, record)], mailboxes: [], value: undefined };
    });
  }

  async remade(): Promise<void> {
    this.nowMs += 10 * minuteMs;
    this.lessons.sweep();
    for (let turns = 0; turns < 200; turns++) await turn();
  }

  points(text: Buffer, of = 99): number {
    return this.lessons.points(of, tenant, text).tenant;
  }
}

describe('accounts of a tenant', () => {
  it('teach one another, once three of them did', async () => {
    const world = new TenantWorld();
    for (const who of [11, 12]) await world.teach(who, 4);
    await world.remade();
    assert.equal(world.lessons.has(99, tenant), false);
    assert.equal(world.points(offer(1)), 0);
    await world.teach(13, 4);
    world.lessons.sweep();
    await world.lessons.forget({ account: 50 as AccountId, tenant });
    await world.remade();
    assert.equal(world.lessons.has(99, tenant), true);
    assert.ok(world.points(offer(1)) > 1, String(world.points(offer(1))));
    assert.ok(world.points(note(1)) < -1, String(world.points(note(1))));
    assert.equal(world.lessons.points(99, tenant, offer(1)).own, 0);
    assert.equal(world.lessons.has(99, tenant + 1), false);
  });

  it('say no more than three points, and no single one outvotes the others', async () => {
    const world = new TenantWorld();
    for (const who of [11, 12, 13, 14, 15, 16]) await world.teach(who, 4);
    await world.remade();
    const before = world.points(offer(1));
    assert.ok(before > 1 && before <= 3, String(before));
    await world.teach(17, 32, true);
    await world.lessons.forget({ account: 50 as AccountId, tenant });
    await world.remade();
    assert.ok(world.points(offer(1)) > 0, String(world.points(offer(1))));
  });

  it('take back what one forgets, or what goes with its account', async () => {
    const world = new TenantWorld();
    for (const who of [11, 12, 13]) await world.teach(who, 4);
    await world.remade();
    assert.equal(world.lessons.has(99, tenant), true);
    await world.lessons.forget({ account: 11 as AccountId, tenant });
    await world.remade();
    assert.equal(world.lessons.has(99, tenant), false);
    await world.teach(11, 4);
    await world.lessons.forget({ account: 50 as AccountId, tenant });
    await world.remade();
    assert.equal(world.lessons.has(99, tenant), true);
    await world.sieveBoxes.deleteAccount(12 as AccountId, tenant);
    await world.lessons.forget({ account: 50 as AccountId, tenant });
    await world.remade();
    assert.equal(world.lessons.has(99, tenant), false);
  });

  it('forget all they taught together, and are counted; accounts of another tenant are left alone', async () => {
    const world = new TenantWorld();
    for (const who of [11, 12, 13]) await world.teach(who, 4);
    const teaches = { accounts: 3, spam: 0, ham: 0 };
    assert.deepEqual(await world.lessons.tenantTaught(tenant), teaches);
    await world.remade();
    assert.deepEqual(await world.lessons.tenantTaught(tenant), { ...teaches, spam: 12, ham: 12 });
    const other = (tenant + 1) as typeof tenant;
    assert.deepEqual(await world.lessons.tenantTaught(other), { accounts: 0, spam: 0, ham: 0 });
    await world.lessons.forgetTenant(other);
    assert.equal((await world.lessons.tenantTaught(tenant)).accounts, 3);
    await world.lessons.forgetTenant(tenant);
    assert.equal(world.points(offer(1)), 0);
    for (const who of [11, 12, 13]) {
      assert.deepEqual(world.lessons.taught(who), { spam: 0, ham: 0 });
    }
    await world.remade();
    assert.deepEqual(await world.lessons.tenantTaught(tenant), { accounts: 0, spam: 0, ham: 0 });
  });

  it('have their model again after its memory went to others', async () => {
    const world = new TenantWorld();
    for (const who of [11, 12, 13]) await world.teach(who, 4);
    await world.remade();
    const { derived } = world.sieveBoxes;
    const all = { bytes: derived.bytesMax, forget() {} };
    assert.ok(derived.add(all));
    assert.equal(world.lessons.has(99, tenant), false);
    derived.remove(all);
    await world.remade();
    assert.equal(world.lessons.has(99, tenant), true);
  });

  it('keep to themselves where operators say so', async () => {
    const world = new TenantWorld(false);
    for (const who of [11, 12, 13]) await world.teach(who, 4);
    await world.remade();
    assert.equal(world.lessons.has(99, tenant), false);
  });

  it('are made anew once in ten minutes, and nothing is made where nothing was taught', async () => {
    const world = new TenantWorld();
    for (const who of [11, 12, 13]) await world.teach(who, 4);
    await world.remade();
    const range = world.sieveShard.range.bind(world.sieveShard);
    let looks = 0;
    world.sieveShard.range = (of) => {
      looks++;
      return range(of);
    };
    await world.remade();
    assert.equal(looks, 0);
    await world.lessons.forget({ account: 11 as AccountId, tenant });
    looks = 0;
    world.lessons.sweep();
    await world.remade();
    assert.ok(looks > 0);
  });

  it('are those of the recipient’s domain, whatever tenant the message is of', async () => {
    const world = new TenantWorld(true, {
      domains: { 'a.test': { dkim: [], tenant }, 'b.test': { dkim: [], tenant: tenant + 1 } },
    });
    for (const who of [11, 12, 13]) await world.teach(who, 10);
    await world.remade();
    const placeOf = async (recipient: string) => {
      const to = 99 as AccountId;
      const before = world.sieveBoxes.reader.mailbox(to, 1)?.messages ?? 0;
      await world.deliver(offer(1), { to, recipient });
      const isInInbox = (world.sieveBoxes.reader.mailbox(to, 1)?.messages ?? 0) > before;
      return isInInbox ? 'INBOX' : 'Junk';
    };
    assert.equal(await placeOf('u@A.test'), 'Junk');
    assert.equal(await placeOf('u@b.test'), 'INBOX');
    assert.equal(await placeOf('u@elsewhere.test'), 'INBOX');
  });

  it('leave the same rows whatever part of their records is applied twice', async () => {
    const world = new TenantWorld();
    for (const who of [11, 12]) await world.teach(who, 2);
    await world.lessons.forget({ account: 11 as AccountId, tenant });
    assert.equal(account, 1);
    const records = world.sieveShard.records.filter(({ type }) => type >= 40);
    for (const again of [0, 1, 4, records.length]) {
      const made = rebuilt(world.sieveShard, (to) => {
        for (const record of [...records, ...records.slice(again)]) to.apply(record);
      });
      assert.deepEqual(tableText(made), tableText(world.sieveShard));
    }
  });
});
