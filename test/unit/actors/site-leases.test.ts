/**
 * Aim: threads that have mail for one site never hold more connections than it allows, through moves and refusals.
 * Method: borrowers of several threads and an owner on a hand-turned clock.
 */

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Answer, Ask } from '../../../src/actors/ask.ts';
import { SiteBorrower, SiteOwners, siteShard } from '../../../src/actors/site-leases.ts';
import type { ShardId } from '../../../src/base/ids.ts';
import { SeededClock, turns } from '../../support/seeded-clock.ts';

const slotsMax = 4;
const unlimited = { tokensPerSecond: Number.POSITIVE_INFINITY, burstMax: 0 };
const shards = 8;
const shard = siteShard('mx.test', shards);

class Desk {
  readonly clock = new SeededClock();
  owners: SiteOwners;
  isReachable = true;
  /** Runs when a lease was decided and the borrower does not know yet. */
  onLent: ((ask: Ask) => void) | undefined;
  readonly granted: number[];
  readonly borrowers: SiteBorrower[];

  constructor(threads: number, isFirst = true) {
    this.owners = this.newOwners(isFirst);
    this.granted = new Array(threads).fill(0);
    this.borrowers = this.granted.map(
      (_, thread) =>
        new SiteBorrower({
          clock: this.clock,
          holder: `thread ${thread}`,
          shards,
          ask: (ask) => this.answer(ask),
        }),
    );
  }

  newOwners(isFirst: boolean): SiteOwners {
    const owners = new SiteOwners({
      clock: this.clock,
      limitsOf: () => ({ ...unlimited, slotsMax }),
    });
    owners.open(shard, isFirst);
    return owners;
  }

  async answer(ask: Ask): Promise<Answer> {
    await turns(1);
    if (!this.isReachable) return { ok: false, code: 'store-busy', detail: '' };
    const answer = this.owners.lend({ ...ask, body: new Uint8Array() });
    this.onLent?.(ask);
    await turns(1);
    return answer;
  }

  request(thread: number): void {
    this.borrowers[thread]!.request('mx.test', () => this.granted[thread]!++);
  }

  release(thread: number): void {
    this.granted[thread]!--;
    this.borrowers[thread]!.release('mx.test');
  }
}

test('slots come after one ask, and later ones of the same lease at once', async () => {
  const desk = new Desk(1);
  desk.request(0);
  desk.request(0);
  strictEqual(desk.granted[0], 0);
  await turns(5);
  strictEqual(desk.granted[0], 2);
  desk.release(0);
  desk.request(0);
  strictEqual(desk.granted[0], 2);
});

test('who waits for a slot gets it when another is released', async () => {
  const desk = new Desk(1);
  for (let i = 0; i < 6; i++) desk.request(0);
  await desk.clock.pass(1_000, 50);
  strictEqual(desk.granted[0], slotsMax);
  desk.release(0);
  strictEqual(desk.granted[0], slotsMax);
});

test('a second thread gets a share once the first one has given some up', async () => {
  const desk = new Desk(2);
  for (let i = 0; i < 4; i++) desk.request(0);
  await turns(5);
  for (let i = 0; i < 4; i++) desk.request(1);
  await desk.clock.pass(300, 50);
  deepStrictEqual(desk.granted, [4, 0]);
  desk.release(0);
  desk.release(0);
  await desk.clock.pass(1_500, 50);
  deepStrictEqual(desk.granted, [2, 2]);
});

test('a thread that holds all hears of the share of one that waits, and takes no slot past its own again', async () => {
  const desk = new Desk(2);
  for (let i = 0; i < 4; i++) desk.request(0);
  await turns(5);
  strictEqual(desk.borrowers[0]!.excess('mx.test'), 0);
  for (let i = 0; i < 4; i++) desk.request(1);
  await desk.clock.pass(600, 50);
  deepStrictEqual(desk.granted, [4, 0]);
  strictEqual(desk.borrowers[0]!.excess('mx.test'), 2);
  for (let i = 0; i < 2; i++) desk.release(0);
  desk.request(0);
  strictEqual(desk.borrowers[0]!.excess('mx.test'), 0);
  strictEqual(desk.granted[0], 2);
  await desk.clock.pass(1_500, 50);
  deepStrictEqual(desk.granted, [2, 2]);
});

