/**
 * Aim: a site is shared between tenants, urgent mail passes what is not, campaigns do not hold each other up, nothing
 *      is starved, lost or doubled, and no tenant takes all the room.
 * Method: queues filled and emptied by hand and at random, with messages that are nothing but their facts.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { DeliveryTerms } from '../../../../../src/actors/asks/delivery-terms.ts';
import type { TenantId } from '../../../../../src/base/ids.ts';
import { mebibyte, minuteMs } from '../../../../../src/base/units.ts';
import { SiteQueue } from '../../../../../src/engine/delivery/lanes/site-queue.ts';
import { Transaction } from '../../../../../src/engine/delivery/transaction.ts';
import { outboundMessage } from '../../../../support/outbound.ts';

interface Facts {
  readonly tenant?: number;
  readonly bytes?: number;
  readonly terms?: DeliveryTerms;
  readonly sinceMs?: number;
}

function transaction({ tenant = 1, bytes = 1_000, terms, sinceMs = 0 }: Facts = {}): Transaction {
  const message = { ...outboundMessage({ ...(terms === undefined ? {} : { terms }) }), bytes };
  const made = new Transaction({ ...message, tenant: tenant as TenantId }, () => {});
  made.sinceMs = sinceMs;
  return made;
}

/** All that comes out, as `name` tells it. */
function emptied(queue: SiteQueue, name: (of: Transaction) => unknown, nowMs = 0): unknown[] {
  const names: unknown[] = [];
  for (let next = queue.shift(nowMs); next !== undefined; next = queue.shift(nowMs)) {
    names.push(name(next));
  }
  return names;
}

