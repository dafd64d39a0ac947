/**
 * Aim: each rate refuses above its number and not before, a refused recipient counts nowhere, and nobody's count is
 * another's. Method: a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MemoryCounters } from '../../../../src/adapters/memory/memory-counters.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { networkSet } from '../../../../src/base/networks.ts';
import {
  type HandingIn,
  type RateReached,
  rateKinds,
  SendRates,
} from '../../../../src/edge/guard/send-rates.ts';
import type { Counters } from '../../../../src/ports/counters.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const windowMs = 60_000;
const account = (id: number) => ({ id, address: `a${id}@acme.test` });
const ann = {
  tenant: 'acme',
  account: account(7),
  sender: 'Ann@acme.test',
  peerAddress: '192.0.2.9',
} as unknown as HandingIn;
const as = (more: Partial<Record<keyof HandingIn, unknown>>) => ({ ...ann, ...more }) as HandingIn;

interface World {
  readonly rates: SendRates;
  readonly clock: SeededClock;
  readonly told: RateReached[];
}

function open(
  max: Partial<Record<(typeof rateKinds)[number], number>>,
  counters?: Counters,
  senderKeysMax = 100,
): World {
  const clock = new SeededClock();
  const told: RateReached[] = [];
  const none = { account: 0, tenant: 0, sender: 0, address: 0, network: 0 };
  const rates = new SendRates({
    max: { ...none, ...max },
    windowMs,
    counters: counters ?? new MemoryCounters(clock),
    senderCounters: new MemoryCounters(clock, senderKeysMax),
    allowed: networkSet([{ family: 4, address: '198.51.100.0', prefixBits: 24 }]),
    log: silentLog,
    reached: (reached) => told.push(reached),
  });
  return { rates, clock, told };
}

const take = ({ rates, clock }: World, from: HandingIn, count = 1) =>
  rates.take(from, count, clock.nowMs()) as RateReached | undefined;

describe('a rate', () => {
  /** Who is another to each kind, and who is the same although all else differs. */
  const others = {
    account: [
      as({ account: account(8) }),
      as({ sender: 'x@acme.test', peerAddress: '203.0.113.1' }),
    ],
    tenant: [as({ tenant: 'rival' }), as({ account: 8, peerAddress: '203.0.113.1' })],
    sender: [as({ sender: 'bob@acme.test' }), as({ sender: 'ANN@ACME.TEST', account: account(8) })],
    address: [as({ peerAddress: '192.0.2.8' }), as({ account: 8, sender: 'x@acme.test' })],
    network: [as({ peerAddress: '192.0.3.9' }), as({ peerAddress: '192.0.2.200' })],
  } as const;

  for (const kind of rateKinds) {
    test(`of ${kind}: so many, each its own, and anew after the window`, () => {
      const world = open({ [kind]: 3 });
      const [other, same] = others[kind];
      for (let i = 0; i < 3; i++) assert.equal(take(world, ann), undefined);
      world.clock.advance(1_000);
      assert.deepEqual([take(world, ann)?.kind, take(world, same)?.endsInMs], [kind, 59_000]);
      assert.equal(take(world, other), undefined);
      world.clock.advance(59_000);
      assert.equal(take(world, ann, 3), undefined);
      assert.equal(take(world, ann)?.max, 3);
    });
  }

  test('counts all of a message or none', () => {
    const world = open({ account: 5 });
    assert.equal(take(world, ann, 4), undefined);
    assert.equal(take(world, ann, 2)?.kind, 'account');
    assert.equal(take(world, ann, 1), undefined);
    assert.equal(take(world, ann, 1)?.kind, 'account');
  });

  test('that refuses lets no other count', () => {
    const world = open({ account: 1, tenant: 2 });
    assert.equal(take(world, ann), undefined);
    for (let i = 0; i < 5; i++) assert.equal(take(world, ann)?.kind, 'account');
    assert.equal(take(world, as({ account: account(8) })), undefined);
    assert.equal(take(world, as({ account: account(9) }))?.kind, 'tenant');
  });

  test('is only looked at by look', () => {
    const world = open({ tenant: 2 });
    for (let i = 0; i < 5; i++) assert.equal(world.rates.look(ann, 2), undefined);
    assert.equal((world.rates.look(ann, 3) as RateReached).kind, 'tenant');
    assert.equal(take(world, ann, 2), undefined);
  });

  test('is told once a window of each, and each refusal is', () => {
    const world = open({ account: 1 });
    const refused: string[] = [];
    world.rates.refused = (kind) => refused.push(kind);
    take(world, ann);
    for (let i = 0; i < 4; i++) take(world, ann);
    take(world, as({ account: account(8) }));
    take(world, as({ account: account(8) }));
    assert.deepEqual(
      world.told.map(({ of }) => of),
      ['a7@acme.test', 'a8@acme.test'],
    );
    assert.equal(refused.length, 5);
    world.clock.advance(windowMs);
    take(world, ann);
    take(world, ann);
    assert.equal(world.told.length, 3);
  });
});