test('while a renewal is under way no more slots are taken than it said are in use', async () => {
  const desk = new Desk(2);
  for (let i = 0; i < 4; i++) desk.request(0);
  await turns(5);
  for (let i = 0; i < 3; i++) desk.release(0);
  for (let i = 0; i < 4; i++) desk.request(1);
  await turns(5);
  let isDone = false;
  desk.onLent = (ask) => {
    if (isDone || !String(ask.meta).includes('thread 0')) return;
    isDone = true;
    for (let i = 0; i < 3; i++) desk.request(0);
  };
  await desk.clock.pass(1_000, 50);
  ok(isDone);
  deepStrictEqual(desk.granted, [2, 2]);
});

test('without an answer nothing is opened, and nothing more once the lease is over', async () => {
  const desk = new Desk(1);
  desk.request(0);
  await turns(5);
  desk.isReachable = false;
  await desk.clock.pass(1_500, 50);
  desk.release(0);
  desk.request(0);
  strictEqual(desk.granted[0], 0);
  desk.isReachable = true;
  await desk.clock.pass(500, 50);
  strictEqual(desk.granted[0], 1);
});

test('a new owner lends after one lease, the first of a process at once', async () => {
  const desk = new Desk(1, false);
  desk.request(0);
  await desk.clock.pass(900, 50);
  strictEqual(desk.granted[0], 0);
  await desk.clock.pass(400, 50);
  strictEqual(desk.granted[0], 1);
});

test('a closed shard lends nothing', async () => {
  const desk = new Desk(1);
  desk.owners.close(shard);
  desk.request(0);
  await desk.clock.pass(1_000, 50);
  strictEqual(desk.granted[0], 0);
});

test('an idle site is given back and forgotten, and costs no timer', async () => {
  const desk = new Desk(1);
  desk.request(0);
  await turns(5);
  desk.release(0);
  await desk.clock.pass(2_000, 50);
  deepStrictEqual([desk.borrowers[0]!.siteCount, desk.clock.timerCount], [0, 0]);
});

test('sites are spread over the shards', () => {
  const used = new Set(Array.from({ length: 100 }, (_, i) => siteShard(`mx${i}.test`, shards)));
  deepStrictEqual(
    [...used].toSorted(),
    Array.from({ length: shards }, (_, i) => i as ShardId),
  );
});

test('all threads together stay within the limit, whatever they do and whoever owns the site', async () => {
  const act = fc.record({
    thread: fc.nat({ max: 2 }),
    do: fc.constantFrom('request', 'request', 'release', 'move', 'outage', 'pass', 'pass'),
    ms: fc.integer({ min: 10, max: 400 }),
  });
  const property = fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
    const desk = new Desk(3);
    for (const { thread, do: what, ms } of acts) {
      if (what === 'request') desk.request(thread);
      else if (what === 'release' && desk.granted[thread]! > 0) desk.release(thread);
      else if (what === 'move') desk.owners = desk.newOwners(false);
      else if (what === 'outage') {
        // Shorter than what keeps slots in use from being lent again.
        desk.isReachable = false;
        await desk.clock.pass(Math.min(ms, 200), 50);
        desk.isReachable = true;
      } else await desk.clock.pass(ms, 50);
      await turns(ms % 4);
      const sum = desk.granted.reduce((total, count) => total + count, 0);
      ok(sum <= slotsMax, `${sum} connections`);
    }
  });
  await fc.assert(property, { numRuns: 300 });
});

test('paths of one site have one owner, whatever the source', async () => {
  const asked: ShardId[] = [];
  const borrower = new SiteBorrower({
    clock: new SeededClock(),
    holder: 'here',
    shards,
    ask(ask) {
      asked.push(ask.shard);
      return new Promise(() => {});
    },
  });
  for (const path of ['mx.test', 'mx.test|slow', 'mx.test|fast']) borrower.request(path, () => {});
  await turns(1);
  deepStrictEqual(asked, [shard, shard, shard]);
});
