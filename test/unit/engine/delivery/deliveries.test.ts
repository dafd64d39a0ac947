/**
 * Aim:    a site takes what it can, keeps nothing it cannot, and never holds up another.
 * Method: fake connections and a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { boundedLeases } from '../../../../src/engine/delivery/leases.ts';
import type { Dns } from '../../../../src/ports/dns.ts';
import { FakeDialer, type FakePeer, settled } from '../../../support/fake-peer.ts';
import type { OutboundTest } from '../../../support/outbound.ts';
import { deliveriesFor, lendingBy, outboundMessage, Sender } from '../../../support/outbound.ts';
import { SeededClock, SeededRandom } from '../../../support/seeded-clock.ts';

const routes = [
  { domain: 'two.example', route: { kind: 'host', host: '192.0.2.2', port: 25 } },
  { domain: '.below.example', route: { kind: 'host', host: '192.0.2.3', port: 25 } },
] as const;

function world(test: Partial<OutboundTest> = {}) {
  const clock = new SeededClock();
  const dialer = new FakeDialer();
  const deliveries = deliveriesFor({
    clock,
    random: new SeededRandom(7),
    dialer,
    relay: { routes },
    ...test,
  });
  const sender = new Sender(deliveries);
  return { clock, dialer, deliveries, sender };
}

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

describe('a site', () => {
  it('keeps its connection for the next message', async () => {
    const { dialer, sender } = world();
    sender.send(outboundMessage());
    await settled();
    await greet(dialer.peers[0]!, 'PIPELINING');
    await accept(dialer.peers[0]!);
    sender.send(outboundMessage());
    await accept(dialer.peers[0]!);
    assert.equal(sender.told, 'delivered 250 2.0.0 | delivered 250 2.0.0');
    assert.equal(dialer.dials, 1);
  });

  it('ends an idle connection by QUIT and is forgotten with it', async () => {
    const { clock, dialer, sender, deliveries } = world({ relay: { routes: [] } });
    sender.send(outboundMessage());
    await settled();
    const peer = dialer.peers[0]!;
    await greet(peer, 'PIPELINING');
    await accept(peer);
    peer.take();
    clock.advance(9_000);
    assert.equal(peer.take(), '');
    clock.advance(3_000);
    assert.equal(peer.take(), 'QUIT\r\n');
    peer.say('221 bye\r\n');
    assert.equal(peer.isDestroyed, true);
    assert.equal(deliveries.load().connections, 0);
  });

  it('sends nothing over a connection that says QUIT and waits for the answer, but opens another', async () => {
    const { clock, dialer, sender } = world();
    sender.send(outboundMessage());
    await settled();
    await greet(dialer.peers[0]!, 'PIPELINING');
    await accept(dialer.peers[0]!);
    dialer.peers[0]!.take();
    clock.advance(12_000);
    assert.equal(dialer.peers[0]!.take(), 'QUIT\r\n');
    sender.send(outboundMessage());
    await settled();
    assert.equal(dialer.peers[0]!.take(), '');
    assert.equal(dialer.dials, 2);
    await greet(dialer.peers[1]!, 'PIPELINING');
    await accept(dialer.peers[1]!);
    assert.equal(sender.told, 'delivered 250 2.0.0 | delivered 250 2.0.0');
  });

  it('opens more connections as more waits, up to its limit', async () => {
    const { clock, dialer, sender } = world({ limits: { connectionsMax: 5 } });
    for (let i = 0; i < 50; i++) sender.send(outboundMessage());
    await settled();
    // Two at first, however much waits: nobody knows yet whether the next hop is there.
    clock.advance(10_000);
    await settled();
    assert.equal(dialer.dials, 2);
    for (let at = 0; at < dialer.peers.length; at++) await greet(dialer.peers[at]!, 'PIPELINING');
    assert.equal(dialer.dials, 5);
  });

  it('is full at its limits: the message stays the caller’s', async () => {
    const { sender } = world({ limits: { queueCountMax: 2, connectionsMax: 1 } });
    const taken = [1, 2, 3].map(() => sender.send(outboundMessage()));
    assert.deepEqual(taken, [true, true, false]);
    const byBytes = world({ limits: { queueBytesMax: 30, connectionsMax: 1 } });
    assert.deepEqual(
      [1, 2].map(() => byBytes.sender.send(outboundMessage())),
      [true, false],
    );
  });

  it('that cannot be reached defers all that waits, and what comes until its back-off is over', async () => {
    const { clock, dialer, sender } = world();
    dialer.unreachable.set('192.0.2.1', 'refused');
    sender.send(outboundMessage());
    sender.send(outboundMessage());
    await settled();
    assert.equal(sender.told, 'deferred 451 4.4.1 | deferred 451 4.4.1');
    assert.match(sender.results[0]![0]!.reply.text, /192\.0\.2\.1.*refused/);
    const { dials } = dialer;
    sender.send(outboundMessage());
    await settled();
    assert.equal(sender.results[2]![0]!.status, 'deferred');
    assert.equal(dialer.dials, dials);
    clock.advance(60_000);
    dialer.unreachable.clear();
    sender.send(outboundMessage());
    await settled();
    assert.equal(dialer.dials, dials + 1);
  });

  it('goes to its next host where the first fails, and to that one first for a while', async () => {
    const found = <T>(...records: readonly T[]) =>
      Promise.resolve({ ok: true, records, ttlSeconds: 300, secure: false } as const);
    const none = async () => ({ ok: false, reason: 'empty', detail: '' }) as const;
    const dns: Dns = {
      mx: () => found({ preference: 1, exchange: 'a.test' }, { preference: 2, exchange: 'b.test' }),
      a: (name) => found(name === 'a.test' ? '8.8.1.1' : '8.8.2.2'),
      aaaa: none,
      txt: none,
      ptr: none,
      srv: none,
      tlsa: none,
      cname: none,
    };
    const { clock, dialer, sender } = world({ dns, relay: { route: { kind: 'mx' } } });
    dialer.unreachable.set('8.8.1.1', 'timed-out');
    sender.send(outboundMessage());
    await settled();
    await settled();
    assert.deepEqual([dialer.dials, dialer.peers[0]!.target.address], [2, '8.8.2.2']);
    await greet(dialer.peers[0]!, 'PIPELINING');
    dialer.peers[0]!.say('421 enough\r\n');
    await settled();
    assert.deepEqual([dialer.dials, dialer.peers[1]!.target.address], [3, '8.8.2.2']);
    dialer.unreachable.clear();
    clock.advance(40_000);
    dialer.peers[1]!.hangUp();
    await settled();
    sender.send(outboundMessage());
    await settled();
    assert.equal(dialer.peers[2]!.target.address, '8.8.1.1');
  });

  it('that is dead holds up no other', async () => {
    const { dialer, sender } = world();
    dialer.unreachable.set('192.0.2.1', 'timed-out');
    sender.send(outboundMessage());
    sender.send(outboundMessage({ to: ['a@two.example'] }), 'two.example');
    await settled();
    await greet(dialer.peers[0]!, 'PIPELINING');
    await accept(dialer.peers[0]!);
    assert.equal(sender.told, 'deferred 451 4.4.1 | delivered 250 2.0.0');
  });

  it('waits twice as long after each failure', async () => {
    const { clock, dialer, sender } = world();
    dialer.unreachable.set('192.0.2.1', 'refused');
    const tried: number[] = [];
    for (let second = 0; second < 1_200; second++) {
      sender.send(outboundMessage());
      await settled();
      if (dialer.dials > tried.length) tried.push(second);
      clock.advance(1_000);
    }
    const waits = tried.slice(1).map((at, i) => at - tried[i]!);
    waits.forEach((wait, i) => {
      const meanS = Math.min(30 * 2 ** i, 600);
      assert.ok(wait >= meanS * 0.75 && wait <= meanS * 1.25 + 1, `${waits}`);
    });
    assert.ok(tried.length <= 7, `${tried}`);
  });

  it('that greets with a refusal is tried again later, not bounced from', async () => {
    const { dialer, sender } = world();
    sender.send(outboundMessage());
    await settled();
    dialer.peers[0]!.say('554 5.7.1 not you\r\n');
    await settled();
    assert.equal(sender.told, 'deferred 554 5.7.1');
  });

  // RFC 5321 §4.5.3.2.
  it('that does not answer in time is given up, phase by phase', async () => {
    const { clock, dialer, sender } = world();
    sender.send(outboundMessage());
    await settled();
    clock.advance(299_000);
    assert.equal(sender.told, '-');
    clock.advance(3_000);
    await settled();
    assert.equal(sender.told, 'deferred 451 4.4.2');
    assert.equal(dialer.peers[0]!.isDestroyed, true);
  });

  it('takes tenants in turn', async () => {
    const { dialer, sender } = world({ limits: { connectionsMax: 1 } });
    const from = (tenantNumber: number, name: string) =>
      sender.send(outboundMessage({ tenantNumber, sender: `${name}@t` }));
    for (const name of ['a1', 'a2', 'a3']) from(1, name);
    for (const name of ['b1', 'b2']) from(2, name);
    await settled();
    const peer = dialer.peers[0]!;
    await greet(peer, 'PIPELINING');
    const order: string[] = [];
    for (let i = 0; i < 5; i++) {
      order.push(/MAIL FROM:<(..)@t>/.exec(peer.take())![1]!);
      peer.say(`${i > 0 ? '250 done\r\n' : ''}250 ok\r\n250 ok\r\n354 go\r\n`);
    }
    assert.deepEqual(order, ['a1', 'b1', 'a2', 'b2', 'a3']);
  });

  it('wakes an idle connection when the busy one stands still', async () => {
    const { clock, dialer, sender } = world({ limits: { connectionsMax: 2 } });
    for (let i = 0; i < 4; i++) sender.send(outboundMessage());
    await settled();
    assert.equal(dialer.peers.length, 2);
    for (const peer of dialer.peers) await greet(peer, 'PIPELINING');
    // Quick answers teach the site that a short queue is no reason for a second connection.
    for (let i = 0; i < 200; i++) {
      for (const peer of dialer.peers) {
        if (peer.take().includes('DATA\r\n'))
          peer.say('250 ok\r\n250 ok\r\n354 go\r\n250 done\r\n');
      }
      if (sender.results.every((result) => result !== undefined)) sender.send(outboundMessage());
    }
    for (const peer of dialer.peers) {
      if (peer.take() !== '') peer.say('250 ok\r\n250 ok\r\n354 go\r\n250 done\r\n');
      peer.take();
    }
    sender.send(outboundMessage());
    sender.send(outboundMessage());
    const commands = () => dialer.peers.filter((peer) => peer.take().includes('MAIL FROM')).length;
    assert.equal(commands(), 1);
    clock.advance(3_000);
    assert.equal(commands(), 1);
  });

  it('sends a large message in blocks, as the socket takes them', async () => {
    const { clock, dialer, sender } = world();
    const text = `Subject: large\r\n\r\n${`${'x'.repeat(98)}\r\n`.repeat(10_000)}`;
    sender.send(outboundMessage({ text }));
    await settled();
    const peer = dialer.peers[0]!;
    await greet(peer, 'PIPELINING');
    peer.take();
    peer.hasRoom = false;
    peer.say('250 ok\r\n250 ok\r\n354 go\r\n');
    let got = peer.take();
    let blocks = 1;
    while (!got.endsWith('\r\n.\r\n')) {
      clock.advance(170_000); // Slow, but each block has its time.
      peer.drain();
      got += peer.take();
      blocks++;
    }
    assert.equal(got, `${text}.\r\n`);
    assert.equal(blocks, 4);
    peer.say('250 2.0.0 taken\r\n');
    assert.equal(sender.told, 'delivered 250 2.0.0');
  });

  it('reads a large message from its file no faster than the socket takes it', async () => {
    const { dialer, sender } = world();
    const text = `Subject: large\r\n\r\n${`${'x'.repeat(98)}\r\n`.repeat(10_000)}`;
    let readBytes = 0;
    const source = {
      bytes: text.length,
      async read(from: number, length: number) {
        readBytes += length;
        return Buffer.from(text.slice(from, from + length));
      },
    };
    sender.send({ ...outboundMessage(), parts: [], source, bytes: text.length });
    await settled();
    const peer = dialer.peers[0]!;
    await greet(peer, 'PIPELINING');
    peer.take();
    peer.hasRoom = false;
    peer.say('250 ok\r\n250 ok\r\n354 go\r\n');
    await settled();
    let got = peer.take();
    while (!got.endsWith('\r\n.\r\n')) {
      assert.ok(readBytes - got.length <= 1, 'one block at most is read ahead');
      peer.drain();
      await settled();
      got += peer.take();
    }
    assert.equal(got, `${text}.\r\n`);
    peer.say('250 2.0.0 taken\r\n');
    assert.equal(sender.told, 'delivered 250 2.0.0');
  });

  it('drops the connection when a large message cannot be read on: half of it is never taken', async () => {
    const { dialer, sender } = world();
    const source = {
      bytes: 1_000_000,
      async read(from: number, length: number) {
        if (from > 0) throw new Error('gone');
        return Buffer.alloc(length, 'x');
      },
    };
    sender.send({ ...outboundMessage(), parts: [], source, bytes: source.bytes });
    for (let connection = 0; sender.told === '-' && connection < 5; connection++) {
      await settled();
      const peer = dialer.peers[connection]!;
      await greet(peer, 'PIPELINING');
      peer.take();
      peer.say('250 ok\r\n250 ok\r\n354 go\r\n');
      await settled();
      const got = peer.take();
      assert.ok(got.length > 0 && !got.includes('\r\n.\r\n'));
    }
    assert.match(sender.told, /^deferred 4/);
  });

  it('moves a message whose transfer broke off before its end', async () => {
    const { dialer, sender } = world();
    sender.send(outboundMessage({ text: `A: b\r\n\r\n${`${'x'.repeat(98)}\r\n`.repeat(10_000)}` }));
    await settled();
    await greet(dialer.peers[0]!, 'PIPELINING');
    dialer.peers[0]!.hasRoom = false;
    dialer.peers[0]!.say('250 ok\r\n250 ok\r\n354 go\r\n');
    dialer.peers[0]!.hangUp('reset');
    await settled();
    assert.equal(sender.told, '-');
    assert.equal(dialer.dials, 2);
  });

  it('asks for a slot before each connection and gives it back after', async () => {
    let lent = 0;
    const grants: (() => void)[] = [];
    const leases = lendingBy({
      request: (granted) => {
        grants.push(() => {
          lent++;
          granted();
        });
      },
      release: () => {
        lent--;
      },
    });
    const { clock, dialer, sender } = world({ leases });
    sender.send(outboundMessage());
    await settled();
    assert.equal(dialer.dials, 0);
    grants.shift()!();
    await settled();
    assert.equal(dialer.dials, 1);
    await greet(dialer.peers[0]!, 'PIPELINING');
    await accept(dialer.peers[0]!);
    assert.equal(lent, 1);
    clock.advance(20_000);
    await settled();
    assert.equal(lent, 0);
    dialer.unreachable.set('192.0.2.1', 'refused');
    sender.send(outboundMessage());
    grants.shift()!();
    await settled();
    assert.equal(lent, 0);
  });
});

describe('connections that others should have', () => {
  /** A world in which `slots.excess` connections are wanted elsewhere, from when it is set. */
  function sharedWorld(connectionsMax: number) {
    const slots = { excess: 0, released: 0 };
    const leases = lendingBy({
      release: () => {
        slots.released++;
        slots.excess--;
      },
      get excess() {
        return slots.excess;
      },
    });
    return { ...world({ leases, limits: { connectionsMax } }), slots };
  }

  it('are ended where they are idle, and no more than are wanted', async () => {
    const { clock, dialer, sender, slots } = sharedWorld(2);
    for (let i = 0; i < 2; i++) sender.send(outboundMessage());
    await settled();
    const { peers } = dialer;
    for (const peer of peers) await greet(peer, 'PIPELINING');
    for (const peer of peers) await accept(peer);
    assert.equal(sender.told, 'delivered 250 2.0.0 | delivered 250 2.0.0');
    for (const peer of peers) peer.take();
    slots.excess = 1;
    clock.advance(2_000);
    const quitting = peers.filter((peer) => peer.take() === 'QUIT\r\n');
    assert.equal(quitting.length, 1);
    quitting[0]!.say('221 bye\r\n');
    assert.equal(slots.released, 1);
  });

  it('are ended after the message under way where they are busy, and the rest goes over others', async () => {
    const { dialer, sender, slots } = sharedWorld(1);
    for (let i = 0; i < 3; i++) sender.send(outboundMessage());
    await settled();
    const first = dialer.peers[0]!;
    await greet(first, 'PIPELINING');
    slots.excess = 1;
    await accept(first);
    assert.match(first.take(), /QUIT\r\n$/);
    assert.equal(dialer.dials, 1);
    first.say('221 bye\r\n');
    await settled();
    assert.equal(slots.released, 1);
    const second = dialer.peers[1]!;
    await greet(second, 'PIPELINING');
    await accept(second);
    await accept(second);
    assert.equal(sender.told, Array(3).fill('delivered 250 2.0.0').join(' | '));
  });
});

