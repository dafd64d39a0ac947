/** Aim: idle connections give way to what others of the thread wait for; busy ones go on. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeDialer, type FakePeer, settled } from '../../../support/fake-peer.ts';
import { deliveriesFor, lendingBy, outboundMessage, Sender } from '../../../support/outbound.ts';
import { SeededClock, SeededRandom } from '../../../support/seeded-clock.ts';

async function greet(peer: FakePeer): Promise<void> {
  peer.say('220 hop\r\n250-hop\r\n250 PIPELINING\r\n');
  await settled();
}

async function accept(peer: FakePeer): Promise<void> {
  peer.say('250 ok\r\n250 ok\r\n354 go\r\n');
  peer.say('250 2.0.0 taken\r\n');
  await settled();
}

it('a connection that idles, or begins to, is ended where others wait for its slot', async () => {
  const clock = new SeededClock();
  const dialer = new FakeDialer();
  const slots = { awaited: 0, released: 0 };
  const leases = lendingBy({
    release: () => {
      slots.released++;
      slots.awaited = 0;
    },
    get awaitedCount() {
      return slots.awaited;
    },
  });
  const limits = { connectionsMax: 1 };
  const sender = new Sender(
    deliveriesFor({ clock, random: new SeededRandom(7), dialer, leases, limits }),
  );
  for (let i = 0; i < 2; i++) sender.send(outboundMessage());
  await settled();
  const first = dialer.peers[0]!;
  await greet(first);
  slots.awaited = 1;
  await accept(first);
  clock.advance(1_000);
  assert.doesNotMatch(first.take(), /QUIT/);
  await accept(first);
  assert.match(first.take(), /QUIT\r\n$/);
  first.say('221 bye\r\n');
  assert.equal(slots.released, 1);
  sender.send(outboundMessage());
  await settled();
  const second = dialer.peers[1]!;
  await greet(second);
  await accept(second);
  assert.doesNotMatch(second.take(), /QUIT/);
  slots.awaited = 1;
  clock.advance(2_000);
  assert.equal(second.take(), 'QUIT\r\n');
  assert.equal(sender.told, Array(3).fill('delivered 250 2.0.0').join(' | '));
});
