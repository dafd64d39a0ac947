/**
 * Aim: what a script snoozes comes back once, at its time, where it is to go, whatever is killed or moved between.
 * Method: the real mailboxes and delivery on a fake shard.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { silentLog } from '../../../../../src/base/log.ts';
import { dayMs, hourMs, minuteMs } from '../../../../../src/base/units.ts';
import { Snoozes } from '../../../../../src/engine/mailbox/snooze/snoozes.ts';
import { tables } from '../../../../../src/engine/store/keys.ts';
import { account, messageBytes, rebuilt, tableText, tenant } from '../mailbox-world.ts';
import { SieveWorld } from '../sieve/sieve-world.ts';

const owner = { account, tenant };

class SnoozeWorld extends SieveWorld {
  snoozes = this.opened();

  constructor() {
    super();
    // Nine in the morning, on a Sunday.
    this.nowMs = Date.UTC(2026, 10, 22, 9);
  }

  opened(): Snoozes {
    const { sieveShard: shard, sieveBoxes: mailboxes, tree, clock } = this;
    return new Snoozes({ shard, mailboxes, tree, clock, log: silentLog });
  }

  async pass(ms: number): Promise<Record<string, number>> {
    this.nowMs += ms;
    this.snoozes.sweep();
    for (let turns = 0; turns < 50; turns++) await turn();
    return this.counts();
  }

  /** Those that are still to come back. */
  waiting(): number {
    const prefix = Buffer.of(tables.snoozed).toString('hex');
    return tableText(this.sieveShard).filter((row) => row.startsWith(prefix)).length;
  }

  flags(path: string): readonly string[] {
    const mailbox = this.tree.names(account).find(path);
    return this.sieveBoxes.reader.messages(account, mailbox, 1, 1)[0]!.flags;
  }
}

describe('a snoozed message', () => {
  it('lies in the mailbox for it until its time, and comes back into INBOX', async () => {
    const world = new SnoozeWorld();
    await world.script('require "snooze"; snooze ["17:00", "08:00"];');
    await world.deliver(messageBytes());
    const mailbox = world.tree.names(account).withRole('snoozed');
    assert.equal(world.tree.names(account).path(mailbox), 'Snoozed');
    assert.deepEqual(await world.pass(8 * hourMs - 1), { Snoozed: 1 });
    assert.equal(world.waiting(), 1);
    assert.deepEqual(await world.pass(minuteMs), { INBOX: 1 });
    assert.equal(world.waiting(), 0);
    assert.deepEqual(await world.pass(dayMs), { INBOX: 1 });
  });

  it('goes where the script says then, with flags added and removed', async () => {
    const world = new SnoozeWorld();
    await world.script(`require ["snooze", "imap4flags", "mailbox"];
      snooze :mailbox "Later/Work" :create :addflags ["\\\\Flagged", "$Back"] :removeflags "\\\\Seen" :weekdays "1" "07:30";`);
    await world.deliver(messageBytes());
    assert.deepEqual(await world.pass(22 * hourMs), { Snoozed: 1 });
    assert.deepEqual(await world.pass(31 * minuteMs), { 'Later/Work': 1 });
    assert.deepEqual([...world.flags('Later/Work')].sort(), ['$Back', '\\Flagged']);
  });

  it('comes back into INBOX where its mailbox is gone, and by its use or id where it has them', async () => {
    const world = new SnoozeWorld();
    await world.script(`require ["snooze", "special-use", "mailboxid"];
      if header :is "Subject" "use" { snooze :specialuse "\\\\Archive" "10:00"; }
      elsif header :is "Subject" "id" { snooze :mailboxid "F5" "10:00"; }
      else { snooze :mailbox "Nowhere" "10:00"; }`);
    for (const subject of ['use', 'id', 'name']) await world.deliver(messageBytes({ subject }));
    assert.deepEqual(await world.pass(hourMs), { INBOX: 1, Trash: 1, Archive: 1 });
  });

  it('that somebody moved or expunged stays where it is', async () => {
    const world = new SnoozeWorld();
    await world.script('require "snooze"; snooze "10:00";');
    for (let i = 0; i < 3; i++) await world.deliver(messageBytes());
    const mailbox = world.tree.names(account).find('Snoozed');
    await world.sieveBoxes.copy(account, tenant, { mailbox, uids: [1, 1] }, 6, true);
    await world.sieveBoxes.expunge(account, tenant, mailbox, [2, 2], false);
    assert.deepEqual(await world.pass(hourMs), { INBOX: 1, Archive: 1 });
    assert.equal(world.waiting(), 0);
  });

  it('may be kept elsewhere at the same time', async () => {
    const world = new SnoozeWorld();
    await world.script('require ["snooze", "fileinto"]; fileinto "Archive"; snooze "10:00"; keep;');
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { INBOX: 1, Snoozed: 1, Archive: 1 });
    assert.deepEqual(await world.pass(hourMs), { INBOX: 2, Archive: 1 });
  });

  it('uses a mailbox of that name, or of that use, that is there', async () => {
    const world = new SnoozeWorld();
    await world.deliver(messageBytes());
    await world.tree.create(owner, 'Später', 'snoozed');
    await world.script('require "snooze"; snooze "10:00";');
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { INBOX: 1, Später: 1 });
  });
});

