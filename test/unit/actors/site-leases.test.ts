/**
 * Aim: threads that have mail for one site never hold more connections than it allows, whatever stands still, dies,
 *      moves or gets lost.
 * Method: borrowers of several threads and an owner on a hand-turned clock; a thread that stands still hears no timer
 *         and no answer until it goes on.
 */

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BucketsOf } from '../../../src/actors/site-lease.ts';
import { siteShard } from '../../../src/actors/site-leases.ts';
import type { ShardId } from '../../../src/base/ids.ts';
import { Desk, shard, shards, slotsMax, unlimited } from '../../support/lease-desk.ts';
import { turns } from '../../support/seeded-clock.ts';

test('slots come after one ask, and later ones of the same lease at once', async () => {
  const desk = new Desk(1);
  desk.request(0);
  desk.request(0);
  deepStrictEqual(desk.granted, [0]);
  await turns(5);
  deepStrictEqual(desk.granted, [2]);
  desk.release(0);
  desk.request(0);
  deepStrictEqual(desk.granted, [2]);
});

test('who waits for a slot gets it when another is released', async () => {
  const desk = new Desk(1);
  for (let i = 0; i < 6; i++) desk.request(0);
  await desk.clock.pass(1_000, 50);
  deepStrictEqual(desk.granted, [slotsMax]);
  desk.release(0);
  deepStrictEqual(desk.granted, [slotsMax]);
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
  await desk.clock.pass(300, 50);
  deepStrictEqual(desk.granted, [2, 2]);
});

test('a thread that holds all hears of the share of one that waits, and takes no slot past its own again', async () => {
  const desk = new Desk(2);
  for (let i = 0; i < 4; i++) desk.request(0);
  await turns(5);
  const { lease } = desk.places[0]!;
  strictEqual(lease.excess, 0);
  for (let i = 0; i < 4; i++) desk.request(1);
  await desk.clock.pass(600, 50);
  deepStrictEqual(desk.granted, [4, 0]);
  strictEqual(lease.excess, 2);
  for (let i = 0; i < 2; i++) desk.release(0);
  desk.request(0);
  strictEqual(lease.excess, 0);
  deepStrictEqual(desk.granted, [2, 0]);
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
    if (isDone || !JSON.stringify(ask.meta).includes('"thread":0')) return;
    isDone = true;
    for (let i = 0; i < 3; i++) desk.request(0);
  };
  await desk.clock.pass(1_000, 50);
  ok(isDone);
  deepStrictEqual(desk.granted, [1, 3]);
});

test('without an answer nothing is opened, and nothing more once the lease is over', async () => {
  const desk = new Desk(1);
  desk.request(0);
  await turns(5);
  desk.fault = 'unheard';
  await desk.clock.pass(1_500, 50);
  desk.release(0);
  desk.request(0);
  deepStrictEqual(desk.granted, [0]);
  desk.fault = 'none';
  await desk.clock.pass(500, 50);
  deepStrictEqual(desk.granted, [1]);
});

test('a thread that stood still over its lease opens nothing by it, and loses nothing it has open', async () => {
  const desk = new Desk(2);
  for (let i = 0; i < 3; i++) desk.request(0);
  await turns(5);
  desk.release(0);
  const [still] = desk.places;
  still!.standStill();
  for (let i = 0; i < 4; i++) desk.request(1);
  await desk.clock.pass(5_000, 50);
  deepStrictEqual(desk.granted, [2, 2]);
  still!.request();
  deepStrictEqual(desk.granted, [2, 2]);
  still!.goOn();
  await desk.clock.pass(1_000, 50);
  deepStrictEqual(desk.granted, [2, 2]);
});

test('what a dead thread had open is lent again once its next life has begun', async () => {
  const desk = new Desk(2);
  for (let i = 0; i < 4; i++) desk.request(0);
  await turns(5);
  for (let i = 0; i < 4; i++) desk.request(1);
  desk.places[0]!.die();
  await desk.clock.pass(1_500, 50);
  deepStrictEqual(desk.granted, [0, 4]);
});

test('one slot goes round, so that each thread has it in its turn', async () => {
  const desk = new Desk(3, { limits: { ...unlimited, slotsMax: 1 } });
  const turnsOf = [0, 0, 0];
  for (let i = 0; i < 3; i++) desk.request(i);
  for (let passedMs = 0; passedMs < 60_000; passedMs += 50) {
    await desk.clock.pass(50, 50);
    for (const [thread, place] of desk.places.entries()) {
      turnsOf[thread]! += place.granted;
      // It is asked to end its connection, and would like another.
      if (place.lease.excess === 0 || place.granted === 0) continue;
      place.release();
      place.request();
    }
  }
  strictEqual(desk.mostOpen, 1);
  for (const had of turnsOf) ok(had > 330 && had < 440, String(turnsOf));
});

