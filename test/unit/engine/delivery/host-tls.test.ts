/**
 * Aim:    what TLS with a host must be follows from DNSSEC, policies and the message, in that order.
 * Method: the router over a DNS given by the test, and a site over fake connections.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TlsNeed } from '../../../../src/engine/delivery/host-tls.ts';
import { type RelayWays, Router, type StsSource } from '../../../../src/engine/delivery/route.ts';
import type { StsPolicy } from '../../../../src/mail/trust/mta-sts.ts';
import type { Dns, DnsAnswer, TlsaRecord } from '../../../../src/ports/dns.ts';
import { relayWays } from '../../../support/outbound.ts';
import { SeededRandom } from '../../../support/seeded-clock.ts';

const keyRecord: TlsaRecord = { usage: 3, selector: 1, matching: 1, data: Buffer.alloc(32, 1) };
const anchorRecord: TlsaRecord = { ...keyRecord, usage: 2 };
const unusableRecord: TlsaRecord = { ...keyRecord, usage: 1 };

interface World {
  readonly hosts?: readonly string[];
  /** Names whose answers carry no AD. */
  readonly insecure?: readonly string[];
  readonly tlsa?: Readonly<Record<string, readonly TlsaRecord[] | 'failed'>>;
  readonly alias?: Readonly<Record<string, string>>;
  readonly policy?: StsPolicy | 'failed';
  readonly need?: TlsNeed;
  readonly relay?: Partial<RelayWays>;
}

/** Every name of `x.test` is there; MX are `mx1.test` and `mx2.test`. */
function dnsOf({ hosts = ['mx1.test', 'mx2.test'], insecure = [], tlsa = {}, alias = {} }: World) {
  const asked: string[] = [];
  const some = <T>(name: string, records: readonly T[]): DnsAnswer<T> => {
    const canonical = alias[name];
    const secure = !insecure.includes(name) && !insecure.includes(canonical ?? '');
    const rest = canonical === undefined ? {} : { canonical };
    return { ok: true, records, ttlSeconds: 300, secure, ...rest };
  };
  const none = async () => ({ ok: false, reason: 'empty', detail: '' }) as const;
  const dns: Dns = {
    mx: async (name) =>
      some(
        name,
        hosts.map((exchange, preference) => ({ preference, exchange })),
      ),
    a: async (name) => some(name, ['8.8.8.8']),
    tlsa: async (name) => {
      asked.push(name);
      const records = tlsa[name];
      if (records === 'failed') return { ok: false, reason: 'failed', detail: '' };
      return records === undefined ? none() : some(name, records);
    },
    cname: async (name) =>
      alias[name] === undefined
        ? none()
        : { ok: true, records: [alias[name]], ttlSeconds: 9, secure: !insecure.includes(name) },
    ...{ aaaa: none, txt: none, ptr: none, srv: none },
  };
  return { dns, asked };
}

async function resolve(world: World, domain = 'x.test') {
  const { dns, asked } = dnsOf(world);
  let policiesAsked = 0;
  const policies: StsSource = async () => {
    policiesAsked++;
    return world.policy;
  };
  const router = new Router({
    relay: relayWays({ route: { kind: 'mx' }, tls: 'opportunistic', ...world.relay }),
    hostname: 'relay.test',
    ...{ dns, policies, random: new SeededRandom(1) },
  });
  const found = await router.resolve(domain, world.need);
  const told = found.ok
    ? found.targets.map(({ host, tls }) => {
        const dane = tls?.dane === undefined ? '' : ` ${tls.dane.serverName}`;
        return `${host} ${tls?.mode ?? '-'}${dane}`;
      })
    : [`${found.status} ${found.reply.code} ${found.reply.enhanced}`];
  return { told: told.join(', '), key: found.ok ? found.key : '', found, asked, policiesAsked };
}

