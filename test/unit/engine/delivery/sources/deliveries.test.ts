/**
 * Aim:    mail to one site leaves by its sources, each with connections, EHLO name and address of its own; a source
 *         that fails costs no mail and is no fault of the site.
 * Method: fake connections and a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { waitingMax } from '../../../../../src/engine/delivery/sources/allowances.ts';
import type { Source } from '../../../../../src/engine/delivery/sources/source.ts';
import { FakeDialer, type FakePeer, settled } from '../../../../support/fake-peer.ts';
import { deliveriesFor, outboundMessage, Sender } from '../../../../support/outbound.ts';
import { SeededClock, SeededRandom } from '../../../../support/seeded-clock.ts';
import {
  type SourceWorldOptions,
  snapshotOf,
  sourceWorld,
} from '../../../../support/source-world.ts';

const proxy = { kind: 'socks5', address: '192.0.2.200', port: 1_080 } as const;
const slow: Source = { name: 'slow', ipv4: '192.0.2.51', helloName: 'slow.test' };
const fast: Source = { name: 'fast', proxy, helloName: 'fast.test' };

function world(options: Partial<SourceWorldOptions> = {}) {
  const clock = new SeededClock();
  const dialer = new FakeDialer();
  const sources = sourceWorld({ sources: [slow, fast], clock, ...options });
  const deliveries = deliveriesFor({
    ...{ clock, dialer, random: new SeededRandom(7), sources: sources.chooser },
    providerOf: () => 'provider',
  });
  return { dialer, deliveries, sender: new Sender(deliveries), ...sources };
}

async function greet(peer: FakePeer): Promise<string> {
  peer.say('220 hop\r\n');
  const hello = peer.take();
  peer.say('250-hop\r\n250 PIPELINING\r\n');
  await settled();
  return hello.trim();
}

async function accept(peer: FakePeer): Promise<void> {
  peer.say('250 ok\r\n250 ok\r\n354 go\r\n');
  peer.say('250 2.0.0 taken\r\n');
  await settled();
}

const byProxy = ({ target }: FakePeer) => target.proxy !== undefined;

describe('mail by sources', () => {
  it('leaves from their addresses and proxies, under their names, and says so', async () => {
    const { dialer, sender, deliveries } = world();
    for (let i = 0; i < 20; i++) sender.send(outboundMessage());
    await settled();
    const [straight] = dialer.peers.filter((peer) => !byProxy(peer));
    const [proxied] = dialer.peers.filter(byProxy);
    assert.equal(straight!.target.localAddress, '192.0.2.51');
    assert.deepEqual(proxied!.target.proxy, proxy);
    assert.equal(await greet(straight!), 'EHLO slow.test');
    assert.equal(await greet(proxied!), 'EHLO fast.test');
    await accept(straight!);
    const first = sender.results.find((outcomes) => outcomes !== undefined)!;
    assert.deepEqual(first[0]!.departure, {
      ...{ source: 'slow', egress: '192.0.2.250', provider: 'provider' },
    });
    const facts = deliveries.facts('example.org');
    assert.deepEqual(facts.map(({ name }) => name).sort(), [
      'smtp://192.0.2.1:2525|fast',
      'smtp://192.0.2.1:2525|slow',
    ]);
  });

  it('takes another source when its own fails, at once, and the site is not down', async () => {
    const { dialer, sender, deliveries } = world();
    dialer.failsBy = (target) => (target.proxy === undefined ? undefined : 'source');
    for (let i = 0; i < 20; i++) sender.send(outboundMessage());
    await settled();
    const [peer] = dialer.peers;
    await greet(peer!);
    for (let i = 0; i < 40; i++) await accept(peer!);
    assert.equal(sender.told, Array(20).fill('delivered 250 2.0.0').join(' | '));
    assert.ok(deliveries.facts('example.org').every(({ downUntilMs }) => downUntilMs === 0));
  });

  it('waits when there is no other source, and the reply blames the source', async () => {
    const { dialer, sender, clock } = world({ sources: [fast] });
    dialer.failsBy = () => 'source';
    sender.send(outboundMessage());
    await settled();
    sender.send(outboundMessage());
    const replies = sender.results.map((outcomes) => outcomes[0]!.reply.text);
    for (const text of replies) assert.match(text, /^Source fast is down: fast: source: /);
    assert.equal(dialer.dials, 1);
    clock.advance(31_000);
    dialer.failsBy = () => undefined;
    sender.send(outboundMessage());
    await settled();
    await greet(dialer.peers[0]!);
    await accept(dialer.peers[0]!);
    assert.match(sender.told, /delivered 250 2.0.0$/);
  });

  it('goes on over what is open when its source takes no more connections', async () => {
    const { dialer, sender } = world({ sources: [fast] });
    sender.send(outboundMessage());
    await settled();
    await greet(dialer.peers[0]!);
    dialer.failsBy = () => 'source';
    for (let i = 0; i < 30; i++) sender.send(outboundMessage());
    await settled();
    for (let i = 0; i < 31; i++) await accept(dialer.peers[0]!);
    assert.equal(sender.told, Array(31).fill('delivered 250 2.0.0').join(' | '));
  });

  it('waits no longer for what was open once that is gone', async () => {
    const { dialer, sender, clock } = world({ sources: [fast] });
    sender.send(outboundMessage());
    await settled();
    await greet(dialer.peers[0]!);
    dialer.failsBy = () => 'source';
    for (let i = 0; i < 30; i++) sender.send(outboundMessage());
    await settled();
    dialer.failsBy = () => undefined;
    dialer.peers[0]!.hangUp();
    await settled();
    clock.advance(1_000);
    await settled();
    assert.ok(dialer.peers.length > 1);
  });

  it('that waits for a source leaves by another once an operator suspends that one', async () => {
    const { dialer, sender, chooser } = world();
    for (let i = 0; i < 20; i++) sender.send(outboundMessage());
    await settled();
    chooser.apply(snapshotOf({ suspended: ['slow'] }));
    await settled();
    const [peer] = dialer.peers.filter(byProxy);
    await greet(peer!);
    for (let i = 0; i < 25; i++) await accept(peer!);
    const open = sender.results.filter((outcomes) => outcomes === undefined).length;
    assert.equal(open, 0);
  });

  it('keeps recipients of one domain together, whatever their source', () => {
    const { deliveries } = world();
    assert.equal(deliveries.groupOf('example.org'), deliveries.groupOf('example.net'));
  });
});

describe('mail by a source that warms up', () => {
  const cold: Source = { name: 'cold', warmsUp: true };

  it('waits for its allowance, and then goes', async () => {
    const { dialer, sender, asked } = world({ sources: [cold] });
    sender.send(outboundMessage());
    assert.equal(dialer.dials, 0);
    await settled();
    assert.deepEqual(asked[0]!.slice(0, 2), ['cold', 'smtp://192.0.2.1:2525']);
    await greet(dialer.peers[0]!);
    await accept(dialer.peers[0]!);
    assert.equal(sender.told, 'delivered 250 2.0.0');
  });

  it('is not counted when no next hop was reached', async () => {
    const { dialer, sender, allowances } = world({ sources: [cold] });
    dialer.unreachable.set('192.0.2.1', 'refused');
    for (let i = 0; i < 8; i++) sender.send(outboundMessage());
    await settled();
    assert.match(sender.told, /^deferred 451/);
    const allowance = allowances.of('cold', 'smtp://192.0.2.1:2525');
    let left = 0;
    while (allowance.take()) left++;
    assert.equal(left, 10);
  });

  it('is held back without an attempt when the day is over', async () => {
    const { sender } = world({ sources: [cold], lend: async () => [0, 0] });
    sender.send(outboundMessage());
    await settled();
    const [outcome] = sender.results[0]!;
    assert.equal(outcome!.status, 'deferred');
    assert.ok(outcome!.notBeforeMs! > 0);
  });

  it('is sent away when too many wait for an allowance', () => {
    const { sender } = world({ sources: [cold] });
    for (let i = 0; i < waitingMax; i++) assert.equal(sender.send(outboundMessage()), true);
    assert.equal(sender.send(outboundMessage()), false);
  });
});
