/**
 * Aim: outcomes of one message that come in the same turn, or while an operator acts on it, lose and double nothing.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ownOutcome, ownReply } from '../../../../src/engine/delivery/message.ts';
import { queueRange } from '../../../../src/engine/spool/queue-rows.ts';
import { type Attempted, SpoolWorld } from '../../../support/spool-world.ts';

const delivered = ownOutcome('delivered', ownReply(250, '2.0.0', 'delivered'));
const failed = ownOutcome('failed', ownReply(550, '5.0.0', 'failed'));
const deferred = ownOutcome('deferred', ownReply(451, '4.0.0', 'deferred'));

function openFor(world: SpoolWorld, domain: string): Attempted {
  const at = world.open.findIndex((each) => each.domain === domain);
  assert.ok(at >= 0, `nothing is open for ${domain}`);
  return world.open.splice(at, 1)[0]!;
}

function end(attempt: Attempted, outcome: typeof delivered): void {
  attempt.done({ outcomes: attempt.message.recipients.map(() => outcome) });
}

describe('outcomes of one message at once', () => {
  it('reports a failure although the last other recipient is delivered while the report is made', async () => {
    const world = new SpoolWorld();
    await world.accept(['x@one.test', 'x@two.test']);
    end(openFor(world, 'one.test'), failed);
    end(openFor(world, 'two.test'), delivered);
    await world.settle();
    await world.settle();
    const report = openFor(world, 'from.test');
    assert.equal(report.message.sender, '');
    end(report, delivered);
    await world.settle();
    assert.equal(world.spool.queuedCount, 0);
    world.crash();
    await world.settle();
    assert.equal(world.open.length, 0, 'all outcomes are in the journal');
  });

  it('reports both failures of two sites', async () => {
    const world = new SpoolWorld();
    await world.accept(['x@one.test', 'x@two.test']);
    end(openFor(world, 'one.test'), failed);
    end(openFor(world, 'two.test'), failed);
    await world.settle();
    await world.settle();
    const reports = world.open.filter(({ domain }) => domain === 'from.test');
    const text = reports.map(({ message }) => Buffer.concat(message.parts).toString()).join('\n');
    assert.match(text, /Final-Recipient: rfc822; ?x@one\.test/i);
    assert.match(text, /Final-Recipient: rfc822; ?x@two\.test/i);
    world.crash();
    await world.settle();
    assert.deepEqual(
      world.open.map(({ domain }) => domain),
      reports.map(() => 'from.test'),
    );
  });

  it('gives the body back once', async () => {
    const world = new SpoolWorld();
    await world.accept(['x@one.test', 'x@two.test', 'x@three.test']);
    for (const domain of ['one.test', 'two.test', 'three.test'])
      end(openFor(world, domain), delivered);
    await world.settle();
    assert.equal(world.shard.released.length, 1);
    assert.equal(world.spool.queuedCount, 0);
  });

  it('counts its row once', async () => {
    const world = new SpoolWorld();
    await world.accept(['x@one.test', 'x@two.test', 'x@three.test']);
    await world.pass(5_000);
    assert.equal(world.spool.queuedCount, 1);
    for (const domain of ['one.test', 'two.test', 'three.test'])
      end(openFor(world, domain), delivered);
    await world.settle();
    assert.equal(world.spool.queuedCount, 0);
    assert.equal(world.shard.range(queueRange).length, 0);
  });

  it('tries each deferred recipient again, once, when two sites defer at once', async () => {
    const world = new SpoolWorld();
    const id = await world.accept(['x@one.test', 'x@two.test']);
    await world.pass(5_000);
    end(openFor(world, 'one.test'), deferred);
    end(openFor(world, 'two.test'), deferred);
    await world.settle();
    await world.pass(3_600_000);
    await world.pass(1_000);
    assert.equal(world.attempts.filter((each) => each === `${id} x@one.test`).length, 2);
    assert.equal(world.attempts.filter((each) => each === `${id} x@two.test`).length, 2);
  });
});

describe('a message with 3,000 recipients', () => {
  it('waits in the index as others do', async () => {
    const world = new SpoolWorld();
    await world.accept(Array.from({ length: 3_000 }, (_, i) => `someone-${i}@one.test`));
    await world.answer('deferred');
    await world.pass(5_000);
    assert.equal(world.shard.range(queueRange).length, 1);
    assert.equal(world.spool.activeCount, 0);
    world.crash();
    await world.pass(3_600_000);
    assert.equal(openFor(world, 'one.test').message.recipients.length, 3_000);
  });
});

describe('a message whose body cannot be read', () => {
  it('expires and is reported without its header', async () => {
    const world = new SpoolWorld({}, 0);
    world.shard.isWarm = () => false;
    world.shard.read = async () => {
      throw new Error('the segment is gone');
    };
    await world.accept(['x@one.test']);
    for (let hour = 0; hour < 6 * 24; hour++) await world.pass(3_600_000);
    assert.equal(world.open.length, 0, 'the report cannot be read either');
    const bounces = world.shard.records.filter(({ body }) => body.length > 0).slice(1);
    assert.match(
      Buffer.from(bounces[0]!.body).toString(),
      /Final-Recipient: rfc822; ?x@one\.test/i,
    );
  });
});

describe('an operator and an open attempt', () => {
  it('retries a message that is delivered meanwhile without a fault', async () => {
    const world = new SpoolWorld();
    const id = await world.accept(['x@one.test']);
    await world.pass(5_000);
    const acted = world.act('retry', id);
    end(openFor(world, 'one.test'), delivered);
    await world.settle();
    assert.deepEqual(await acted, { ok: true, value: { count: 1 } });
    assert.equal(world.spool.activeCount, 0);
    assert.equal(world.spool.queuedCount, 0);
  });

  it('reports once what it bounces while an attempt is open', async () => {
    const world = new SpoolWorld();
    const id = await world.accept(['x@one.test', 'x@two.test']);
    const acted = world.act('bounce', id, { domain: 'one.test' });
    await world.settle();
    await acted;
    end(openFor(world, 'one.test'), failed);
    await world.settle();
    assert.equal(world.open.filter(({ domain }) => domain === 'from.test').length, 1);
  });

  it('ends a waiting message that is deleted as its row falls due', async () => {
    const world = new SpoolWorld();
    const id = await world.accept(['x@one.test']);
    await world.answer('deferred');
    await world.pass(3_000);
    world.clock.advance(3_600_000);
    const acted = world.act('delete', id);
    world.spool.sweep();
    await world.settle();
    await acted;
    assert.equal(world.open.length, 0, 'not tried');
    assert.equal(world.spool.queuedCount, 0);
    assert.equal(world.shard.released.length, 1);
  });
});

describe('pages of the queue', () => {
  for (const isIndexed of [true, false]) {
    it(`show every message once, ${isIndexed ? 'with' : 'without'} rows`, async () => {
      const world = new SpoolWorld();
      const sent: string[] = [];
      for (let i = 0; i < 25; i++) sent.push(await world.accept([`x${i}@one.test`]));
      if (isIndexed) await world.pass(5_000);
      // Some of each kind.
      for (let i = 0; i < 5; i++) sent.push(await world.accept([`y${i}@one.test`]));
      const listed: string[] = [];
      for (let after = '', pages = 0; pages < 10; pages++) {
        const page = await world.list(after, 10);
        listed.push(...page.entries.map(({ id }) => id));
        if (page.isComplete) break;
        after = page.scannedTo;
      }
      assert.deepEqual(listed, sent);
    });
  }
});
