/**
 * Aim: a site's limits hold whatever threads do or fail to do, and a dead owner's leases are never doubled.
 * Method: examples, and random lending against the limits, on a hand-turned clock.
 */

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type LeaseDemand,
  SiteLeases,
  type SiteLeasesOptions,
  type SiteLimits,
} from '../../../src/actors/leases.ts';
import { OpenSlots, openSlotWords } from '../../../src/actors/open-slots.ts';
import { SeededClock } from '../../support/seeded-clock.ts';

const none = Number.POSITIVE_INFINITY;
const limits: SiteLimits = {
  slotsMax: 10,
  ...{ messagesPerSecond: none, messagesBurst: none },
  ...{ connectionsPerSecond: none, connectionsBurst: none },
};
const rated: SiteLimits = { ...limits, messagesPerSecond: 10, messagesBurst: 50 };

const threads = 4;
const [a, b, c] = [0, 1, 2];

function site(options: Partial<SiteLeasesOptions> = {}) {
  const clock = new SeededClock();
  const open = new OpenSlots(openSlotWords(threads));
  const leases = new SiteLeases({ clock, limits, site: 'mx.test', open, ...options });
  /** The row of the thread says what it says. */
  const has = (thread: number, count: number) => {
    for (let had = open.of(thread, 'mx.test'); had < count; had++) open.add(thread, 'mx.test', 1);
    for (let had = open.of(thread, 'mx.test'); had > count; had--) open.add(thread, 'mx.test', -1);
  };
  const lend = (thread: number, slots: number, slotsInUse = 0, more: Partial<LeaseDemand> = {}) => {
    has(thread, slotsInUse);
    return leases.lend({
      ...{ thread, life: 'first', slots, slotsInUse, tenants: undefined, tokens: [] },
      ...more,
    });
  };
  const tokens = (thread: number, wanted: number, unspent = 0, bucket = 'messages') =>
    lend(thread, 0, 0, { tokens: [[bucket, wanted, unspent]] }).tokens[0]!;
  return { clock, leases, lend, tokens, has, open };
}

test('one thread gets what it asks for, up to the limit', () => {
  const { lend } = site();
  strictEqual(lend(a, 4).slots, 4);
  strictEqual(lend(a, 40).slots, 10);
});

test('a lease says what is fair, where more is wanted than there is', () => {
  const { lend } = site();
  strictEqual(lend(a, 10).share, 10);
  strictEqual(lend(b, 4).slots, 0);
  strictEqual(lend(a, 10, 10).share, 6);
  strictEqual(lend(b, 10, 0).slots, 0);
  strictEqual(lend(a, 10, 10).share, 5);
});

test('slots that are lent are not lent again until their lease is over', () => {
  const { clock, lend } = site();
  strictEqual(lend(a, 10).slots, 10);
  strictEqual(lend(b, 5).slots, 0);
  clock.advance(1_000);
  strictEqual(lend(b, 5).slots, 5);
});

test('what a thread has open is not lent again, however long it stands still', () => {
  const { clock, lend, has } = site();
  lend(a, 10);
  has(a, 8);
  clock.advance(60_000);
  strictEqual(lend(b, 10).slots, 2);
  has(a, 3);
  strictEqual(lend(b, 10).slots, 7);
});

test('a thread that is dead has nothing open: its next life says so, or its cleared row', () => {
  const { clock, lend, has, open } = site();
  lend(a, 10);
  has(a, 8);
  clock.advance(1_000);
  open.clear(a);
  strictEqual(lend(b, 10).slots, 10);
  strictEqual(lend(b, 10, 1, { life: 'second' }).slots, 10);
});

test('a thread that was lent few is not taken for one with many, by sites that share its words', () => {
  const { clock, lend, has } = site();
  lend(a, 2);
  clock.advance(1_000);
  has(a, 9);
  strictEqual(lend(b, 10).slots, 8);
});

