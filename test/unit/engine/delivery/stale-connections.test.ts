/**
 * Aim:    mail that is given to a connection which the peer had ended goes on over a fresh one, and is not deferred.
 * Method: connections that idled, a message on one of them, and an end without a word.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeDialer, type FakePeer, settled } from '../../../support/fake-peer.ts';
import { deliveriesFor, outboundMessage, Sender } from '../../../support/outbound.ts';
import { SeededClock, SeededRandom } from '../../../support/seeded-clock.ts';

function world() {
  const clock = new SeededClock();
  const dialer = new FakeDialer();
  const sender = new Sender(deliveriesFor({ clock, random: new SeededRandom(7), dialer }));
  return { clock, dialer, sender };
}

async function greet(peer: FakePeer, ...capabilities: readonly string[]): Promise<void> {
  peer.say('220 hop\r\n');
  peer.say(['250-hop', ...capabilities.map((each) => `250-${each}`), '250 HELP', ''].join('\r\n'));
  await settled();
}

/** Two connections that carried a message each and idle since. */
async function twoIdle(chunking: boolean) {
  const { clock, dialer, sender } = world();
  const capabilities = chunking ? ['PIPELINING', 'CHUNKING'] : ['PIPELINING'];
  sender.send(outboundMessage());
  sender.send(outboundMessage());
  await settled();
  assert.equal(dialer.dials, 2);
  for (const peer of dialer.peers) await greet(peer, ...capabilities);
  for (const peer of dialer.peers) {
    peer.say(chunking ? '250 ok\r\n250 ok\r\n250 taken\r\n' : '250 ok\r\n250 ok\r\n354 go\r\n');
    if (!chunking) peer.say('250 taken\r\n');
    await settled();
  }
  assert.equal(sender.told, 'delivered 250 | delivered 250');
  for (const peer of dialer.peers) peer.take();
  sender.send(outboundMessage());
  await settled();
  const carrying = dialer.peers.find((peer) => peer.take().startsWith('MAIL'))!;
  const other = dialer.peers.find((peer) => peer !== carrying)!;
  return { clock, dialer, sender, carrying, other, capabilities };
}

for (const chunking of [false, true]) {
  const by = chunking ? 'BDAT, sent with its envelope,' : 'DATA';
  for (const fault of [undefined, 'reset'] as const) {
    it(`a message by ${by} goes on over a fresh connection after ${fault ?? 'an end'}`, async () => {
      const { dialer, sender, carrying, other, capabilities } = await twoIdle(chunking);
      carrying.hangUp(fault);
      await settled();
      // The other one idled as long: it is not trusted either.
      assert.equal(other.take(), 'QUIT\r\n');
      other.hangUp();
      await settled();
      assert.equal(dialer.dials, 3);
      const fresh = dialer.peers[2]!;
      await greet(fresh, ...capabilities);
      assert.match(fresh.take(), /MAIL FROM/);
      fresh.say('250 ok\r\n250 ok\r\n');
      fresh.say(chunking ? '250 taken\r\n' : '354 go\r\n250 taken\r\n');
      await settled();
      assert.equal(sender.told, 'delivered 250 | delivered 250 | delivered 250');
    });
  }
}

it('a message whose MAIL was answered moves as ever, and one sent whole is deferred', async () => {
  const { sender, carrying, other } = await twoIdle(true);
  carrying.say('250 ok\r\n');
  carrying.hangUp();
  await settled();
  assert.equal(other.take(), '');
  assert.equal(sender.told, 'delivered 250 | delivered 250 | deferred 451 4.4.2');
});

it('a message on a fresh connection moves a few times, then it is deferred', async () => {
  const { dialer, sender } = world();
  sender.send(outboundMessage());
  for (let i = 0; i < 3; i++) {
    await settled();
    await greet(dialer.peers.at(-1)!, 'PIPELINING');
    dialer.peers.at(-1)!.hangUp();
  }
  await settled();
  assert.equal(sender.told, 'deferred 451 4.4.2');
  assert.equal(dialer.dials, 3);
});
