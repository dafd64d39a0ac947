/** Aim: a site whose queue was full says when it has room, once, so that what waits in the index comes. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { TenantId } from '../../../../src/base/ids.ts';
import { SiteQueue } from '../../../../src/engine/delivery/lanes/site-queue.ts';
import { SiteRoom } from '../../../../src/engine/delivery/site-room.ts';
import { Transaction } from '../../../../src/engine/delivery/transaction.ts';
import { FakeDialer, settled } from '../../../support/fake-peer.ts';
import { deliveriesFor, outboundMessage, Sender } from '../../../support/outbound.ts';
import { SeededClock, SeededRandom } from '../../../support/seeded-clock.ts';

it('a site that sent a message away tells once it has room, and only then', async () => {
  const told: [site: string, count: number][] = [];
  const clock = new SeededClock();
  const dialer = new FakeDialer();
  const deliveries = deliveriesFor({
    ...{ clock, dialer, random: new SeededRandom(7) },
    limits: { queueCountMax: 4, connectionsMax: 1 },
    onRoom: (site, count) => {
      told.push([site, count]);
      return false;
    },
  });
  const sender = new Sender(deliveries);
  for (let i = 0; i < 3; i++) assert.ok(sender.send(outboundMessage()));
  assert.equal(sender.send(outboundMessage()), false);
  await settled();
  const peer = dialer.peers[0]!;
  peer.say('220 hop\r\n250-hop\r\n250-PIPELINING\r\n250 HELP\r\n');
  const accept = async () => {
    peer.say('250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 taken\r\n');
    await settled();
    clock.advance(1);
  };
  for (let i = 0; i < 3; i++) await accept();
  assert.equal(told.length, 1);
  assert.ok(told[0]![1] > 0);
  sender.send(outboundMessage());
  await accept();
  assert.equal(told.length, 1);
  deliveries.close();
});

it('a look-up that was waited for by too many tells those it sent away, even when it fails', async () => {
  const told: [site: string, count: number][] = [];
  const failing = Promise.withResolvers<void>();
  const refuse = async () => {
    await failing.promise;
    return { ok: false, reason: 'failed', detail: 'no DNS here' } as const;
  };
  const deliveries = deliveriesFor({
    ...{ clock: new SeededClock(), dialer: new FakeDialer(), random: new SeededRandom(7) },
    relay: { route: { kind: 'mx' } },
    dns: {
      ...{ mx: refuse, a: refuse, aaaa: refuse, txt: refuse, ptr: refuse, srv: refuse },
      ...{ tlsa: refuse, cname: refuse },
    },
    onRoom: (site, count) => {
      told.push([site, count]);
      return false;
    },
  });
  const sender = new Sender(deliveries);
  let taken = 0;
  while (sender.send(outboundMessage())) taken++;
  assert.ok(taken >= 1_000);
  assert.deepEqual(told, []);
  failing.resolve();
  await settled();
  assert.equal(told.length, 1);
  assert.ok(told[0]![1] > 0);
  assert.equal(sender.results.filter((outcomes) => outcomes !== undefined).length, taken);
  deliveries.close();
});

it('a site tells of room as long as anybody says that more waits, and keeps places that it promised', async () => {
  let waiting = 7;
  const clock = new SeededClock();
  const dialer = new FakeDialer();
  const deliveries = deliveriesFor({
    ...{ clock, dialer, random: new SeededRandom(7) },
    limits: { queueCountMax: 8, connectionsMax: 1 },
    onRoom: (_site, count) => {
      const coming = Math.min(waiting, count);
      waiting -= coming;
      for (let i = 0; i < coming; i++) {
        const message = outboundMessage();
        assert.equal(deliveries.expect(message, 'example.org'), '', 'a place is kept for it');
        sender.send(message);
      }
      return coming > 0;
    },
  });
  const sender = new Sender(deliveries);
  assert.ok(sender.send(outboundMessage()));
  await settled();
  let expected = 0;
  while (expected < 100 && deliveries.expect(outboundMessage(), 'example.org') === '') expected++;
  assert.ok(expected > 0 && expected <= 8, `${expected} places`);
  clock.advance(1_000);
  const peer = dialer.peers[0]!;
  peer.say('220 hop\r\n250-hop\r\n250-PIPELINING\r\n250 HELP\r\n');
  for (let i = 0; i < 8; i++) {
    await settled();
    clock.advance(1);
    peer.say('250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 taken\r\n');
  }
  await settled();
  assert.equal(waiting, 0);
  assert.equal(sender.results.filter((outcomes) => outcomes !== undefined).length, 8);
  deliveries.close();
});

it('a site asks for no more at a time than one turn of the thread hands out', async () => {
  const told: number[] = [];
  const clock = new SeededClock();
  const dialer = new FakeDialer();
  const deliveries = deliveriesFor({
    ...{ clock, dialer, random: new SeededRandom(7) },
    limits: { queueCountMax: 2_000, connectionsMax: 1 },
    onRoom: (_site, count) => {
      told.push(count);
      return false;
    },
  });
  const sender = new Sender(deliveries);
  assert.ok(sender.send(outboundMessage()));
  await settled();
  while (deliveries.expect(outboundMessage(), 'example.org') === '');
  clock.advance(1_000);
  await settled();
  clock.advance(1);
  assert.deepEqual(told, [32]);
  deliveries.close();
});

/** A queue of 2,000 in which tenant 1 has most, and both were sent away. */
function crowdedQueue() {
  const clock = new SeededClock();
  const queue = new SiteQueue(2_000, 2 ** 30);
  const told: [count: number, tenant: number | undefined][] = [];
  let isMore = true;
  const room = new SiteRoom({
    ...{ queue, countMax: 2_000, clock },
    tell: (count, tenant) => {
      told.push([count, tenant]);
      return isMore;
    },
  });
  const arrive = (tenant: TenantId) => {
    const isTaken = queue.push(new Transaction({ ...outboundMessage(), tenant }, () => {}));
    room.arrived(isTaken, tenant);
    return isTaken;
  };
  const leave = () => room.left(queue.shift(0)?.message.tenant);
  for (const tenant of [many, few]) while (arrive(tenant)) {}
  const end = () => {
    isMore = false;
  };
  return { clock, queue, told, room, arrive, leave, end };
}