test('a thread that renews keeps the slots it uses, and gives up idle ones to others', () => {
  const { clock, lend } = site();
  lend(a, 10);
  lend(b, 10);
  clock.advance(500);
  strictEqual(lend(a, 10, 8).slots, 8);
  strictEqual(lend(b, 10).slots, 2);
  clock.advance(500);
  strictEqual(lend(a, 10, 1).slots, 5);
  strictEqual(lend(b, 10).slots, 5);
});

test('a thread that asks for nothing frees its slots at once', () => {
  const { lend } = site();
  lend(a, 10);
  strictEqual(lend(b, 10).slots, 0);
  strictEqual(lend(a, 0).slots, 0);
  strictEqual(lend(b, 10).slots, 10);
});

test('one slot goes round among the threads that want it', () => {
  const { clock, lend } = site({ limits: { ...limits, slotsMax: 1 } });
  const hadMs = [0, 0, 0];
  const has = [0, 0, 0];
  for (let nowMs = 0; nowMs < 60_000; nowMs += 100) {
    for (const thread of [a, b, c]) {
      const lease = lend(thread, 5, has[thread]!);
      // Its connection is ended when others should have the slot.
      has[thread] = Math.min(lease.slots, lease.share);
      hadMs[thread]! += 100 * has[thread]!;
    }
    clock.advance(100);
  }
  for (const ms of hadMs) ok(ms > 17_000 && ms < 21_000, String(hadMs));
});

test('tokens grow with time up to the burst, less what leases that run may still spend', () => {
  const { clock, tokens } = site({ limits: rated });
  strictEqual(tokens(a, 100), 40);
  clock.advance(100);
  strictEqual(tokens(a, 100), 1);
  clock.advance(60_000);
  strictEqual(tokens(a, 100), 40);
});

test('tokens that were not spent are there again', () => {
  const { clock, tokens } = site({ limits: rated });
  tokens(a, 40);
  clock.advance(500);
  strictEqual(tokens(b, 5), 5);
  strictEqual(tokens(b, 0, 4), 0);
  strictEqual(tokens(a, 100), 4);
});

test('two threads share tokens as they ask', () => {
  const { clock, tokens } = site({ limits: rated });
  tokens(a, 100);
  tokens(b, 100);
  const got = [0, 0];
  for (let i = 0; i < 100; i++) {
    clock.advance(100);
    got[0]! += tokens(a, 100);
    got[1]! += tokens(b, 100);
  }
  ok(got[0]! + got[1]! >= 99 && Math.abs(got[0]! - got[1]!) <= 2, String(got));
});

test('who waits for a slot is lent no tokens, and takes none from who has one', () => {
  const { clock, lend } = site({ limits: { ...rated, slotsMax: 1, messagesBurst: 10 } });
  const asks = { tokens: [['messages', 20, 0]] } as const;
  lend(a, 1, 0, asks);
  let waited = 0;
  let taken = 0;
  for (let i = 0; i < 20; i++) {
    clock.advance(100);
    waited += lend(b, 1, 0, asks).tokens[0]!;
    taken += lend(a, 1, 1, asks).tokens[0]!;
  }
  strictEqual(waited, 0);
  strictEqual(taken, 20, 'ten a second, for two seconds');
});

test('without a rate every token asked for is lent, and the holder is told to ask for none', () => {
  const { lend, tokens } = site();
  strictEqual(tokens(a, 100_000), none);
  const { isMessageRated, isConnectionRated } = lend(a, 1);
  deepStrictEqual([isMessageRated, isConnectionRated], [false, false]);
});

test('named buckets have rates of their own', () => {
  const rateOf = (bucket: string) =>
    bucket === 'tenant 7' ? { perSecond: 1, burst: 3 } : undefined;
  const { tokens } = site({ rateOf });
  strictEqual(tokens(a, 10, 0, 'tenant 7'), 2);
  strictEqual(tokens(a, 10, 0, 'tenant 8'), none);
});

test('a rate of nothing lets nothing go', () => {
  const { clock, leases, tokens } = site({ limits: rated });
  leases.limit({ ...limits, messagesPerSecond: 0, messagesBurst: 10 });
  clock.advance(60_000);
  strictEqual(tokens(a, 10), 0);
  leases.limit(rated);
  strictEqual(tokens(a, 10), 0);
  clock.advance(1_000);
  strictEqual(tokens(a, 20), 10);
});

