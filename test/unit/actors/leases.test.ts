/**
 * Aim: a site's limits hold whatever shards do, shares are fair, and a dead owner's leases are never doubled.
 * Method: examples, and random lending against the limits, on a hand-turned clock.
 */

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  fairShare,
  type Lease,
  SiteLeases,
  type SiteLeasesOptions,
  type SiteLimits,
} from '../../../src/actors/leases.ts';
import { SeededClock } from '../../support/seeded-clock.ts';

const limits: SiteLimits = { slotsMax: 10, tokensPerSecond: 100, burstMax: 50 };

function site(options: Partial<SiteLeasesOptions> = {}) {
  const clock = new SeededClock();
  const leases = new SiteLeases({ clock, limits, ...options });
  const lend = (holder: string, slots: number, tokens = 0, slotsInUse = 0) =>
    leases.lend({ holder, slots, slotsInUse, tokens });
  return { clock, leases, lend };
}

test('one holder gets what it asks for, up to the limit', () => {
  const { lend } = site();
  strictEqual(lend('a', 4).slots, 4);
  strictEqual(lend('a', 40).slots, 10);
});

test('a lease says what would be fair, and never that it is nothing', () => {
  const { lend } = site();
  strictEqual(lend('a', 10).share, 10);
  strictEqual(lend('b', 4).slots, 0);
  strictEqual(lend('a', 10, 0, 10).share, 6);
  for (let i = 0; i < 10; i++) lend(`${i}`, 1);
  strictEqual(lend('a', 10, 0, 10).share, 1);
});

test('slots that are lent are not lent again until their lease is over', () => {
  const { clock, lend } = site();
  strictEqual(lend('a', 10).slots, 10);
  strictEqual(lend('b', 5).slots, 0);
  clock.advance(1_000);
  strictEqual(lend('b', 5).slots, 5);
});

test('a holder that renews keeps the slots it uses, and gives up idle ones to others', () => {
  const { clock, lend } = site();
  lend('a', 10);
  lend('b', 10);
  clock.advance(500);
  strictEqual(lend('a', 10, 0, 8).slots, 8);
  strictEqual(lend('b', 10).slots, 2);
  clock.advance(500);
  strictEqual(lend('a', 10, 0, 1).slots, 5);
  strictEqual(lend('b', 10).slots, 5);
});

test('a holder that asks for nothing frees its slots at once', () => {
  const { lend } = site();
  lend('a', 10);
  strictEqual(lend('b', 10).slots, 0);
  strictEqual(lend('a', 0).slots, 0);
  strictEqual(lend('b', 10).slots, 10);
});

test('tokens grow with time up to the burst', () => {
  const { clock, lend } = site();
  strictEqual(lend('a', 0, 100).tokens, 50);
  clock.advance(100);
  strictEqual(lend('a', 0, 100).tokens, 10);
  clock.advance(60_000);
  strictEqual(lend('a', 0, 100).tokens, 50);
});

test('two holders share tokens as they ask', () => {
  const { clock, lend } = site();
  lend('a', 0, 100);
  clock.advance(200);
  lend('b', 0, 5);
  clock.advance(300);
  strictEqual(lend('a', 0, 100).tokens, 40);
});

test('an owner that follows a dead one lends nothing for one lease, then starts with no tokens', () => {
  const { clock, lend } = site({ ownerSinceMs: 0 });
  deepStrictEqual([lend('a', 5, 5).slots, lend('a', 5, 5).tokens], [0, 0]);
  clock.advance(999);
  strictEqual(lend('a', 5, 5).slots, 0);
  clock.advance(1);
  const lease = lend('a', 5, 5);
  deepStrictEqual([lease.slots, lease.tokens], [5, 0]);
  clock.advance(200);
  strictEqual(lend('a', 5, 50).tokens, 20);
});

test('the first owner of a process lends slots at once, for no connection outlives a process', () => {
  const { lend } = site({ ownerSinceMs: 0, areHoldersGone: true });
  const lease = lend('a', 5, 5);
  deepStrictEqual([lease.slots, lease.tokens], [5, 0]);
});

test('without a rate every token asked for is lent', () => {
  const free = { ...limits, tokensPerSecond: Number.POSITIVE_INFINITY };
  strictEqual(site({ limits: free }).lend('a', 1, 100_000).tokens, 100_000);
});

test('a lower limit holds for the leases that follow', () => {
  const { leases, lend } = site();
  lend('a', 8);
  leases.limit({ ...limits, slotsMax: 3 });
  strictEqual(lend('b', 8).slots, 0);
  strictEqual(lend('a', 8).slots, 2);
  strictEqual(lend('b', 8).slots, 1);
});

test('a fair share leaves nobody less than another who wants more', () => {
  deepStrictEqual(
    [fairShare([2, 8, 8], 12), fairShare([1, 1], 12), fairShare([9], 4), fairShare([5, 5, 5], 2)],
    [5, 12, 4, 1],
  );
});

test('slots and tokens under lease never exceed the limits', () => {
  const act = fc.record({
    holder: fc.constantFrom('a', 'b', 'c', 'd'),
    slots: fc.nat({ max: 15 }),
    inUse: fc.nat({ max: 15 }),
    tokens: fc.nat({ max: 80 }),
    afterMs: fc.nat({ max: 600 }),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const { clock, lend } = site();
      const live = new Map<string, Lease>();
      let tokensUsed = 0;
      for (const { holder, slots, inUse, tokens, afterMs } of acts) {
        clock.advance(afterMs);
        const now = clock.monotonicMs();
        const lease = lend(holder, slots, tokens, Math.min(inUse, slots));
        live.set(holder, lease);
        tokensUsed += lease.tokens;
        let lent = 0;
        for (const one of live.values()) if (one.untilMs > now) lent += one.slots;
        ok(lent <= limits.slotsMax, `${lent} slots lent`);
        const grown = limits.burstMax + (now / 1_000) * limits.tokensPerSecond;
        ok(tokensUsed <= grown + 1e-6, `${tokensUsed} tokens of ${grown}`);
      }
    }),
  );
});
