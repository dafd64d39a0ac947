/** Aim: a host whose TLS broke lately is tried in clear at once, for a while, where mail may go in clear at all. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeDialer, type FakePeer, settled } from '../../../support/fake-peer.ts';
import { deliveriesFor, outboundMessage, Sender } from '../../../support/outbound.ts';
import { SeededClock, SeededRandom } from '../../../support/seeded-clock.ts';

async function greet(peer: FakePeer, ...capabilities: readonly string[]): Promise<void> {
  peer.say('220 hop\r\n');
  peer.say(['250-hop', ...capabilities.map((each) => `250-${each}`), '250 HELP', ''].join('\r\n'));
  await settled();
}

/** Answers the envelope and the message under way. */
async function accept(peer: FakePeer): Promise<void> {
  peer.say('250 ok\r\n250 ok\r\n354 go\r\n');
  peer.say('250 2.0.0 taken\r\n');
  await settled();
}

// RFC 7435 §3.
it('a site remembers for ten minutes that TLS with a host broke, where clear text may do', async () => {
  const clock = new SeededClock();
  const dialer = new FakeDialer();
  const relay = { tls: 'opportunistic' } as const;
  const sender = new Sender(deliveriesFor({ clock, random: new SeededRandom(7), dialer, relay }));
  const next = async (tlsFault?: string) => {
    const peer = dialer.peers.at(-1)!;
    peer.tlsFault = tlsFault;
    await greet(peer, 'STARTTLS', 'PIPELINING');
    return { peer, said: peer.take().split('\r\n')[1]!.split(' ')[0] };
  };
  const finish = async (peer: FakePeer) => {
    await accept(peer);
    clock.advance(20_000);
    peer.hangUp();
    await settled();
  };
  sender.send(outboundMessage());
  await settled();
  const first = await next('bad record');
  assert.equal(first.said, 'STARTTLS');
  first.peer.say('220 go\r\n');
  await settled();
  const inClear = await next();
  assert.equal(inClear.said, 'MAIL');
  await finish(inClear.peer);
  sender.send(outboundMessage());
  await settled();
  const remembered = await next();
  assert.equal(remembered.said, 'MAIL');
  await finish(remembered.peer);
  clock.advance(600_000);
  sender.send(outboundMessage());
  await settled();
  assert.equal((await next()).said, 'STARTTLS');
  assert.equal(dialer.dials, 4);
});

it('a site that must have TLS is never tried in clear', async () => {
  for (const tls of ['required', 'verified'] as const) {
    const clock = new SeededClock();
    const dialer = new FakeDialer();
    const sender = new Sender(
      deliveriesFor({ clock, random: new SeededRandom(7), dialer, relay: { tls } }),
    );
    sender.send(outboundMessage());
    await settled();
    const peer = dialer.peers.at(-1)!;
    peer.tlsFault = 'bad record';
    await greet(peer, 'STARTTLS');
    peer.say('220 go\r\n');
    await settled();
    assert.equal(dialer.dials, 1);
    assert.equal(sender.told, 'deferred 451 4.7.5');
  }
});