test('an owner that follows a dead one lends nothing for one lease, then starts with no tokens', () => {
  const { clock, lend, tokens } = site({ ownerSinceMs: 0, limits: rated });
  deepStrictEqual([lend(a, 5).slots, tokens(a, 5)], [0, 0]);
  clock.advance(999);
  strictEqual(lend(a, 5).slots, 0);
  clock.advance(1);
  deepStrictEqual([lend(a, 5).slots, tokens(a, 5)], [5, 0]);
  clock.advance(200);
  strictEqual(tokens(a, 50), 2);
});

test('an owner that follows another counts what is open, and lets it stay', () => {
  const { clock, lend, has } = site({ ownerSinceMs: 0 });
  has(a, 7);
  deepStrictEqual([lend(a, 9, 7).slots, lend(a, 9, 7).share], [7, 10]);
  clock.advance(1_000);
  strictEqual(lend(b, 9).slots, 3);
});

test('an owner that follows another counts what a thread has open that does not ask', () => {
  const { clock, lend, has } = site({ ownerSinceMs: 0 });
  has(a, 7);
  clock.advance(60_000);
  strictEqual(lend(b, 10).slots, 3);
});

test('the first owner of a process lends slots at once, for no connection outlives a process', () => {
  const { lend, tokens } = site({ ownerSinceMs: 0, areHoldersGone: true, limits: rated });
  deepStrictEqual([lend(a, 5).slots, tokens(a, 5)], [5, 0]);
});

test('a lower limit holds for the leases that follow', () => {
  const { leases, lend } = site();
  lend(a, 8);
  leases.limit({ ...limits, slotsMax: 3 });
  strictEqual(lend(b, 8).slots, 0);
  strictEqual(lend(a, 8).slots, 2);
  strictEqual(lend(b, 8).slots, 1);
});

test('a site is at rest when nothing is lent and its buckets are full', () => {
  const { clock, leases, tokens } = site({ limits: rated });
  tokens(a, 10);
  strictEqual(leases.isIdle, false);
  clock.advance(1_000);
  strictEqual(leases.isIdle, true);
});

test('in any time no more tokens are spent than the rate allows, whoever takes and brings back', () => {
  const act = fc.record({
    thread: fc.nat({ max: 3 }),
    wanted: fc.nat({ max: 80 }),
    unspent: fc.nat({ max: 80 }),
    afterMs: fc.nat({ max: 700 }),
  });
  const property = fc.property(
    fc.array(act, { maxLength: 80 }),
    fc.integer({ min: 1, max: 60 }),
    fc.integer({ min: 1, max: 200 }),
    (acts, perSecond, burst) => {
      const rate = { messagesPerSecond: perSecond, messagesBurst: burst };
      const { clock, tokens } = site({ limits: { ...limits, ...rate } });
      const held = Array.from({ length: threads }, () => ({ count: 0, untilMs: 0 }));
      const spends: [ms: number, count: number][] = [];
      for (const { thread, wanted, unspent, afterMs } of acts) {
        clock.advance(afterMs);
        const nowMs = clock.monotonicMs();
        const { count, untilMs } = held[thread]!;
        // As late as may be; what a lease that is over had is lost.
        const left = nowMs < untilMs ? Math.min(count, unspent) : 0;
        spends.push([Math.min(nowMs, untilMs), count - left]);
        held[thread] = { count: tokens(thread, wanted, left), untilMs: nowMs + 1_000 };
      }
      const room = Math.max(1 + perSecond / 2, burst - perSecond);
      for (const [fromMs] of spends) {
        for (const [toMs] of spends) {
          if (toMs < fromMs) continue;
          const within = spends.filter(([ms]) => ms >= fromMs && ms <= toMs);
          const sum = within.reduce((total, [, count]) => total + count, 0);
          const most = room + (perSecond * (toMs - fromMs + 1_000)) / 1_000;
          ok(sum <= most + 1e-6, `${sum} of ${most} in ${toMs - fromMs} ms`);
        }
      }
    },
  );
  fc.assert(property);
});
