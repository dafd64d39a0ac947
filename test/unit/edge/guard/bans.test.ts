/** Aim: who is banned, for how long, and who never is. Method: a clock turned by hand, a table in memory. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryCounters } from '../../../../src/adapters/memory/memory-counters.ts';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { bannable, networkAround } from '../../../../src/edge/guard/ban-networks.ts';
import { type Ban, Bans, bansMax } from '../../../../src/edge/guard/bans.ts';
import { networksOf } from '../../../support/networks.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const limits = {
  failuresPerAddressMax: 3,
  failuresPerNetworkMax: 10,
  windowMs: 1_000,
  banMsFirst: 100,
  banMsMax: 350,
};

function world() {
  const clock = new SeededClock();
  const table = new MemoryIndex();
  const told: Ban[] = [];
  const opened = () =>
    new Bans({
      ...{ limits, table, clock, log: silentLog },
      allowed: networksOf('192.0.2.0/28'),
      counters: new MemoryCounters(clock),
      banned: (ban) => told.push(ban),
    });
  return { clock, told, opened, bans: opened() };
}

/** Failures are counted and bans made in the turns after. */
async function fail(bans: Bans, address: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    bans.failed(address);
    await new Promise(setImmediate);
  }
}

test('an address is banned at its last failure, not before, and for a while', async () => {
  const { bans, clock, told } = world();
  await fail(bans, '198.51.100.1', 2);
  assert.equal(bans.isBanned('198.51.100.1'), false);
  await fail(bans, '198.51.100.1', 1);
  assert.equal(bans.isBanned('198.51.100.1'), true);
  assert.equal(bans.isBanned('::ffff:198.51.100.1'), true);
  assert.equal(bans.isBanned('198.51.100.2'), false);
  assert.deepEqual(
    told.map(({ network, times }) => [network, times]),
    [['198.51.100.1/32', 1]],
  );
  clock.advance(100);
  assert.equal(bans.isBanned('198.51.100.1'), false);
  assert.deepEqual(bans.list(), []);
});

test('failures further apart than the window ban nobody', async () => {
  const { bans, clock } = world();
  for (let i = 0; i < 6; i++) {
    await fail(bans, '198.51.100.1', 1);
    clock.advance(501);
  }
  assert.deepEqual(bans.list(), []);
});

test('each further ban is twice as long, up to a bound, until a quiet week', async () => {
  const { bans, clock } = world();
  const lengths: number[] = [];
  const once = async () => {
    await fail(bans, '198.51.100.1', 3);
    const [ban] = bans.list();
    lengths.push(ban!.untilMs - ban!.sinceMs);
    clock.advance(350);
  };
  for (let i = 0; i < 4; i++) await once();
  clock.advance(7 * 86_400_000);
  await once();
  assert.deepEqual(lengths, [100, 200, 350, 350, 100]);
});

test('a network is banned when its addresses fail together', async () => {
  const { bans } = world();
  for (let i = 0; i < 5; i++) await fail(bans, `198.51.100.${i}`, 2);
  assert.equal(bans.isBanned('198.51.100.200'), true);
  assert.equal(bans.isBanned('198.51.101.1'), false);
  for (let i = 0; i < 5; i++) await fail(bans, `2001:db8:7:${i}::1`, 2);
  assert.equal(bans.isBanned('2001:db8:7:ffff::9'), true);
  assert.equal(bans.isBanned('2001:db8:8::9'), false);
});

test('loopback and the allow list are never banned, nor inside a banned network', async () => {
  const { bans } = world();
  await fail(bans, '127.0.0.1', 99);
  await fail(bans, '::1', 99);
  await fail(bans, '192.0.2.3', 99);
  assert.deepEqual(bans.list(), []);
  await bans.add('192.0.0.0/16', 100, 'all of it');
  assert.equal(bans.isBanned('192.0.2.3'), false);
  assert.equal(bans.isBanned('192.0.2.16'), true);
  await assert.rejects(bans.add('192.0.2.3', 100, ''), { code: 'argument-invalid' });
  await assert.rejects(bans.add('127.0.0.1', 100, ''), { code: 'argument-invalid' });
});

test('bans outlast a restart, and a removed one is gone', async () => {
  const { bans, opened } = world();
  await fail(bans, '198.51.100.1', 3);
  await bans.add('2001:db8::1', 1_000, 'by hand');
  const again = opened();
  assert.deepEqual(again.list(), bans.list());
  assert.equal(again.isBanned('2001:db8::2'), true);
  await again.remove('198.51.100.1');
  assert.equal(again.isBanned('198.51.100.1'), false);
  assert.equal(opened().isBanned('198.51.100.1'), false);
  await assert.rejects(again.remove('198.51.100.1'), { code: 'not-found' });
});

test('a new ban takes the place of the one that ends first', async () => {
  const { bans } = world();
  await bans.add('10.255.255.255', 500, '');
  const address = (i: number) => `11.0.${i >> 8}.${i & 255}`;
  for (let i = 1; i < bansMax; i++) await bans.add(address(i), 1_000, '');
  assert.equal(bans.isBanned('10.255.255.255'), true);
  await bans.add('12.0.0.1', 1_000, '');
  assert.equal(bans.isBanned('10.255.255.255'), false);
  assert.equal(bans.isBanned('12.0.0.1'), true);
  assert.equal(bans.list().length, bansMax);
});

test('networks have one spelling each', () => {
  assert.equal(networkAround('198.51.100.77', { v4: 20, v6: 48 }), '198.51.96.0/20');
  assert.equal(networkAround('2001:0DB8::1', { v4: 32, v6: 64 }), '2001:db8:0:0::/64');
  assert.equal(networkAround('2001:db8:1:ffff::1', { v4: 32, v6: 52 }), '2001:db8:1:f000::/52');
  assert.equal(networkAround('64:ff9b::192.0.2.1', { v4: 32, v6: 64 }), '64:ff9b:0:0::/64');
  assert.equal(networkAround('not one', { v4: 32, v6: 64 }), undefined);
  assert.equal(bannable('2001:db8::7/128'), '2001:db8:0:0::/64');
  assert.equal(bannable('2001:db8:0:0::/64'), '2001:db8:0:0::/64');
  for (const text of ['0.0.0.0/0', '10.0.0.0/7', '10.0.0.0/33', '2001::/15', '10.0.0.0/x', 'x']) {
    assert.equal(bannable(text), undefined, text);
  }
});