test('a new owner lends after one lease, the first of a process at once', async () => {
  const desk = new Desk(1, { isFirst: false });
  desk.request(0);
  await desk.clock.pass(900, 50);
  deepStrictEqual(desk.granted, [0]);
  await desk.clock.pass(400, 50);
  deepStrictEqual(desk.granted, [1]);
});

test('a closed shard lends nothing', async () => {
  const desk = new Desk(1);
  desk.owners.close(shard);
  desk.request(0);
  await desk.clock.pass(1_000, 50);
  deepStrictEqual(desk.granted, [0]);
});

test('an idle site is given back and forgotten, and costs no timer', async () => {
  const desk = new Desk(1);
  desk.request(0);
  await turns(5);
  desk.release(0);
  await desk.clock.pass(2_000, 50);
  deepStrictEqual([desk.places[0]!.borrower.siteCount, desk.clock.timerCount], [0, 0]);
  desk.request(0);
  await turns(5);
  deepStrictEqual(desk.granted, [1]);
});

test('messages need a token each where they have a rate, none where they have none', async () => {
  const limits = { ...unlimited, messagesPerSecond: 10, messagesBurst: 15 };
  const desk = new Desk(1, { limits });
  const [place] = desk.places;
  place!.waitingCount = 1_000;
  desk.request(0);
  await turns(5);
  let sent = 0;
  const send = () => {
    while (place!.lease.gate!.isOpen(1, '')) {
      place!.lease.gate!.spend(1, '');
      sent++;
    }
  };
  send();
  for (let passedMs = 0; passedMs < 20_000; passedMs += 50) {
    await desk.clock.pass(50, 50);
    send();
  }
  ok(sent > 180 && sent <= 15 + 200, `${sent} sent`);
  desk.owners.limit('mx.test', unlimited);
  await desk.clock.pass(1_000, 50);
  strictEqual(place!.lease.gate, undefined);
});

test('a flow far below its rate is not held back by asking, however little of it waits at a time', async () => {
  const limits = { ...unlimited, messagesPerSecond: 1e6, messagesBurst: 1e6 };
  const desk = new Desk(1, { limits });
  const [place] = desk.places;
  place!.waitingCount = 10;
  desk.request(0);
  // A new owner lends no tokens for one lease.
  await desk.clock.pass(1_000, 50);
  let sent = 0;
  // Ten at a time, as soon as the ten before are gone: 2,000 a second where nothing holds them.
  for (let passedMs = 0; passedMs < 5_000; passedMs += 5) {
    for (let i = 0; i < 10 && place!.lease.gate!.isOpen(1, ''); i++) {
      place!.lease.gate!.spend(1, '');
      sent++;
    }
    await desk.clock.pass(5, 5);
  }
  ok(sent > 9_000, `${sent} of 10,000 sent`);
});

test('where there are enough tokens, mail goes on by those it has while more are asked for', async () => {
  const limits = { ...unlimited, messagesPerSecond: 1e6, messagesBurst: 1e6 };
  const desk = new Desk(1, { limits });
  const [place] = desk.places;
  place!.waitingCount = 10;
  desk.request(0);
  await desk.clock.pass(1_000, 50);
  const isOpen: boolean[] = [];
  desk.onLent = () => isOpen.push(place!.lease.gate!.isOpen(1, ''));
  for (let passedMs = 0; passedMs < 5_000; passedMs += 5) {
    if (place!.lease.gate!.isOpen(1, '')) place!.lease.gate!.spend(1, '');
    await desk.clock.pass(5, 5);
  }
  // The first ask is for want of any.
  ok(isOpen.length > 5);
  deepStrictEqual([...new Set(isOpen.slice(1))], [true]);
});

test('what is left of a lease goes back, so that no token is lost to the others', async () => {
  const limits = { ...unlimited, messagesPerSecond: 100, messagesBurst: 250 };
  const desk = new Desk(1, { limits });
  const [place] = desk.places;
  desk.request(0);
  await desk.clock.pass(4_000, 50);
  let sent = 0;
  const send = (count: number) => {
    for (let i = 0; i < count && place!.lease.gate!.isOpen(1, ''); i++, sent++) {
      place!.lease.gate!.spend(1, '');
    }
  };
  // Few at a time, with tokens ahead of them; then all that may.
  place!.waitingCount = 2;
  for (let passedMs = 0; passedMs < 4_000; passedMs += 50) {
    send(2);
    await desk.clock.pass(50, 50);
  }
  const few = sent;
  ok(few > 150, `${few} of 160`);
  place!.waitingCount = 1_000;
  for (let passedMs = 0; passedMs < 10_000; passedMs += 50) {
    await desk.clock.pass(50, 50);
    send(1_000);
  }
  const many = sent - few;
  ok(many > 980 && many <= 250 + 1_000, `${many} sent`);
});

