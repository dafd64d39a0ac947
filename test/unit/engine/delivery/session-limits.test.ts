/**
 * Aim:    what a next hop says of one connection is not taken for what it says of their number.
 * Method: one connection at a time, and a peer that ends it after two messages or when it idled.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeDialer, type FakePeer, settled } from '../../../support/fake-peer.ts';
import { deliveriesFor, outboundMessage, Sender } from '../../../support/outbound.ts';
import { SeededClock, SeededRandom } from '../../../support/seeded-clock.ts';

const hourMs = 3_600_000;

function world() {
  const clock = new SeededClock();
  const dialer = new FakeDialer();
  const limits = { connectionsMax: 1 };
  const deliveries = deliveriesFor({ clock, random: new SeededRandom(7), dialer, limits });
  return { clock, dialer, deliveries, sender: new Sender(deliveries) };
}

async function greet(peer: FakePeer): Promise<void> {
  peer.say('220 hop\r\n');
  peer.say('250-hop\r\n250 PIPELINING\r\n');
  await settled();
  peer.take();
}

async function takeOne(peer: FakePeer): Promise<void> {
  peer.say('250 ok\r\n250 ok\r\n354 go\r\n');
  await settled();
  peer.say('250 taken\r\n');
  await settled();
}

it('a connection ends by itself once the next hop has said how much it may carry', async () => {
  const { clock, dialer, sender } = world();
  for (let i = 0; i < 5; i++) sender.send(outboundMessage());
  await settled();
  const first = dialer.peers[0]!;
  await greet(first);
  await takeOne(first);
  await takeOne(first);
  first.say('421 4.7.0 Too many messages for this session, closing connection\r\n');
  await settled();
  assert.equal(dialer.dials, 2, 'the third message goes on over another connection at once');
  const second = dialer.peers[1]!;
  await greet(second);
  await takeOne(second);
  await takeOne(second);
  assert.match(second.take(), /QUIT\r\n$/);
  second.hangUp();
  await settled();
  assert.equal(sender.told, `${'delivered 250 | '.repeat(4)}-`);

  const third = dialer.peers[2]!;
  await greet(third);
  await takeOne(third);
  clock.advance(hourMs);
  for (let i = 0; i < 3; i++) sender.send(outboundMessage());
  await settled();
  const fourth = dialer.peers.at(-1)!;
  await greet(fourth);
  for (let i = 0; i < 3; i++) await takeOne(fourth);
  assert.doesNotMatch(fourth.take(), /QUIT/, 'after an hour it is tried again');
});