describe('bounded leases', () => {
  const idleUser = { waitingCount: 0, tell: () => {}, weigh: () => {}, onTokens: () => {} };

  it('lend no more than their bound, in the order they were asked', () => {
    const lease = boundedLeases(2).join('site', idleUser);
    const granted: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) lease.request(() => granted.push(name));
    assert.deepEqual(granted, ['a', 'b']);
    lease.release();
    assert.deepEqual(granted, ['a', 'b', 'c']);
    for (let i = 0; i < 3; i++) lease.release();
    lease.request(() => granted.push('e'));
    assert.deepEqual(granted, ['a', 'b', 'c', 'd', 'e']);
  });
});

describe('deliveries', () => {
  it('group domains by their fixed route', () => {
    const { deliveries } = world();
    assert.equal(deliveries.groupOf('a.example'), deliveries.groupOf('b.example'));
    assert.notEqual(deliveries.groupOf('a.example'), deliveries.groupOf('two.example'));
    assert.equal(deliveries.groupOf('x.below.example'), deliveries.groupOf('y.z.below.example'));
    assert.notEqual(deliveries.groupOf('x.below.example'), deliveries.groupOf('below.example'));
  });

  it('that drain let transfers finish, defer what waits and take no more', async () => {
    const { dialer, sender, deliveries } = world({ limits: { connectionsMax: 1 } });
    sender.send(outboundMessage());
    await settled();
    await greet(dialer.peers[0]!);
    sender.send(outboundMessage());
    deliveries.drain();
    assert.equal(sender.told, '- | deferred 451 4.3.2');
    assert.equal(sender.send(outboundMessage()), false);
    for (const reply of ['250 ok', '250 ok', '354 go', '250 2.0.0 taken']) {
      dialer.peers[0]!.say(`${reply}\r\n`);
    }
    await settled();
    assert.equal(sender.told, 'delivered 250 2.0.0 | deferred 451 4.3.2');
    assert.match(dialer.peers[0]!.take(), /QUIT\r\n$/);
  });

  it('that close end everything, and every message is told of', async () => {
    const { dialer, sender, deliveries } = world({ limits: { connectionsMax: 1 } });
    for (let i = 0; i < 5; i++) sender.send(outboundMessage());
    await settled();
    await greet(dialer.peers[0]!, 'PIPELINING');
    deliveries.close();
    await settled();
    assert.equal(sender.results.flat().length, 5);
    assert.ok(sender.results.flat().every((outcome) => outcome.status === 'deferred'));
    assert.equal(deliveries.load().connections, 0);
  });
});