test('who finds no token while an answer is awaited is not left waiting for the next renewal', async () => {
  const limits = { ...unlimited, messagesPerSecond: 100, messagesBurst: 200 };
  const desk = new Desk(1, { limits });
  const [place] = desk.places;
  desk.request(0);
  // Nothing waits: renewals ask for no token.
  await desk.clock.pass(2_000, 50);
  let wantedMs = 0;
  desk.onLent = () => {
    desk.onLent = undefined;
    place!.waitingCount = 1;
    strictEqual(place!.lease.gate!.isOpen(1, ''), false);
    wantedMs = desk.clock.monotonicMs();
  };
  while (wantedMs === 0) await desk.clock.pass(10, 10);
  await desk.clock.pass(50, 5);
  strictEqual(place!.lease.gate!.isOpen(1, ''), true);
});

test('a token is not spent by a lease that is over', async () => {
  const limits = { ...unlimited, messagesPerSecond: 10, messagesBurst: 50 };
  const desk = new Desk(1, { limits });
  const [place] = desk.places;
  place!.waitingCount = 1_000;
  desk.request(0);
  await desk.clock.pass(3_000, 50);
  strictEqual(place!.lease.gate!.isOpen(1, ''), true);
  place!.standStill();
  desk.clock.advance(1_000);
  strictEqual(place!.lease.gate!.isOpen(1, ''), false);
});

test('dials need a token each where connections have a rate', async () => {
  const limits = { ...unlimited, connectionsPerSecond: 1, connectionsBurst: 3 };
  const desk = new Desk(1, { limits });
  const [place] = desk.places;
  desk.request(0);
  await turns(5);
  for (let i = 0; i < 50; i++) place!.dial();
  await desk.clock.pass(20_000, 50);
  ok(place!.dialled >= 18 && place!.dialled <= 23, `${place!.dialled} dials`);
});

test('mail of a tenant may need tokens of its own', async () => {
  const bucketsOf: BucketsOf = () => (tenant) => (tenant === 7 ? ['tenant 7'] : []);
  const desk = new Desk(1, { bucketsOf });
  const [place] = desk.places;
  place!.waitingCount = 100;
  place!.mail.set(7, { waiting: 1_000, served: 0 });
  desk.request(0);
  await turns(5);
  const { gate } = place!.lease;
  deepStrictEqual([gate!.isOpen(6, ''), gate!.isOpen(7, '')], [true, false]);
  await desk.clock.pass(1_500, 50);
  strictEqual(gate!.isOpen(7, ''), true);
  for (let i = 0; gate!.isOpen(7, ''); i++) {
    ok(i < 20);
    gate!.spend(7, '');
  }
  strictEqual(gate!.isOpen(6, ''), true);
});

test('tenants with mail in several threads weigh less in each', async () => {
  const desk = new Desk(2);
  const [one, two] = desk.places;
  two!.mail.set(2, { waiting: 1_000, served: 0 });
  for (let i = 0; i < 4; i++) desk.request(0);
  for (let i = 0; i < 4; i++) desk.request(1);
  await desk.clock.pass(2_000, 50);
  deepStrictEqual(
    [...two!.weights],
    [
      [1, 0.5],
      [2, 1],
    ],
  );
  deepStrictEqual([...one!.weights], [[1, 1]]);
});

test('sites are spread over the shards, paths go with their site', () => {
  const used = new Set(Array.from({ length: 100 }, (_, i) => siteShard(`mx${i}.test`, shards)));
  deepStrictEqual(
    [...used].toSorted(),
    Array.from({ length: shards }, (_, i) => i as ShardId),
  );
  strictEqual(siteShard('mx.test|second', shards), shard);
});

test('all threads together stay within the limit, whatever they do and whoever owns the site', async () => {
  const act = fc.record({
    thread: fc.nat({ max: 2 }),
    do: fc.constantFrom(
      ...(['request', 'request', 'request', 'release', 'move', 'unheard', 'unanswered'] as const),
      ...(['still', 'still', 'die', 'pass', 'pass', 'pass'] as const),
    ),
    ms: fc.integer({ min: 10, max: 2_500 }),
  });
  const property = fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
    const desk = new Desk(3);
    for (const { thread, do: what, ms } of acts) {
      const place = desk.places[thread]!;
      if (what === 'request') place.request();
      else if (what === 'release' && place.granted > 0) place.release();
      else if (what === 'move') desk.owners = desk.newOwners(false);
      else if (what === 'die') place.die();
      else if (what === 'unheard' || what === 'unanswered') {
        desk.fault = what;
        await desk.clock.pass(ms / 5, 50);
        desk.fault = 'none';
      } else if (what === 'still') {
        place.standStill();
        await desk.clock.pass(ms, 50);
        // Its first act is of its own, not a timer's or an answer's.
        place.request();
        place.goOn();
      } else await desk.clock.pass(ms / 5, 50);
      await turns(ms % 4);
      ok(desk.mostOpen <= slotsMax, `${desk.mostOpen} connections`);
    }
  });
  await fc.assert(property, { numRuns: 200 });
});