describe('a look for what is to come back', () => {
  it('tries again what could not be written, at its next time', async () => {
    const world = new SnoozeWorld();
    await world.script('require "snooze"; snooze "10:00";');
    await world.deliver(messageBytes());
    const { sieveBoxes } = world;
    const copy = sieveBoxes.copy.bind(sieveBoxes);
    let tries = 0;
    sieveBoxes.copy = async () => {
      tries++;
      throw new Error('no disk');
    };
    assert.deepEqual(await world.pass(hourMs), { Snoozed: 1 });
    assert.deepEqual(await world.pass(1), { Snoozed: 1 });
    assert.equal(tries, 1);
    sieveBoxes.copy = copy;
    assert.deepEqual(await world.pass(minuteMs), { INBOX: 1 });
  });

  it('brings back all that is due, a hundred at a time', async () => {
    const world = new SnoozeWorld();
    await world.script('require "snooze"; snooze "10:00";');
    for (let i = 0; i < 101; i++) await world.deliver(messageBytes());
    world.nowMs += hourMs;
    // Two looks: the second follows at once.
    for (let looks = 0; looks < 40; looks++) await world.pass(0);
    assert.deepEqual(world.counts(), { INBOX: 101 });
    assert.equal(world.waiting(), 0);
  });

  it('finds one that was moved and not noted, after a kill between the two', async () => {
    const world = new SnoozeWorld();
    await world.script('require "snooze"; snooze "10:00";');
    await world.deliver(messageBytes());
    const { sieveBoxes } = world;
    const decide = sieveBoxes.decide.bind(sieveBoxes);
    sieveBoxes.decide = async () => {
      throw new Error('killed');
    };
    assert.deepEqual(await world.pass(hourMs), { INBOX: 1 });
    assert.equal(world.waiting(), 1);
    sieveBoxes.decide = decide;
    world.snoozes = world.opened();
    assert.deepEqual(await world.pass(minuteMs), { INBOX: 1 });
    assert.equal(world.waiting(), 0);
  });
});

describe('what is snoozed', () => {
  it('is the same whatever part of its records is applied twice, and goes with its account', async () => {
    const world = new SnoozeWorld();
    await world.script('require "snooze"; snooze ["10:00", "11:00"];');
    await world.deliver(messageBytes());
    await world.pass(hourMs);
    await world.deliver(messageBytes());
    assert.equal(world.waiting(), 1);
    const records = world.sieveShard.records.filter(({ type }) => type >= 40);
    for (const again of [0, 1, 4, records.length]) {
      const made = rebuilt(world.sieveShard, (to) => {
        for (const record of [...records, ...records.slice(again)]) to.apply(record);
      });
      assert.deepEqual(tableText(made), tableText(world.sieveShard));
    }
    await world.sieveBoxes.deleteAccount(account, tenant);
    assert.equal(world.waiting(), 0);
    assert.deepEqual(await world.pass(hourMs), {});
  });
});
