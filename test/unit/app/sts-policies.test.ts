/**
 * Aim:    policies are fetched when they should be, and hold as long as they say, whatever fails meanwhile.
 * Method: a clock turned by hand, hosts and a DNS that answer what the test says, tables in memory.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MemoryIndex } from '../../../src/adapters/memory/memory-index.ts';
import { StsPolicies } from '../../../src/app/sts-policies.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { DnsAnswer } from '../../../src/ports/dns.ts';
import type { PolicyText } from '../../../src/ports/policy-hosts.ts';
import { SeededClock } from '../../support/seeded-clock.ts';
import { ZoneDns } from '../../support/zone-dns.ts';

const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;

function textOf(mx: string, maxAge = 10 * 86_400, mode = 'enforce'): PolicyText {
  const text = `version: STSv1\r\nmode: ${mode}\r\nmx: ${mx}\r\nmax_age: ${maxAge}\r\n`;
  return { ok: true, text };
}

class World {
  readonly clock = new SeededClock();
  readonly table = new MemoryIndex();
  /** TXT records by domain. */
  records: Record<string, string | 'TIMEOUT'> = { 'x.test': 'v=STSv1; id=1' };
  answer: PolicyText | Promise<PolicyText> = textOf('mx1.test');
  fetched: string[] = [];
  isBroken = false;
  policies = this.open();

  /** As after a restart. */
  open(): StsPolicies {
    this.policies = new StsPolicies({
      dns: Object.assign(new ZoneDns({}), {
        txt: async (name: string): Promise<DnsAnswer<string>> => {
          const text = this.records[name.replace('_mta-sts.', '')];
          if (text === 'TIMEOUT') return { ok: false, reason: 'failed', detail: '' };
          if (text === undefined) return { ok: false, reason: 'missing', detail: '' };
          return { ok: true, records: [text], ttlSeconds: 60, secure: false };
        },
      }),
      hosts: {
        fetch: async (domain) => {
          this.fetched.push(domain);
          return await this.answer;
        },
      },
      clock: this.clock,
      log: silentLog,
      openTable: () => {
        if (this.isBroken) throw new Error('no such disk');
        return this.table;
      },
    });
    return this.policies;
  }

  async mx(domain = 'x.test'): Promise<string> {
    const policy = await this.policies.of(domain);
    return policy === undefined || policy === 'failed' ? String(policy) : policy.mx.join();
  }
}

it('a policy is fetched once, and again when its record has another id', async () => {
  const world = new World();
  assert.deepEqual([await world.mx(), await world.mx()], ['mx1.test', 'mx1.test']);
  assert.equal(world.fetched.length, 1);
  world.answer = textOf('mx2.test');
  world.records['x.test'] = 'v=STSv1; id=2';
  assert.equal(await world.mx(), 'mx2.test');
  assert.equal(world.fetched.length, 2);
});

it('a domain without a record is asked for nothing', async () => {
  const world = new World();
  world.records = {};
  assert.equal(await world.mx(), 'undefined');
  world.records = { 'x.test': 'TIMEOUT' };
  assert.equal(await world.mx(), 'undefined');
  assert.deepEqual(world.fetched, []);
});

it('those who ask at once wait for one fetch', async () => {
  const world = new World();
  const all = await Promise.all([world.mx(), world.mx(), world.mx()]);
  assert.deepEqual(all, ['mx1.test', 'mx1.test', 'mx1.test']);
  assert.equal(world.fetched.length, 1);
});

// RFC 8461 §3.3.
it('a fetch that failed is left alone for five minutes, and mail goes as without a policy', async () => {
  const world = new World();
  world.answer = { ok: false, detail: 'status 404' };
  assert.equal(await world.mx(), 'undefined');
  world.clock.advance(4 * minuteMs);
  world.answer = textOf('mx1.test');
  assert.equal(await world.mx(), 'undefined');
  world.clock.advance(2 * minuteMs);
  assert.equal(await world.mx(), 'mx1.test');
  assert.equal(world.fetched.length, 2);
  world.answer = { ok: true, text: '<h1>Welcome</h1>' };
  world.records['y.test'] = 'v=STSv1; id=1';
  assert.equal(await world.mx('y.test'), 'undefined');
});