describe('the queue before a site', () => {
  it('gives a campaign of one tenant out in its order', () => {
    const queue = new SiteQueue(100, mebibyte);
    const all = Array.from({ length: 20 }, () => transaction());
    for (const each of all) assert.ok(queue.push(each));
    assert.deepEqual(
      emptied(queue, (each) => all.indexOf(each)),
      all.map((_, at) => at),
    );
  });

  it('lets a tenant with one message pass one with hundreds', () => {
    const queue = new SiteQueue(1_000, mebibyte);
    for (let i = 0; i < 500; i++) assert.ok(queue.push(transaction()));
    assert.ok(queue.push(transaction({ tenant: 2 })));
    const order = emptied(queue, ({ message }) => message.tenant);
    assert.ok(order.indexOf(2) < 5, `came as number ${order.indexOf(2)}`);
  });

  it('shares by what messages cost: large ones count for more', () => {
    const queue = new SiteQueue(10_000, 1_000 * mebibyte);
    for (let i = 0; i < 300; i++) assert.ok(queue.push(transaction({ tenant: 1, bytes: 100_000 })));
    for (let i = 0; i < 2_400; i++) assert.ok(queue.push(transaction({ tenant: 2, bytes: 3_000 })));
    const bytes = [0, 0, 0];
    for (let i = 0; i < 1_000; i++) {
      const { message } = queue.shift(0)!;
      bytes[message.tenant]! += message.bytes + 9 * 1_024;
    }
    const ratio = bytes[1]! / bytes[2]!;
    assert.ok(ratio > 0.9 && ratio < 1.1, `${ratio}`);
  });

  it('counts a huge message once, and goes on with the others at once', () => {
    const queue = new SiteQueue(100, 1_000 * mebibyte);
    queue.push(transaction({ tenant: 1, bytes: 50 * mebibyte }));
    queue.push(transaction({ tenant: 1, bytes: 50 * mebibyte }));
    for (let i = 0; i < 5; i++) queue.push(transaction({ tenant: 2 }));
    const order = emptied(queue, ({ message }) => message.tenant);
    assert.deepEqual(order, [1, 2, 2, 2, 2, 2, 1]);
  });

  it('lets urgent mail of a tenant pass its newsletters, and what waited long pass both', () => {
    const queue = new SiteQueue(100, mebibyte);
    const old = { priority: -9 };
    queue.push(transaction({ terms: old, sinceMs: 0 }));
    const nowMs = 18 * 5 * minuteMs + 1;
    for (let i = 0; i < 3; i++) queue.push(transaction({ sinceMs: nowMs }));
    queue.push(transaction({ terms: { priority: 9 }, sinceMs: nowMs }));
    const order = emptied(queue, ({ message }) => message.terms?.priority ?? 0, nowMs);
    assert.deepEqual(order, [-9, 9, 0, 0, 0]);
  });

  it('lets an urgent campaign pass newsletters after another urgent one has run dry', () => {
    const queue = new SiteQueue(100, mebibyte);
    const of = (priority: number, campaign: string) =>
      transaction({ terms: { priority, campaign } });
    assert.ok(queue.push(of(3, 'receipts')));
    assert.deepEqual(
      emptied(queue, ({ message }) => message.terms?.campaign),
      ['receipts'],
    );
    for (const each of [of(3, 'passwords'), of(-3, 'news'), of(-3, 'news')]) queue.push(each);
    assert.deepEqual(
      emptied(queue, ({ message }) => message.terms?.campaign),
      ['passwords', 'news', 'news'],
    );
  });

  it('lets campaigns of one priority take turns', () => {
    const queue = new SiteQueue(1_000, mebibyte);
    for (let i = 0; i < 200; i++) queue.push(transaction({ terms: { campaign: 'news' } }));
    queue.push(transaction({ terms: { campaign: 'reset' } }));
    const order = emptied(queue, ({ message }) => message.terms?.campaign);
    assert.ok(order.indexOf('reset') < 5);
  });

  it('keeps room for who comes later: no tenant has more than twice what is left', () => {
    const queue = new SiteQueue(300, 1_000 * mebibyte);
    let taken = 0;
    while (queue.push(transaction())) taken++;
    assert.equal(taken, 200);
    for (let i = 0; i < 50; i++) assert.ok(queue.push(transaction({ tenant: 2 })), `${i}`);
    assert.equal(queue.push(transaction({ tenant: 1 })), false);
  });

  it('keeps bytes of room in the same way', () => {
    const queue = new SiteQueue(10_000, 30 * mebibyte);
    let taken = 0;
    while (queue.push(transaction({ bytes: mebibyte }))) taken++;
    assert.equal(taken, 20);
    assert.ok(queue.push(transaction({ tenant: 2, bytes: mebibyte })));
    assert.equal(queue.push(transaction({ tenant: 3, bytes: 20 * mebibyte })), false);
  });

  it('takes one message however large when it is empty, and what comes back always', () => {
    const queue = new SiteQueue(2, mebibyte);
    const large = transaction({ bytes: 2 * mebibyte });
    assert.ok(queue.push(large));
    assert.equal(queue.push(transaction({ tenant: 2 })), false);
    assert.equal(queue.shift(0), large);
    assert.ok(queue.push(transaction()));
    queue.unshift(large);
    assert.equal(queue.count, 2);
    assert.equal(queue.shift(0), large);
  });

  it('gives each message out once, tells who waits longest, and starves nobody', () => {
    const push = fc.record({
      tenant: fc.integer({ min: 1, max: 4 }),
      bytes: fc.integer({ min: 1, max: 200_000 }),
      terms: fc.record(
        { priority: fc.integer({ min: -9, max: 9 }), campaign: fc.constantFrom('a', 'b') },
        { noNullPrototype: true },
      ),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(push, fc.constant('shift' as const))), (steps) => {
        const queue = new SiteQueue(40, mebibyte);
        const waiting = new Set<Transaction>();
        let nowMs = 0;
        for (const step of steps) {
          nowMs += 1_000;
          if (step === 'shift') {
            const next = queue.shift(nowMs);
            assert.equal(next === undefined, waiting.size === 0);
            if (next !== undefined) assert.ok(waiting.delete(next));
          } else {
            const each = transaction({ ...step, sinceMs: nowMs });
            if (queue.push(each)) waiting.add(each);
          }
          assert.equal(queue.count, waiting.size);
          const oldest = [...waiting].map(({ sinceMs }) => sinceMs).sort((a, b) => a - b)[0];
          assert.equal(queue.oldestMs, oldest);
        }
        const left = emptied(queue, (each) => each, nowMs);
        assert.equal(new Set(left).size, waiting.size);
      }),
    );
  });
});