const many = 1 as TenantId;
const few = 2 as TenantId;

it('a tenant that has little left is asked for before the queue of others runs low', () => {
  const { clock, queue, told, leave, arrive } = crowdedQueue();
  assert.ok(queue.countOf(many) > 2 * queue.countOf(few) && queue.countOf(few) > 16);
  while (queue.countOf(few) > 16) leave();
  clock.advance(0);
  assert.ok(queue.count > 2_000 / 4, `${queue.count} wait`);
  assert.deepEqual(
    told.map(([, tenant]) => tenant),
    [few],
  );
  const [count] = told[0]!;
  assert.ok(count > 0 && count <= 32);
  for (let i = 0; i < count; i++) assert.ok(arrive(few), `${i} of ${count} were taken`);
});

it('a tenant is asked for once until its mail comes, again at the tick, and no more when none waits', () => {
  const { clock, queue, told, room, leave, arrive, end } = crowdedQueue();
  while (queue.countOf(few) > 14) leave();
  clock.advance(0);
  assert.equal(told.length, 1);
  arrive(few);
  while (queue.countOf(few) > 14) leave();
  clock.advance(0);
  assert.equal(told.length, 2);
  end();
  room.onTick();
  clock.advance(0);
  assert.equal(told.length, 3);
  room.onTick();
  clock.advance(0);
  assert.equal(told.length, 3);
});

it('a tenant none of whose mail found a place is asked for at the next tick', () => {
  const { clock, queue, told, room, arrive, leave } = crowdedQueue();
  const late = 3 as TenantId;
  while (arrive(late)) {}
  while (queue.countOf(late) > 0) leave();
  assert.equal(arrive(late), true);
  clock.advance(0);
  told.length = 0;
  leave();
  room.onTick();
  clock.advance(0);
  assert.ok(
    told.some(([count, tenant]) => tenant === late && count > 0),
    JSON.stringify(told),
  );
});