// RFC 8461 §5.1.
it('a policy holds until its end, though record and host be gone, over a restart as well', async () => {
  const world = new World();
  await world.mx();
  world.answer = { ok: false, detail: 'connection refused' };
  for (const record of ['v=STSv1; id=2', 'TIMEOUT', undefined, 'v=STSv1; id=1']) {
    if (record === undefined) delete world.records['x.test'];
    else world.records['x.test'] = record;
    assert.equal(await world.mx(), 'mx1.test', record);
  }
  world.open();
  world.clock.advance(10 * dayMs - minuteMs);
  assert.equal(await world.mx(), 'mx1.test');
  world.clock.advance(minuteMs);
  delete world.records['x.test'];
  assert.equal(await world.mx(), 'undefined');
  world.open();
  await world.mx();
  assert.equal(world.policies.count, 0, 'it is gone from the table, too');
});

// RFC 8461 §10.2.
it('a policy is fetched again before its end, while the old one serves', async () => {
  const world = new World();
  await world.mx();
  world.clock.advance(dayMs + minuteMs);
  const late = Promise.withResolvers<PolicyText>();
  world.answer = late.promise;
  assert.deepEqual([await world.mx(), await world.mx()], ['mx1.test', 'mx1.test']);
  assert.equal(world.fetched.length, 2);
  late.resolve(textOf('mx3.test'));
  await late.promise;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await world.mx(), 'mx3.test');
  assert.equal(world.fetched.length, 2);
});

it('the oldest policies go when there are too many', async () => {
  const world = new World();
  for (let at = 0; at < 20_005; at++) world.records[`d${at}.test`] = 'v=STSv1; id=1';
  for (let at = 0; at < 20_005; at++) await world.mx(`d${at}.test`);
  assert.equal(world.policies.count, 20_000);
  world.open();
  await world.mx('d20004.test');
  assert.equal(world.policies.count, 20_000);
  assert.equal(world.fetched.length, 20_005);
});

it('past the fetches that may be under way mail waits', async () => {
  const world = new World();
  const late = Promise.withResolvers<PolicyText>();
  world.answer = late.promise;
  const open: Promise<string>[] = [];
  for (let at = 0; at < 256; at++) {
    world.records[`d${at}.test`] = 'v=STSv1; id=1';
    open.push(world.mx(`d${at}.test`));
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await world.mx(), 'failed');
  late.resolve(textOf('mx1.test'));
  assert.equal(
    (await Promise.all(open)).every((mx) => mx === 'mx1.test'),
    true,
  );
  assert.equal(await world.mx(), 'mx1.test');
});

it('a table that cannot be opened costs nothing but what it kept', async () => {
  const world = new World();
  world.isBroken = true;
  assert.deepEqual([await world.mx(), await world.mx()], ['mx1.test', 'mx1.test']);
  assert.equal(world.fetched.length, 1);
});

it('RFC 8460 §4.3.2.2: what keeps a policy from being fetched is told, by kind', async () => {
  const world = new World();
  const told: string[] = [];
  world.policies.tell = ({ domains, sinceMs }) => {
    assert.equal(sinceMs, world.clock.nowMs());
    for (const { domain, policies } of domains) {
      const [{ policy, successes, failures }] = policies as [(typeof policies)[0]];
      const [{ resultType, host, reason, count }] = failures as [(typeof failures)[0]];
      assert.deepEqual([policy.type, policy.domain, successes, count], ['sts', domain, 0, 1]);
      told.push(`${domain} ${resultType} ${host} ${reason}`);
    }
  };
  for (const answer of [
    { ok: true, text: 'hello' },
    { ok: false, detail: 'status 404' },
    { ok: false, detail: 'expired', isUntrusted: true },
    textOf('mx1.test'),
  ] as const) {
    world.answer = answer;
    await world.mx();
    world.clock.advance(5 * minuteMs);
  }
  assert.deepEqual(told, [
    'x.test sts-policy-invalid mta-sts.x.test it is no policy',
    'x.test sts-policy-fetch-error mta-sts.x.test status 404',
    'x.test sts-webpki-invalid mta-sts.x.test expired',
  ]);
});
