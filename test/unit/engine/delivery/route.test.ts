/** Aim: mail goes where settings and the DNS say, and never where a name must not lead. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isDialable } from '../../../../src/base/dialable.ts';
import type { RelayWays } from '../../../../src/engine/delivery/route.ts';
import { Router } from '../../../../src/engine/delivery/route.ts';
import type { Dns, DnsAnswer, MxRecord } from '../../../../src/ports/dns.ts';
import { relayWays } from '../../../support/outbound.ts';
import { SeededRandom } from '../../../support/seeded-clock.ts';

interface Zone {
  readonly mx?: Readonly<
    Record<string, readonly (readonly [number, string])[] | 'failed' | 'missing'>
  >;
  readonly a?: Readonly<Record<string, readonly string[] | 'failed'>>;
  readonly aaaa?: Readonly<Record<string, readonly string[]>>;
}

function dnsOf(zone: Zone): Dns {
  const found = <T>(records: readonly T[] | string | undefined): DnsAnswer<T> =>
    typeof records === 'object'
      ? { ok: true, records, ttlSeconds: 300, secure: false }
      : {
          ok: false,
          reason: records === undefined ? 'empty' : (records as 'failed' | 'missing'),
          detail: '',
        };
  return {
    mx: async (name) => {
      const records = zone.mx?.[name];
      return found<MxRecord>(
        typeof records === 'object'
          ? records.map(([preference, exchange]) => ({ preference, exchange }))
          : records,
      );
    },
    a: async (name) => found(zone.a?.[name]),
    aaaa: async (name) => found(zone.aaaa?.[name]),
    txt: async () => found<string>(undefined),
    srv: async () => found(undefined),
    ptr: async () => found<string>(undefined),
    tlsa: async () => found(undefined),
    cname: async () => found<string>(undefined),
  };
}

async function resolve(domain: string, zone: Zone, ways: Partial<RelayWays> = {}, seed = 1) {
  const router = new Router({
    relay: relayWays({ route: { kind: 'mx' }, ...ways }),
    hostname: 'relay.test',
    dns: dnsOf(zone),
    random: new SeededRandom(seed),
    ownAddresses: new Set(['203.0.113.9']),
  });
  const found = await router.resolve(domain);
  if (!found.ok) return `${found.status} ${found.reply.code} ${found.reply.enhanced}`;
  return found.targets.map(({ address, port }) => `${address}:${port}`).join(' ');
}

const a = { 'mx1.test': ['8.8.1.1'], 'mx2.test': ['8.8.2.2'], 'mx3.test': ['8.8.3.3'] };

describe('a route by MX', () => {
  // RFC 5321 §5.1.
  it('takes hosts by preference', async () => {
    const mx = {
      'x.test': [
        [20, 'mx2.test'],
        [10, 'mx1.test'],
        [30, 'MX3.test'],
      ],
    } as const;
    assert.equal(await resolve('x.test', { mx, a }), '8.8.1.1:25 8.8.2.2:25 8.8.3.3:25');
  });

  it('spreads equal preferences', async () => {
    const mx = {
      'x.test': [
        [10, 'mx1.test'],
        [10, 'mx2.test'],
      ],
    } as const;
    const orders = new Set<string>();
    for (let seed = 0; seed < 20; seed++) orders.add(await resolve('x.test', { mx, a }, {}, seed));
    assert.equal(orders.size, 2);
  });

  it('takes the domain’s own address where there is no MX', async () => {
    assert.equal(await resolve('mx1.test', { a }), '8.8.1.1:25');
    assert.equal(await resolve('v6.test', { aaaa: { 'v6.test': ['2a00::1'] } }), '2a00::1:25');
  });

  // RFC 7505 §3: a null MX takes no mail.
  it('fails what does not exist, takes no mail, or has no address', async () => {
    assert.equal(await resolve('x.test', { mx: { 'x.test': 'missing' } }), 'failed 550 5.1.2');
    assert.equal(await resolve('x.test', { mx: { 'x.test': [[0, '']] } }), 'failed 556 5.1.10');
    assert.equal(
      await resolve('x.test', { mx: { 'x.test': [[0, 'no.test']] } }),
      'failed 550 5.4.4',
    );
    assert.equal(await resolve('x.test', {}), 'failed 550 5.4.4');
  });

  // RFC 7505 §3: a null MX stands alone; beside others it names no host.
  it('never looks for the host of a null MX that stands beside others', async () => {
    const zone: Zone = {
      mx: {
        'x.test': [
          [0, ''],
          [10, 'mx1.test'],
        ],
      },
      a: { ...a, '': ['8.8.4.4'] },
    };
    assert.equal(await resolve('x.test', zone), '8.8.1.1:25');
  });

  it('defers what could not be looked up', async () => {
    assert.equal(await resolve('x.test', { mx: { 'x.test': 'failed' } }), 'deferred 451 4.4.3');
    assert.equal(
      await resolve('x.test', { mx: { 'x.test': [[0, 'mx1.test']] }, a: { 'mx1.test': 'failed' } }),
      'deferred 451 4.4.3',
    );
  });

  it('that leads back to us fails, unless better hosts stand before us', async () => {
    const best = {
      'x.test': [
        [10, 'Relay.test'],
        [20, 'mx1.test'],
      ],
    } as const;
    assert.equal(await resolve('x.test', { mx: best, a }), 'failed 554 5.4.6');
    const backup = {
      'x.test': [
        [10, 'mx1.test'],
        [20, 'relay.test'],
        [20, 'mx2.test'],
        [30, 'mx3.test'],
      ],
    } as const;
    assert.equal(await resolve('x.test', { mx: backup, a }), '8.8.1.1:25');
  });

  it('never leads to private, loopback or own addresses unless settings say so', async () => {
    const addresses = [
      '127.0.0.1',
      '10.1.2.3',
      '169.254.1.1',
      '192.168.0.1',
      '0.0.0.0',
      '203.0.113.9',
    ];
    for (const address of addresses) {
      const zone = { mx: { 'x.test': [[0, 'in.test']] as const }, a: { 'in.test': [address] } };
      const told = address === '203.0.113.9' ? 'failed 554 5.4.6' : 'failed 550 5.4.4';
      assert.equal(await resolve('x.test', zone), told, address);
      assert.equal(await resolve('x.test', zone, { privateTargets: true }), `${address}:25`);
    }
  });

  it('takes address literals, under the same rule', async () => {
    assert.equal(await resolve('[8.8.8.8]', {}), '8.8.8.8:25');
    assert.equal(await resolve('[IPv6:2a00::1]', {}), '2a00::1:25');
    assert.equal(await resolve('[127.0.0.1]', {}), 'failed 550 5.4.4');
    assert.equal(await resolve('[what]', {}), 'failed 550 5.1.2');
  });

  it('looks up U-labels as A-labels', async () => {
    assert.equal(
      await resolve('bücher.test', { a: { 'xn--bcher-kva.test': ['8.8.8.8'] } }),
      '8.8.8.8:25',
    );
  });

  it('gives domains with the same hosts the same site', async () => {
    const mx = {
      'x.test': [
        [10, 'mx1.test'],
        [20, 'mx2.test'],
      ],
      'y.test': [
        [5, 'mx2.test'],
        [5, 'mx1.test'],
      ],
    } as const;
    const router = new Router({
      relay: relayWays({ route: { kind: 'mx' } }),
      hostname: 'relay.test',
      dns: dnsOf({ mx, a }),
      random: new SeededRandom(1),
    });
    const [x, y] = await Promise.all([router.resolve('x.test'), router.resolve('y.test')]);
    assert.ok(x.ok && y.ok);
    assert.equal(x.site, y.site);
  });
});

describe('a fixed route', () => {
  it('of a domain stands before the general one', () => {
    const router = new Router({
      relay: relayWays({
        route: { kind: 'mx' },
        routes: [{ domain: 'x.test', route: { kind: 'host', host: '127.0.0.1', port: 2525 } }],
      }),
      hostname: 'relay.test',
      dns: dnsOf({}),
      random: new SeededRandom(1),
    });
    assert.equal(router.fixed('x.test')?.site, 'smtp://127.0.0.1:2525');
    assert.equal(router.fixed('y.test'), undefined);
  });

  it('by name is looked up, private addresses included', async () => {
    const route = { kind: 'host', host: 'smart.test', port: 587 } as const;
    assert.equal(
      await resolve('x.test', { a: { 'smart.test': ['10.0.0.1'] } }, { route }),
      '10.0.0.1:587',
    );
  });
});

describe('an address from the DNS', () => {
  it('is dialled only if it is routed on the Internet', () => {
    for (const address of ['8.8.8.8', '2a00:1450::1', '::ffff:8.8.8.8']) {
      assert.equal(isDialable(address), true, address);
    }
    const never = [
      '0.0.0.0',
      '10.0.0.1',
      '100.64.0.1',
      '127.0.0.1',
      '169.254.0.1',
      '172.16.0.1',
      '192.168.1.1',
      '224.0.0.1',
      '255.255.255.255',
      '::',
      '::1',
      'fe80::1',
      'fc00::1',
      'ff02::1',
      '::ffff:127.0.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      'localhost',
      '',
    ];
    for (const address of never) assert.equal(isDialable(address), false, address);
  });
});
