/**
 * Aim:    a site that one thread cannot reach, and another can, keeps its mail and is tried again soon.
 * Method: one site, hosts that refuse, and leases that say when it was last reached.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeDialer, type FakePeer, settled } from '../../../support/fake-peer.ts';
import {
  deliveriesFor,
  hopAddress,
  lendingBy,
  type OutboundTest,
  outboundMessage,
  Sender,
} from '../../../support/outbound.ts';
import { SeededClock, SeededRandom } from '../../../support/seeded-clock.ts';

function world(more: Partial<OutboundTest> = {}) {
  const clock = new SeededClock();
  const dialer = new FakeDialer();
  const others = { second: 0, note: () => {} };
  const leases = lendingBy({ reach: others });
  const limits = { connectionsMax: 1 };
  const deliveries = deliveriesFor({
    clock,
    random: new SeededRandom(7),
    dialer,
    limits,
    leases,
    ...more,
  });
  const nowSecond = () => Math.floor(clock.nowMs() / 1_000);
  return { clock, dialer, others, nowSecond, sender: new Sender(deliveries) };
}

async function takeOne(peer: FakePeer): Promise<void> {
  peer.say('220 hop\r\n');
  peer.say('250-hop\r\n250 PIPELINING\r\n');
  await settled();
  peer.say('250 ok\r\n250 ok\r\n354 go\r\n');
  await settled();
  peer.say('250 taken\r\n');
  await settled();
}

it('mail waits for another attempt while other threads reach the site', async () => {
  const { clock, dialer, others, nowSecond, sender } = world();
  others.second = nowSecond();
  dialer.unreachable.set(hopAddress, 'refused');
  sender.send(outboundMessage());
  await settled();
  assert.equal(dialer.dials, 1);
  assert.equal(sender.told, '-', 'not deferred');
  dialer.unreachable.clear();
  clock.advance(3_000);
  await settled();
  assert.equal(dialer.dials, 2);
  await takeOne(dialer.peers[0]!);
  assert.equal(sender.told, 'delivered 250');
});

it('mail is deferred where nobody has reached the site of late', async () => {
  const { dialer, others, nowSecond, sender } = world();
  others.second = nowSecond() - 10;
  dialer.unreachable.set(hopAddress, 'refused');
  sender.send(outboundMessage());
  await settled();
  assert.match(sender.told, /^deferred 4/);
});

it('a back-off ends when another thread reaches the site', async () => {
  const { clock, dialer, others, nowSecond, sender } = world();
  dialer.unreachable.set(hopAddress, 'refused');
  sender.send(outboundMessage());
  await settled();
  clock.advance(2_000);
  sender.send(outboundMessage());
  await settled();
  assert.equal(dialer.dials, 1, 'answered without an attempt');
  dialer.unreachable.clear();
  others.second = nowSecond();
  sender.send(outboundMessage());
  await settled();
  assert.equal(dialer.dials, 2);
  await takeOne(dialer.peers[0]!);
  assert.match(sender.told, /^deferred 4\S+ \S+ \| deferred 4\S+ \S+ \| delivered 250$/);
});

it('mail does not wait without end, whatever others reach', async () => {
  const { clock, dialer, others, nowSecond, sender } = world();
  dialer.unreachable.set(hopAddress, 'refused');
  sender.send(outboundMessage());
  for (let seconds = 0; seconds < 70; seconds++) {
    others.second = nowSecond();
    clock.advance(1_000);
    await settled();
  }
  assert.match(sender.told, /^deferred 4/);
});

it('nor does mail for a site that turns us away, whose back-off no other thread ends', async () => {
  const { clock, dialer, others, nowSecond, sender } = world();
  others.second = nowSecond();
  sender.send(outboundMessage());
  await settled();
  dialer.peers[0]!.say('550 5.7.1 Your network is on our list\r\n');
  await settled();
  assert.match(sender.told, /^deferred 550/);
  clock.advance(2_000);
  others.second = nowSecond();
  sender.send(outboundMessage());
  await settled();
  assert.equal(dialer.dials, 1, 'answered without an attempt');
  clock.advance(600_000);
  others.second = nowSecond();
  sender.send(outboundMessage());
  await settled();
  assert.equal(dialer.dials, 2, 'tried again when the back-off is over');
  await takeOne(dialer.peers[1]!);
  assert.match(sender.told, /delivered 250$/);
});

it('nor does mail that needs TLS which the site fails', async () => {
  const { dialer, others, nowSecond, sender } = world({ relay: { tls: 'required' } });
  others.second = nowSecond();
  sender.send(outboundMessage());
  await settled();
  const [peer] = dialer.peers;
  peer!.tlsFault = 'bad certificate';
  peer!.say('220 hop\r\n');
  peer!.say('250-hop\r\n250 STARTTLS\r\n');
  await settled();
  peer!.say('220 go\r\n');
  await settled();
  assert.match(sender.told, /^deferred 4/);
});

it('a clock that was set back does not make a site look reached', async () => {
  const { dialer, others, nowSecond, sender } = world();
  others.second = nowSecond() + 3_600;
  dialer.unreachable.set(hopAddress, 'refused');
  sender.send(outboundMessage());
  await settled();
  assert.match(sender.told, /^deferred 4/);
});