const right = { '_25._tcp.mx1.test': [keyRecord], '_25._tcp.mx2.test': [keyRecord] };
const policy: StsPolicy = { mode: 'enforce', mx: ['mx1.test'], maxAgeSeconds: 86_400 };

describe('DANE', () => {
  it('binds each host that has records, and no other', async () => {
    const { told } = await resolve({ tlsa: { '_25._tcp.mx1.test': [keyRecord] } });
    assert.equal(told, 'mx1.test required mx1.test, mx2.test -');
  });

  // RFC 7672 §2.2.1.
  it('is not even asked for where MX or addresses are not proven', async () => {
    const mx = await resolve({ tlsa: right, insecure: ['x.test'] });
    assert.deepEqual([mx.told, mx.asked], ['mx1.test -, mx2.test -', []]);
    const address = await resolve({ tlsa: right, insecure: ['mx1.test'] });
    assert.equal(address.told, 'mx1.test -, mx2.test required mx2.test');
    assert.deepEqual(address.asked, ['_25._tcp.mx2.test']);
  });

  it('counts for nothing where the records themselves are not proven', async () => {
    const { told } = await resolve({ tlsa: right, insecure: ['_25._tcp.mx1.test'] });
    assert.equal(told, 'mx1.test -, mx2.test required mx2.test');
  });

  // RFC 7672 §2.2: to go on in clear would be what an attacker wants.
  it('leaves out a host whose look-up failed, and waits where it was the last', async () => {
    const one = await resolve({ tlsa: { ...right, '_25._tcp.mx1.test': 'failed' } });
    assert.equal(one.told, 'mx2.test required mx2.test');
    const both = { '_25._tcp.mx1.test': 'failed', '_25._tcp.mx2.test': 'failed' } as const;
    assert.equal((await resolve({ tlsa: both })).told, 'deferred 451 4.4.3');
  });

  it('asks for TLS with anybody where no record is usable', async () => {
    const tlsa = { '_25._tcp.mx1.test': [unusableRecord] };
    assert.equal((await resolve({ tlsa })).told, 'mx1.test required, mx2.test -');
    const verified = await resolve({ tlsa, relay: { tls: 'verified' } });
    assert.equal(verified.told, 'mx1.test -, mx2.test -');
  });

  // RFC 7672 §2.2.2.
  it('looks under the name an alias leads to, then under the alias', async () => {
    const alias = { 'mx1.test': 'real.test' };
    const hosts = ['mx1.test'];
    const real = await resolve({ hosts, alias, tlsa: { '_25._tcp.real.test': [keyRecord] } });
    assert.equal(real.told, 'mx1.test required real.test');
    const own = await resolve({ hosts, alias, tlsa: right });
    assert.equal(own.told, 'mx1.test required mx1.test');
    const half = await resolve({ hosts, alias, tlsa: right, insecure: ['real.test'] });
    assert.deepEqual(half.asked, ['_25._tcp.mx1.test']);
    assert.equal(half.told, 'mx1.test required mx1.test');
  });

  it('binds a next server that settings name', async () => {
    const relay = { route: { kind: 'host', host: 'hub.test', port: 587 } } as const;
    const tlsa = { '_587._tcp.hub.test': [keyRecord] };
    assert.equal((await resolve({ tlsa, relay })).told, 'hub.test required hub.test');
  });

  it('is left alone by settings, by `tls = "off"`, and by a message that says so', async () => {
    for (const world of [
      { relay: { dane: false } },
      { relay: { tls: 'off' } },
      { need: 'optional' },
    ] as const) {
      const { told, asked } = await resolve({ tlsa: right, ...world });
      assert.deepEqual([told, asked], ['mx1.test -, mx2.test -', []]);
    }
  });
});

