/** What every adapter of `ports/dns.ts` keeps, given an adapter that sees these records. */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { it } from 'node:test';
import type { Answer } from 'dns-packet';
import type { Dns } from '../../src/ports/dns.ts';
import type { DnsBehaviour } from '../support/dns-server.ts';

const ttl = 300;

const zone: Readonly<Record<string, readonly Answer[]>> = {
  'MX many.test': [
    { name: 'many.test', type: 'MX', ttl, data: { preference: 20, exchange: 'b.many.test' } },
    { name: 'many.test', type: 'MX', ttl: 60, data: { preference: 10, exchange: 'a.many.test' } },
  ],
  'MX null.test': [{ name: 'null.test', type: 'MX', ttl, data: { preference: 0, exchange: '.' } }],
  'A host.test': [{ name: 'host.test', type: 'A', ttl, data: '192.0.2.1' }],
  'AAAA host.test': [{ name: 'host.test', type: 'AAAA', ttl, data: '2001:db8::1' }],
  'TXT text.test': [{ name: 'text.test', type: 'TXT', ttl, data: ['v=spf1 ', 'include:ü -all'] }],
  'PTR 1.2.0.192.in-addr.arpa': [
    { name: '1.2.0.192.in-addr.arpa', type: 'PTR', ttl, data: 'host.test' },
  ],
  'PTR 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa': [
    {
      name: '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
      type: 'PTR',
      ttl,
      data: 'host.test',
    },
  ],
  'SRV _imaps._tcp.host.test': [
    {
      ...{ name: '_imaps._tcp.host.test', type: 'SRV', ttl },
      data: { priority: 10, weight: 1, port: 993, target: 'mail.host.test' },
    },
  ],
  'SRV _pop3._tcp.host.test': [
    {
      ...{ name: '_pop3._tcp.host.test', type: 'SRV', ttl },
      data: { priority: 0, weight: 0, port: 0, target: '.' },
    },
  ],
  'TLSA _25._tcp.host.test': [
    {
      ...{ name: '_25._tcp.host.test', type: 'TLSA', ttl },
      data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32, 7) },
    },
  ],
  'CNAME alias.test': [{ name: 'alias.test', type: 'CNAME', ttl, data: 'other.test' }],
  'A alias.test': [
    { name: 'alias.test', type: 'CNAME', ttl: 30, data: 'Other.test' },
    { name: 'other.test', type: 'A', ttl, data: '192.0.2.2' },
  ],
  'A half.test': [{ name: 'half.test', type: 'CNAME', ttl, data: 'host.test' }],
  'A circle.test': [
    { name: 'circle.test', type: 'CNAME', ttl, data: 'circle2.test' },
    { name: 'circle2.test', type: 'CNAME', ttl, data: 'circle.test' },
  ],
};

/** The records of the contract, for a name server to answer with. */
export function contractZone(question: string): DnsBehaviour {
  const step = /^A endless(\d+)\.test$/.exec(question);
  if (step !== null) {
    const at = Number(step[1]);
    return {
      answers: [{ name: `endless${at}.test`, type: 'CNAME', ttl, data: `endless${at + 1}.test` }],
    };
  }
  const answers = zone[question];
  if (answers !== undefined) return { answers };
  if (question.endsWith('broken.test')) return { rcode: 'SERVFAIL' };
  const isKnown = Object.keys(zone).some((each) => each.endsWith(question.split(' ')[1]!));
  return isKnown ? { answers: [] } : { rcode: 'NXDOMAIN' };
}

export function dnsContract(open: () => Promise<Dns>): void {
  it('gives MX records as they are, with the smallest TTL', async () => {
    const answer = await (await open()).mx('many.test');
    assert.ok(answer.ok);
    assert.deepEqual(
      [...answer.records].sort((a, b) => a.preference - b.preference),
      [
        { preference: 10, exchange: 'a.many.test' },
        { preference: 20, exchange: 'b.many.test' },
      ],
    );
    assert.equal(answer.ttlSeconds, 60);
  });

  it('gives a null MX as an empty name', async () => {
    const answer = await (await open()).mx('null.test');
    assert.ok(answer.ok);
    assert.deepEqual(answer.records, [{ preference: 0, exchange: '' }]);
  });

  it('gives addresses, and names of addresses', async () => {
    const dns = await open();
    const records = async (answer: ReturnType<Dns['a']>) => {
      const { ok, ...rest } = await answer;
      assert.ok(ok && 'records' in rest);
      return rest.records;
    };
    assert.deepEqual(await records(dns.a('host.test')), ['192.0.2.1']);
    assert.deepEqual(await records(dns.a('HOST.test.')), ['192.0.2.1']);
    assert.deepEqual(await records(dns.aaaa('host.test')), ['2001:db8::1']);
    assert.deepEqual(await records(dns.ptr('192.0.2.1')), ['host.test']);
    assert.deepEqual(await records(dns.ptr('2001:db8::1')), ['host.test']);
  });

  // RFC 2782.
  it('gives services, and those there are not with an empty name', async () => {
    const dns = await open();
    const there = await dns.srv('_imaps._tcp.host.test');
    assert.ok(there.ok);
    const record = { priority: 10, weight: 1, port: 993, target: 'mail.host.test' };
    assert.deepEqual(there.records, [record]);
    const none = await dns.srv('_pop3._tcp.host.test');
    assert.ok(none.ok);
    assert.equal(none.records[0]!.target, '');
  });

  it('joins the strings of a text record', async () => {
    const answer = await (await open()).txt('text.test');
    assert.ok(answer.ok);
    assert.deepEqual(answer.records, ['v=spf1 include:ü -all']);
  });

  // RFC 6698 §2.1.
  it('gives what certificates of a service must be', async () => {
    const answer = await (await open()).tlsa('_25._tcp.host.test');
    assert.ok(answer.ok);
    const [{ data, ...rest } = { data: Buffer.alloc(0) }] = answer.records;
    assert.deepEqual(rest, { usage: 3, selector: 1, matching: 1 });
    assert.deepEqual(Buffer.from(data), Buffer.alloc(32, 7));
  });

  it('gives an alias for itself', async () => {
    const answer = await (await open()).cname('alias.test');
    assert.ok(answer.ok);
    assert.deepEqual(answer.records, ['other.test']);
  });

  it('follows aliases, answered at once or not', async () => {
    const dns = await open();
    const whole = await dns.a('alias.test');
    assert.ok(whole.ok);
    assert.deepEqual(whole.records, ['192.0.2.2']);
    assert.equal(whole.ttlSeconds, 30);
    assert.equal(whole.canonical, 'other.test');
    const half = await dns.a('half.test');
    assert.ok(half.ok);
    assert.deepEqual(half.records, ['192.0.2.1']);
  });

  it('tells what does not exist from what is empty and from what failed', async () => {
    const dns = await open();
    const reason = async (answer: ReturnType<Dns['a']>) => {
      const given = await answer;
      return given.ok ? 'ok' : given.reason;
    };
    assert.equal(await reason(dns.a('nowhere.test')), 'missing');
    assert.equal(await reason(dns.a('many.test')), 'empty');
    assert.equal(await reason(dns.a('broken.test')), 'failed');
    assert.equal(await reason(dns.a('circle.test')), 'failed');
    assert.equal(await reason(dns.a('endless0.test')), 'failed');
    assert.equal(await reason(dns.a('no name.test')), 'missing');
    assert.equal(await reason(dns.a(`${'x'.repeat(64)}.test`)), 'missing');
    assert.equal(await reason(dns.ptr('no address')), 'missing');
  });
}
