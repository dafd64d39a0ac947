/**
 * Aim: a spool keeps each accepted recipient until it has one final outcome, through deferrals, bounces and crashes.
 * Method: a shard in memory, a next hop answered by hand, a clock turned by hand; restarts replay the records.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeliveryTerms } from '../../../../src/actors/asks/delivery-terms.ts';
import { hourMs, minuteMs } from '../../../../src/base/units.ts';
import { queueRange } from '../../../../src/engine/spool/queue-rows.ts';
import { retry, SpoolWorld } from '../../../support/spool-world.ts';

function rowCount(world: SpoolWorld): number {
  return world.shard.range(queueRange).length;
}

describe('spool', () => {
  it('a message that is delivered at once never gets a queue row', async () => {
    const world = new SpoolWorld();
    await world.accept(['x@to.test']);
    assert.equal(world.open.length, 1);
    await world.answer('delivered');
    assert.equal(rowCount(world), 0);
    assert.equal(world.spool.queuedCount, 0);
    assert.equal(world.shard.released.length, 1);
    assert.equal(world.spool.indexFloor(), Number.POSITIVE_INFINITY);
  });

  it('the oldest message without row and outcome holds the applied position back', async () => {
    const world = new SpoolWorld();
    await world.accept(['x@to.test']);
    await world.accept(['y@to.test']);
    assert.equal(world.spool.indexFloor(), 0);
    await world.answer('delivered');
    assert.equal(world.spool.indexFloor(), 1);
  });

  it('a deferred message waits in the index only, and is tried again when due', async () => {
    const world = new SpoolWorld();
    const id = await world.accept(['x@to.test']);
    await world.answer('deferred');
    await world.pass(3_000);
    assert.equal(rowCount(world), 1);
    assert.equal(world.spool.activeCount, 0);
    assert.equal(world.bodies.bytes, 0);
    await world.pass(retry.firstMs - 10_000);
    assert.equal(world.open.length, 0, 'not before its instant');
    await world.pass(10_000);
    assert.equal(world.open.length, 1);
    assert.match(Buffer.concat([...world.open[0]!.message.parts]).toString(), new RegExp(id));
    await world.answer('delivered');
    assert.equal(rowCount(world), 0);
    assert.equal(world.shard.released.length, 1);
  });

  it('a message whose time comes twice, because the clock stepped back, is tried then', async () => {
    const world = new SpoolWorld();
    await world.accept(['r@one.test']);
    await world.answer('deferred');
    await world.pass(3_000);
    // Its row is claimed, and its body is not read yet.
    world.clock.advance(5 * 60_000);
    world.spool.sweep();
    world.clock.jump(-60_000);
    await world.settle();
    assert.equal(world.open.length, 0);
    assert.equal(world.spool.activeCount, 0);
    await world.pass(70_000);
    assert.equal(world.open.length, 1);
  });

  it('recipients of one domain share an attempt, and each has its own outcome', async () => {
    const world = new SpoolWorld();
    await world.accept(['x@one.test', 'y@two.test', 'z@one.test']);
    assert.deepEqual(
      world.open.map(({ message }) => message.recipients.map(({ address }) => address)),
      [['x@one.test', 'z@one.test'], ['y@two.test']],
    );
    await world.answer('delivered');
    await world.answer('deferred');
    await world.pass(retry.firstMs + 1_000);
    assert.deepEqual(
      world.open.map(({ message }) => message.recipients.map(({ address }) => address)),
      [['y@two.test']],
    );
  });

  it('two outcomes in one turn end a message once', async () => {
    const world = new SpoolWorld();
    await world.accept(['x@one.test', 'y@two.test']);
    const [first, second] = [world.answer('delivered'), world.answer('delivered')];
    await Promise.all([first, second]);
    assert.equal(world.shard.released.length, 1);
    assert.equal(world.spool.queuedCount, 0);
  });

  it('a failed recipient leads to a report from the null sender, in the parcel of its outcome', async () => {
    const world = new SpoolWorld();
    await world.accept(['x@to.test']);
    await world.answer('failed');
    const report = world.open.at(-1)!.message;
    assert.equal(report.sender, '');
    assert.deepEqual(
      report.recipients.map(({ address }) => address),
      ['a@from.test'],
    );
    const text = Buffer.concat([...report.parts]).toString();
    assert.match(text, /Final-Recipient: rfc822; ?x@to\.test/i);
    assert.match(text, /Action: failed/i);
    const [outcome, accepted] = world.shard.records.slice(-2);
    assert.deepEqual([outcome!.type, accepted!.type], [21, 20]);
  });

  it('RFC 8689: the report on a message that required TLS has its header only, and asks for TLS', async () => {
    const world = new SpoolWorld();
    const reportOn = async (terms?: DeliveryTerms) => {
      const asked = { ret: 1, ...(terms === undefined ? {} : { terms }) } as const;
      await world.accept(['x@to.test'], 'a@from.test', 0, world.ids.next(), asked);
      await world.answer('failed');
      const { sender, terms: told, parts } = world.open.shift()!.message;
      return { sender, told, hasBody: /^body/m.test(Buffer.concat([...parts]).toString()) };
    };
    assert.deepEqual(await reportOn(), { sender: '', told: undefined, hasBody: true });
    const requireTls = true;
    const secret = { sender: '', told: { requireTls }, hasBody: false };
    assert.deepEqual(await reportOn({ requireTls }), secret);
  });

  it('RFC 3461: a recipient with NOTIFY=NEVER is not reported, nor anything to a null sender', async () => {
    const world = new SpoolWorld();
    await world.accept(['x@to.test'], 'a@from.test', 1 + 2);
    await world.answer('failed');
    await world.accept(['x@to.test'], '');
    await world.answer('failed');
    assert.equal(world.open.length, 0);
    assert.equal(world.spool.queuedCount, 0);
  });

  it('a recipient that cannot be reached for its whole life expires and is reported', async () => {
    const world = new SpoolWorld();
    await world.accept(['x@to.test']);
    let attempts = 0;
    for (let hours = 0; hours < 6 * 24 && attempts < 500; hours++) {
      if (world.open.length > 0) {
        if (world.open[0]!.message.sender === '') break;
        attempts++;
        await world.answer('deferred');
      }
      await world.pass(hourMs);
    }
    assert.ok(attempts > 10);
    const report = Buffer.concat([...world.open[0]!.message.parts]).toString();
    assert.match(report, /4\.4\.7/);
  });

  it('a site without room costs no attempt: the message waits on disk and comes again', async () => {
    const world = new SpoolWorld();
    world.isFull = true;
    await world.accept(['x@to.test']);
    assert.equal(rowCount(world), 1);
    assert.equal(world.spool.activeCount, 0);
    world.isFull = false;
    await world.pass(10_000);
    await world.answer('deferred');
    await world.pass(retry.firstMs + 1_000);
    assert.equal(world.open.length, 1, 'the first wait follows the first real attempt');
  });

  it('past the room for bodies they are read from the journal', async () => {
    const world = new SpoolWorld({}, 10);
    await world.accept(['x@to.test']);
    assert.equal(world.bodies.bytes, 0);
    await world.settle();
    assert.equal(world.open.length, 1);
    assert.match(Buffer.concat([...world.open[0]!.message.parts]).toString(), /body/);
  });

  it('past activeCountMax accepted messages wait on disk only, have their turn, and survive a crash', async () => {
    const world = new SpoolWorld({ activeCountMax: 4 });
    for (let i = 0; i < 10; i++) await world.accept([`x${i}@to.test`]);
    assert.deepEqual([world.spool.activeCount, world.open.length], [3, 3]);
    assert.deepEqual([rowCount(world), world.spool.queuedCount], [7, 10]);
    assert.equal(world.bodies.bytes, world.open[0]!.message.bytes * 3);
    await world.pass(500);
    assert.equal(world.spool.activeCount, 4, 'the last place is for one that waits');
    world.crash();
    const done = new Set<string>();
    for (let i = 0; i < 50 && world.spool.queuedCount > 0; i++) {
      await world.settle();
      assert.ok(world.spool.activeCount <= 4);
      const [open] = world.open;
      if (open !== undefined) {
        done.add(open.message.recipients[0]!.address);
        await world.answer('delivered');
      }
      await world.pass(500);
    }
    assert.equal(done.size, 10);
    assert.equal(world.shard.released.length, 10);
  });

  it('past activeCountMax due messages wait until there is room', async () => {
    const world = new SpoolWorld({ activeCountMax: 2 });
    for (let i = 0; i < 5; i++) {
      await world.accept([`x${i}@to.test`]);
      await world.answer('deferred');
      await world.pass(3_000);
    }
    await world.pass(retry.firstMs + minuteMs);
    assert.equal(world.open.length, 2);
    await world.answer('delivered');
    await world.pass(1_000);
    assert.equal(world.open.length, 2);
    while (world.open.length > 0) {
      await world.answer('delivered');
      await world.pass(1_000);
    }
    assert.equal(world.spool.queuedCount, 0);
    assert.equal(new Set(world.attempts).size, 5);
  });

  it('an outcome the store refused is recorded when it takes records again', async () => {
    const world = new SpoolWorld();
    await world.accept(['x@to.test']);
    world.shard.faults.push('lost');
    await world.answer('delivered');
    assert.equal(world.spool.queuedCount, 1);
    world.clock.advance(1_500);
    await world.settle();
    assert.equal(world.spool.queuedCount, 0);
    assert.equal(world.shard.records.at(-1)!.type, 21);
  });

  it('an accepted message that the store refused is answered as a failure and not tried', async () => {
    const world = new SpoolWorld();
    world.shard.faults.push('lost');
    await assert.rejects(world.accept(['x@to.test']));
    assert.equal(world.open.length, 0);
    assert.equal(world.spool.queuedCount, 0);
  });
});

describe('spool after a crash', () => {
  it('what was open is tried again, what was done is not', async () => {
    const world = new SpoolWorld();
    await world.accept(['x@to.test']);
    await world.accept(['y@to.test']);
    await world.answer('delivered');
    world.crash();
    await world.settle();
    assert.deepEqual(
      world.open.map(({ message }) => message.recipients[0]!.address),
      ['y@to.test'],
    );
  });

  for (const withoutIndex of [false, true]) {
    it(`a deferred message keeps its instant and attempts (index ${withoutIndex ? 'lost' : 'kept'})`, async () => {
      const world = new SpoolWorld();
      await world.accept(['x@to.test']);
      await world.answer('deferred');
      await world.pass(3_000);
      world.crash({ withoutIndex });
      await world.pass(3_000);
      assert.equal(world.open.length, 0);
      await world.pass(retry.firstMs);
      assert.equal(world.open.length, 1);
      await world.answer('deferred');
      await world.pass(retry.firstMs + 2_000);
      assert.equal(world.open.length, 0, 'the second wait is twice the first');
      await world.pass(retry.firstMs);
      await world.answer('delivered');
      assert.equal(world.spool.queuedCount, 0);
      assert.equal(rowCount(world), 0);
    });
  }

  it('a held message stays held, and goes out when released', async () => {
    const world = new SpoolWorld();
    const id = await world.accept(['x@to.test']);
    await world.answer('deferred');
    const message = world.spool.find(id)!;
    message.isHeld = true;
    await Promise.all([world.spool.record(message, [0]), world.settle()]);
    await world.pass(3_000);
    world.crash();
    await world.pass(24 * hourMs);
    assert.equal(world.open.length, 0);
    assert.equal(world.spool.queuedCount, 1);
    const held = world.spool.find(id)!;
    assert.equal(held.isHeld, true);
    held.isHeld = false;
    held.recipients[0]!.nextMs = world.clock.nowMs();
    await Promise.all([world.spool.record(held, [0]), world.settle()]);
    world.spool.attemptNow(held);
    await world.settle();
    assert.equal(world.open.length, 1);
  });

  it('an accepted message that is handed in again is not accepted twice, done or not', async () => {
    const world = new SpoolWorld();
    const done = await world.accept(['x@to.test']);
    await world.answer('delivered');
    const open = await world.accept(['y@to.test']);
    world.crash();
    await world.settle();
    const before = world.shard.records.length;
    await world.accept(['x@to.test'], 'a@from.test', 0, done);
    await world.accept(['y@to.test'], 'a@from.test', 0, open);
    assert.equal(world.shard.records.length, before);
    assert.equal(world.open.length, 1);
  });

  it('a message that its sender holds back waits in the index, through restarts, till its time', async () => {
    for (const crash of [undefined, { withoutIndex: false }, { withoutIndex: true }]) {
      const world = new SpoolWorld();
      const holdUntilMs = world.clock.nowMs() + 2 * hourMs;
      await world.accept(['x@to.test'], 'a@from.test', 0, undefined, { terms: { holdUntilMs } });
      assert.equal(world.bodies.bytes, 0);
      if (crash !== undefined) world.crash(crash);
      await world.pass(2 * hourMs - 10_000);
      assert.equal(world.open.length, 0);
      assert.equal(rowCount(world), 1);
      await world.pass(10_000);
      assert.equal(world.open.length, 1);
    }
  });

  it('RFC 2852: what is to come back by a time comes back then, and is not tried later', async () => {
    const world = new SpoolWorld();
    const byMs = world.clock.nowMs() + hourMs;
    const deliverBy = { byMs, mode: 'return', isTraced: false } as const;
    await world.accept(['x@to.test'], 'a@from.test', 0, undefined, { terms: { deliverBy } });
    while (world.clock.nowMs() < byMs - minuteMs) {
      if (world.open.length > 0) await world.answer('deferred');
      await world.pass(minuteMs);
    }
    const tries = world.attempts.length;
    assert.ok(tries > 1);
    await world.pass(2 * minuteMs);
    const report = Buffer.concat([...world.open[0]!.message.parts]).toString();
    assert.equal(world.open[0]!.message.sender, '');
    assert.match(report, /Action: failed/);
    assert.match(report, /Status: 5\.4\.7/);
    assert.equal(world.attempts.length, tries + 1, 'the report');
    assert.equal(world.spool.queuedCount, 1);
  });

  it('RFC 2852: who asked to be told by a time is told once, and the message goes on', async () => {
    const world = new SpoolWorld();
    const byMs = world.clock.nowMs() + 10 * minuteMs;
    const deliverBy = { byMs, mode: 'notify', isTraced: false } as const;
    await world.accept(['x@to.test'], 'a@from.test', 0, undefined, { terms: { deliverBy } });
    const actions: string[] = [];
    for (let minutes = 0; minutes < 60; minutes++) {
      for (const { message } of [...world.open]) {
        const isReport = message.sender === '';
        if (isReport) actions.push(/Action: (\w+)/.exec(String(message.parts[0]))?.[1] ?? 'none');
        await world.answer(isReport ? 'delivered' : 'deferred');
      }
      await world.pass(minuteMs);
    }
    assert.deepEqual(actions, ['delayed']);
    assert.equal(world.spool.queuedCount, 1);
  });

  it('RFC 2852: who asked is told of a hop that does not know the time, and of each one in a trace', async () => {
    for (const [isTraced, passedDeliverBy, notify, isTold] of [
      [false, false, 0, true],
      [false, true, 0, false],
      [true, true, 0, true],
      [true, false, 1 + 2, false],
    ] as const) {
      const world = new SpoolWorld();
      const deliverBy = { byMs: world.clock.nowMs() + hourMs, mode: 'notify', isTraced } as const;
      await world.accept(['x@to.test'], 'a@from.test', notify, undefined, { terms: { deliverBy } });
      await world.answer('delivered', { passedDeliverBy });
      const texts = world.open.map(({ message }) => Buffer.concat([...message.parts]).toString());
      assert.equal(texts.length, isTold ? 1 : 0);
      for (const text of texts) assert.match(text, /Action: relayed/);
    }
  });

  it('a message that was held back expires counted from when it might go', async () => {
    const world = new SpoolWorld();
    const holdUntilMs = world.clock.nowMs() + retry.expiryMs;
    await world.accept(['x@to.test'], 'a@from.test', 0, undefined, { terms: { holdUntilMs } });
    await world.pass(retry.expiryMs + 1_000);
    await world.answer('deferred');
    assert.equal(rowCount(world), 1, 'tried once, and not too late');
  });

  it('the queue is counted right', async () => {
    const world = new SpoolWorld();
    for (let i = 0; i < 3; i++) {
      await world.accept([`x${i}@to.test`]);
      await world.answer('deferred');
    }
    await world.accept(['y@to.test']);
    await world.pass(1_000);
    world.crash();
    assert.equal(world.spool.queuedCount, 4);
  });
});