describe('MTA-STS', () => {
  // RFC 8461 §5.
  it('leaves out hosts the policy does not name, and verifies the others', async () => {
    assert.equal((await resolve({ policy })).told, 'mx1.test verified');
    const none = await resolve({ policy: { ...policy, mx: ['*.other.test'] } });
    assert.equal(none.told, 'deferred 451 4.7.0');
  });

  it('changes nothing while it is tested or none', async () => {
    for (const mode of ['testing', 'none'] as const) {
      const { told } = await resolve({ policy: { ...policy, mode } });
      assert.equal(told, 'mx1.test -, mx2.test -');
    }
  });

  it('is waited for where it cannot be said whether there is one', async () => {
    assert.equal((await resolve({ policy: 'failed' })).told, 'deferred 451 4.3.0');
  });

  // RFC 8461 §2.
  it('gives way to DANE, host by host', async () => {
    const all = await resolve({ tlsa: right, policy });
    assert.equal(all.told, 'mx1.test required mx1.test, mx2.test required mx2.test');
    assert.equal(all.policiesAsked, 0);
    const second = await resolve({ tlsa: { '_25._tcp.mx2.test': [keyRecord] }, policy });
    assert.equal(second.told, 'mx1.test verified, mx2.test required mx2.test');
    assert.equal(second.policiesAsked, 1);
  });

  it('is asked for once a domain', async () => {
    assert.equal((await resolve({ policy })).policiesAsked, 1);
    assert.equal((await resolve({ policy, relay: { tls: 'off' } })).policiesAsked, 0);
  });
});

describe('a message that requires TLS', () => {
  // RFC 8689 §4.2.1.
  it('goes to hosts that DNSSEC or a policy proves, and to nobody else', async () => {
    const need = 'required';
    assert.equal((await resolve({ need })).told, 'mx1.test verified, mx2.test verified');
    assert.equal((await resolve({ need, tlsa: right })).told.includes('required mx1.test'), true);
    const insecure = ['x.test'];
    assert.equal((await resolve({ need, insecure })).told, 'failed 550 5.7.10');
    assert.equal((await resolve({ need, insecure, policy })).told, 'mx1.test verified');
    const testing: StsPolicy = { ...policy, mode: 'testing' };
    assert.equal((await resolve({ need, insecure, policy: testing })).told, 'mx1.test verified');
    const taken: StsPolicy = { ...policy, mode: 'none' };
    assert.equal((await resolve({ need, insecure, policy: taken })).told, 'failed 550 5.7.10');
    assert.equal((await resolve({ need }, '[8.8.8.8]')).told, 'failed 550 5.7.10');
  });

  it('goes to the next server of settings under a certificate that fits', async () => {
    const relay = { route: { kind: 'host', host: '192.0.2.1', port: 25 } } as const;
    const { dns } = dnsOf({});
    const router = new Router({
      ...{ relay: relayWays(relay), hostname: 'relay.test', dns, random: new SeededRandom(1) },
    });
    const fixed = router.fixed('x.test', 'required')!;
    assert.equal(fixed.targets[0]!.tls?.mode, 'verified');
    assert.equal(fixed.handshake.needsRequireTls, true);
    assert.notEqual(fixed.key, router.fixed('x.test')!.key);
  });
});

it('connections are shared by domains that ask the same of the same hosts only', async () => {
  const plain = await resolve({});
  const dane = await resolve({ tlsa: right });
  const sts = await resolve({ policy: { ...policy, mx: ['*.test'] } });
  const needy = await resolve({ need: 'required' });
  const keys = [plain.key, dane.key, sts.key, needy.key];
  assert.equal(new Set(keys).size, 4, keys.join('\n'));
  assert.equal((await resolve({ tlsa: right }, 'y.test')).key, dane.key);
  const sites = [plain, dane, sts, needy].map(({ found }) => (found.ok ? found.site : ''));
  assert.equal(new Set(sites).size, 1, 'their limits are the same');
  // Under a trust anchor a certificate may be for the recipients' domain.
  const anchored = { tlsa: { ...right, '_25._tcp.mx1.test': [anchorRecord] } };
  assert.notEqual((await resolve(anchored)).key, (await resolve(anchored, 'y.test')).key);
});