describe('those under no rate', () => {
  test('the null reverse-path is under none of senders', () => {
    const world = open({ sender: 1 });
    for (let i = 0; i < 3; i++) assert.equal(take(world, as({ sender: '' })), undefined);
  });

  test('loopback and allowed networks are under none of addresses', () => {
    const world = open({ address: 1, network: 1 });
    for (const peerAddress of ['127.0.0.1', '::1', '198.51.100.7']) {
      for (let i = 0; i < 3; i++) assert.equal(take(world, as({ peerAddress })), undefined);
    }
  });
});

test('an IPv6 client is its /64, and its network the /48', () => {
  const world = open({ address: 2, network: 3 });
  assert.equal(take(world, as({ peerAddress: '2001:db8:1:2::1' })), undefined);
  assert.equal(take(world, as({ peerAddress: '2001:db8:1:2::2' })), undefined);
  assert.equal(take(world, as({ peerAddress: '2001:db8:1:2::3' }))?.kind, 'address');
  assert.equal(take(world, as({ peerAddress: '2001:db8:1:3::1' })), undefined);
  assert.equal(take(world, as({ peerAddress: '2001:db8:1:4::1' }))?.kind, 'network');
});

test('a flood of made-up senders makes no account’s count forgotten', () => {
  const world = open({ account: 1_000_000, sender: 5, tenant: 2_000 }, undefined, 100);
  for (let i = 0; i < 2_000; i++) take(world, as({ sender: `s${i}@acme.test` }));
  assert.equal(take(world, ann)?.kind, 'tenant');
});

test('counters that fail hold no mail up', async () => {
  const broken: Counters = {
    add: async () => await Promise.reject(new Error('away')),
    look: async () => await Promise.reject(new Error('away')),
    clear: () => {},
  };
  const world = open({ account: 1 }, broken);
  for (let i = 0; i < 3; i++) assert.equal(await world.rates.take(ann, 1, 0), undefined);
});

test('counters that answer later refuse all the same', async () => {
  const memory = new MemoryCounters(new SeededClock());
  const late: Counters = {
    add: async (key, ms, by) => memory.add(key, ms, by),
    look: async (key) => memory.look(key),
    clear: async (key) => memory.clear(key),
  };
  const world = open({ account: 2 }, late);
  assert.equal(await world.rates.take(ann, 2, 0), undefined);
  assert.equal((await world.rates.take(ann, 1, 0))?.kind, 'account');
});

test('whatever is handed in, nobody passes a rate within a window', () => {
  const from = fc.record({
    tenant: fc.constantFrom('a', 'b'),
    account: fc.constantFrom(1, 2, 3),
    sender: fc.constantFrom('x@a', 'y@a', ''),
    peerAddress: fc.constantFrom('192.0.2.1', '192.0.2.2', '203.0.113.1'),
    count: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(from, { maxLength: 40 }), (all) => {
      const world = open({ account: 6, tenant: 9, address: 7 });
      const counts = new Map<string, number>();
      for (const { count, ...each } of all) {
        const handed = as({ ...each, account: account(each.account) });
        const keys = [`a${each.account}`, `t${each.tenant}`, `i${each.peerAddress}`];
        const would = keys.map((key) => (counts.get(key) ?? 0) + count);
        const fits = would[0]! <= 6 && would[1]! <= 9 && would[2]! <= 7;
        assert.equal(take(world, handed, count) === undefined, fits);
        if (fits) for (const [i, key] of keys.entries()) counts.set(key, would[i]!);
      }
    }),
  );
});
