/** Aim: the stub resolver keeps the contract over a real wire, and what is its own: cache, flight, faults. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDns } from '../../src/adapters/node/dns.ts';
import { nodeRandom } from '../../src/adapters/node/random.ts';
import type { Network } from '../../src/base/networks.ts';
import type { Dns } from '../../src/ports/dns.ts';
import type { DnsBehaviour } from '../support/dns-server.ts';
import { DnsServer } from '../support/dns-server.ts';
import { SeededClock } from '../support/seeded-clock.ts';
import { contractZone, dnsContract } from './dns.ts';

function stub(servers: readonly DnsServer[], clock = new SeededClock(), timeoutMs = 2_000): Dns {
  return createDns({
    settings: { servers: servers.map(({ port }) => ({ host: '127.0.0.1', port })), timeoutMs },
    clock,
    random: nodeRandom,
  });
}

const one = (ttl: number): DnsBehaviour => ({
  answers: [{ name: 'x.test', type: 'A', ttl, data: '192.0.2.7' }],
});

async function outcome(answer: ReturnType<Dns['a']>): Promise<string> {
  const given = await answer;
  return given.ok ? given.records.join() : given.reason;
}

describe('the stub resolver', async () => {
  const shared = await new DnsServer(contractZone).start();
  dnsContract(async () => stub([shared]));

  it('asks once what is asked many times at once, and again when its TTL is over', async () => {
    await using server = await new DnsServer(() => one(10)).start();
    const clock = new SeededClock();
    const dns = stub([server], clock);
    await Promise.all([dns.a('x.test'), dns.a('X.test'), dns.a('x.test.')]);
    assert.equal(server.asked.length, 1);
    clock.advance(9_000);
    const answer = await dns.a('x.test');
    assert.ok(answer.ok && answer.ttlSeconds === 1);
    assert.equal(server.asked.length, 1);
    clock.advance(1_000);
    await dns.a('x.test');
    assert.equal(server.asked.length, 2);
  });

  // RFC 2308 §5.
  it('keeps what does not exist as long as the SOA says', async () => {
    const soa = { mname: 'a.test', rname: 'b.test', serial: 1, refresh: 1, retry: 1, expire: 1 };
    await using server = await new DnsServer(() => ({
      rcode: 'NXDOMAIN',
      authorities: [{ name: 'test', type: 'SOA', ttl: 900, data: { ...soa, minimum: 20 } }],
    })).start();
    const clock = new SeededClock();
    const dns = stub([server], clock);
    for (const advance of [0, 19_000, 1_000]) {
      clock.advance(advance);
      assert.equal(await outcome(dns.a('x.test')), 'missing');
    }
    assert.equal(server.asked.length, 2);
  });

  it('keeps a failure for a few seconds only', async () => {
    await using server = await new DnsServer(() => ({ rcode: 'SERVFAIL' })).start();
    const clock = new SeededClock();
    const dns = stub([server], clock);
    await dns.a('x.test');
    await dns.a('x.test');
    const { length } = server.asked;
    clock.advance(6_000);
    await dns.a('x.test');
    assert.equal(server.asked.length, 2 * length);
  });

  it('takes truncated answers over TCP', async () => {
    await using server = await new DnsServer(() => one(10)).start();
    server.truncated.add('A x.test');
    assert.equal(await outcome(stub([server]).a('x.test')), '192.0.2.7');
    assert.equal(server.asked.length, 2);
  });

  it('takes an answer that is cut off over TCP too for none, and not for an empty one', async () => {
    await using first = await new DnsServer(() => ({ fault: 'truncated' })).start();
    await using second = await new DnsServer(() => one(10)).start();
    assert.equal(await outcome(stub([first]).a('x.test')), 'failed');
    assert.equal(await outcome(stub([first, second]).a('x.test')), '192.0.2.7');
  });

  it('believes no answer with another id or question, nor garbage', async () => {
    for (const fault of ['wrong-id', 'wrong-question', 'garbage', 'silent'] as const) {
      await using server = await new DnsServer(() => ({ fault })).start();
      assert.equal(await outcome(stub([server], undefined, 60).a('x.test')), 'failed', fault);
    }
  });

  it('goes on to the next server where one is silent or refuses', async () => {
    for (const behaviour of [{ fault: 'silent' }, { rcode: 'REFUSED' }] as const) {
      await using first = await new DnsServer(() => behaviour).start();
      await using second = await new DnsServer(() => one(10)).start();
      assert.equal(await outcome(stub([first, second], undefined, 150).a('x.test')), '192.0.2.7');
    }
  });

  it('takes AD from a loopback resolver for secure', async () => {
    await using server = await new DnsServer(() => ({ ...one(10), secure: true })).start();
    const answer = await stub([server]).a('x.test');
    assert.ok(answer.ok && answer.secure);
  });

  // RFC 6840 §5.7.
  it('takes AD from another resolver only where settings trust it, for denials too', async () => {
    const denial = { ...one(10), answers: [], secure: true };
    await using server = await new DnsServer((question) =>
      question.startsWith('A ') ? { ...one(10), secure: true } : denial,
    ).start();
    // The kernel leads it to loopback; for the stub it is an address like any other.
    const elsewhere = { host: '0.0.0.0', port: server.port };
    const isSecure = async (trustedNetworks: readonly Network[]) => {
      const settings = { servers: [elsewhere], timeoutMs: 2_000, trustedNetworks };
      const dns = createDns({ settings, clock: new SeededClock(), random: nodeRandom });
      return [(await dns.a('x.test')).secure, (await dns.tlsa('x.test')).secure];
    };
    assert.deepEqual(await isSecure([]), [false, false]);
    const trusted: Network = { family: 4, address: '0.0.0.0', prefixBits: 32 };
    assert.deepEqual(await isSecure([trusted]), [true, true]);
  });

  it('takes an alias for proven only where every step of it is', async () => {
    const step = (name: string, data: string, secure: boolean): DnsBehaviour => ({
      ...{ answers: [{ name, type: 'CNAME', ttl: 9, data }], secure },
    });
    await using server = await new DnsServer((question) =>
      question === 'A alias.test'
        ? step('alias.test', 'x.test', false)
        : { ...one(9), secure: true },
    ).start();
    const answer = await stub([server]).a('alias.test');
    assert.ok(answer.ok && !answer.secure && answer.canonical === 'x.test');
  });

  it('knows localhost by itself', async () => {
    await using server = await new DnsServer(() => one(10)).start();
    assert.equal(await outcome(stub([server]).a('localhost')), '127.0.0.1');
    assert.equal(await outcome(stub([server]).aaaa('x.localhost')), '::1');
    assert.equal(server.asked.length, 0);
  });

  it('ends the shared server', async () => {
    await shared[Symbol.asyncDispose]();
  });
});
