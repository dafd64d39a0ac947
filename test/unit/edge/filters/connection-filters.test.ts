/**
 * Aim: what each filter finds about a stranger (lists: RFC 5782; names of addresses: RFC 8601 §3), what it adds up to,
 *      and that nothing that fails counts.
 * Method: filters by themselves, on a DNS of the test and a clock that is turned by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLocalName } from '../../../../src/edge/filters/helo.ts';
import type { Dns, DnsAnswer } from '../../../../src/ports/dns.ts';
import { filterWorld } from '../../../support/filter-world.ts';
import { SeededClock, turns } from '../../../support/seeded-clock.ts';
import type { Zone } from '../../../support/zone-dns.ts';

const lists = JSON.stringify({
  zen: {
    zone: 'zen.test',
    answers: { '127.0.0.2-3': 5, '127.0.0.10': 2, '127.0.1.&6': 1, '127.0.9.0/24': 'reject' },
  },
  plain: { zone: 'plain.test', points: 3 },
  good: { zone: 'good.test', points: -4 },
});

async function listed(records: Zone, address = '192.0.2.9', more: Record<string, string> = {}) {
  const world = filterWorld({ given: { lists, ...more }, zone: records });
  const peer = world.filters.begin(address)!;
  return { ...world, peer, verdict: await peer.judge('mail.far.test') };
}

const a = (...addresses: string[]) => addresses.map((A) => ({ A }));

test('answers of a list are worth what the rules that fit say, each once', async () => {
  const of = async (...codes: string[]) =>
    (await listed({ '9.2.0.192.zen.test': a(...codes) })).verdict.marks;
  assert.deepEqual(await of('127.0.0.2'), { points: 5, words: ['list:zen=5'] });
  assert.equal((await of('127.0.0.2', '127.0.0.3')).points, 5);
  assert.equal((await of('127.0.0.2', '127.0.0.10')).points, 7);
  assert.equal((await of('127.0.1.4')).points, 1);
  assert.equal((await of('127.0.1.9')).points, 0, 'none of the bits');
  assert.equal((await of('127.0.0.4')).points, 0, 'no rule, and no points of its own');
  assert.deepEqual((await of('127.0.9.200')).words, ['list:zen=reject']);
});

test('points of lists add up, and those that speak for a client count against', async () => {
  const { verdict, dns } = await listed(
    { '9.2.0.192.plain.test': a('127.0.0.99'), '9.2.0.192.good.test': a('127.0.5.2') },
    '192.0.2.9',
    { rejectPoints: '3' },
  );
  assert.deepEqual(verdict.marks, { points: -1, words: ['list:plain=3', 'list:good=-4'] });
  assert.equal(verdict.refusedBy, undefined);
  assert.equal(dns.asked.length, 5, 'each list, those that know it whether they know everybody');
});

test('from so many points on a client is refused, in the words of what weighs most', async () => {
  const { verdict, peer } = await listed(
    {
      '9.2.0.192.zen.test': [...a('127.0.0.2'), { TXT: 'https://zen.test/q\r\nwhy' }],
      '9.2.0.192.plain.test': a('127.0.0.2'),
    },
    '192.0.2.9',
    { rejectPoints: '8' },
  );
  assert.equal(verdict.marks.points, 8);
  const why = await peer.whyOf(verdict.refusedBy!);
  assert.equal(why, '192.0.2.9 is listed by zen.test: https://zen.test/q??why');
});

test('one point less, and it is not', async () => {
  const zone = { '9.2.0.192.zen.test': a('127.0.0.2') };
  const { verdict } = await listed(zone, '192.0.2.9', { rejectPoints: '6' });
  assert.equal(verdict.refusedBy, undefined);
});

test('an IPv6 address is asked by its nibbles, a mapped one as the IPv4 address it is', async () => {
  const name = '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.plain.test';
  assert.equal((await listed({ [name]: a('127.0.0.2') }, '2001:db8::1')).verdict.marks.points, 3);
  const mapped = await listed({ '9.2.0.192.plain.test': a('127.0.0.2') }, '::ffff:192.0.2.9');
  assert.equal(mapped.verdict.marks.points, 3);
});

test('a list that is gone, refuses, fails or lists everybody lists nobody', async () => {
  const gone = await listed({ '9.2.0.192.plain.test': a('203.0.113.7') });
  assert.deepEqual(gone.verdict.marks, { points: 0, words: [] });
  const refusing = await listed({ '9.2.0.192.plain.test': a('127.255.255.254', '127.0.0.2') });
  assert.deepEqual(refusing.verdict.marks.words, []);
  assert.deepEqual(refusing.told, ['failed list:plain']);
  // RFC 5782 §5: the test entry that no list has.
  const everybody = {
    '9.2.0.192.plain.test': a('127.0.0.2'),
    '1.0.0.127.plain.test': a('127.0.0.2'),
  };
  const dead = await listed(everybody);
  assert.deepEqual([dead.verdict.marks.points, dead.told], [0, ['failed list:plain']]);
  const failing = await listed({ '9.2.0.192.zen.test': ['TIMEOUT'] });
  assert.deepEqual([failing.verdict.marks.points, failing.told], [0, ['failed list:zen']]);
});

test('look-ups that take too long count nothing, and others count all the same', async () => {
  const clock = new SeededClock();
  const never = new Promise<never>(() => {});
  const answer: DnsAnswer<string> = {
    ...{ ok: true, records: ['127.0.0.2'], ttlSeconds: 60, secure: false },
  };
  const dns = {
    a: async (name: string) => {
      if (name.startsWith('1.0.0.127.')) return { ok: false, reason: 'missing' };
      return name.endsWith('plain.test') ? answer : await never;
    },
  } as unknown as Dns;
  const { filters, told } = filterWorld({
    given: { lists, lookUpMsMax: '500ms' },
    clock,
    parts: { dns },
  });
  const peer = filters.begin('192.0.2.9')!;
  let points: number | undefined;
  void peer.judge('mail.far.test').then(({ marks }) => {
    points = marks.points;
  });
  await turns(3);
  clock.advance(499);
  await turns(3);
  assert.equal(points, undefined);
  clock.advance(1);
  await turns(3);
  assert.equal(points, 3);
  assert.deepEqual(told.toSorted(), ['failed list:good', 'failed list:zen', 'found list:plain']);
  assert.equal(clock.timerCount, 0);
});

test('a look-up that throws counts nothing', async () => {
  const throwing = async () => {
    throw new Error('a bug');
  };
  const dns = { a: throwing, ptr: throwing, aaaa: throwing, mx: throwing } as unknown as Dns;
  const given = { lists, 'reverse.missing': '1', 'helo.unresolved': '1' };
  const { filters } = filterWorld({ given, parts: { dns } });
  const verdict = await filters.begin('192.0.2.9')!.judge('mail.far.test');
  assert.deepEqual(verdict.marks, { points: 0, words: [] });
});

async function named(name: string, given: Record<string, string>, zone: Zone = {}) {
  const { filters } = filterWorld({ given, zone });
  const { marks } = await filters.begin('192.0.2.9')!.judge(name);
  return marks.words.join(' ');
}

test('names by HELO are judged by what they are', async () => {
  const given = {
    'helo.notQualified': '1',
    'helo.bareAddress': '2',
    'helo.literalMismatch': '3',
    'helo.ownName': 'reject',
  };
  const cases = {
    'mail.far.test': '',
    'mail.far.test.': '',
    'a_b.far.test': '',
    'bücher.test': '',
    localhost: 'helo.notQualified=1',
    'what.is/this': 'helo.notQualified=1',
    'two..dots': 'helo.notQualified=1',
    '192.0.2.9': 'helo.bareAddress=2',
    '2001:db8::1': 'helo.bareAddress=2',
    '[192.0.2.9]': '',
    '[IPv6:::ffff:192.0.2.9]': '',
    '[192.0.2.10]': 'helo.literalMismatch=3',
    '[IPv6:2001:db8::1]': 'helo.literalMismatch=3',
    'MX.test': 'helo.ownName=reject',
    'Local.test': 'helo.ownName=reject',
    'x.local.test': '',
  };
  for (const [name, words] of Object.entries(cases)) {
    assert.equal(await named(name, given), words, name);
  }
});

test('whether a name is ours is asked of a directory that is an object of a class', async () => {
  class Domains {
    readonly #domains = new Set(['ours.test']);
    isLocalDomain(domain: string): boolean {
      return this.#domains.has(domain);
    }
  }
  assert.equal(await isLocalName(new Domains(), 'Ours.test.'), true);
  assert.equal(await isLocalName(new Domains(), 'far.test'), false);
});

test('a name is unresolved where the DNS says so of all types, and a failure says nothing', async () => {
  const given = { 'helo.unresolved': '2' };
  assert.equal(await named('x.far.test', given), 'helo.unresolved=2');
  for (const record of [{ A: '192.0.2.1' }, { AAAA: '2001:db8::1' }, { MX: [1, 'y.test'] }]) {
    assert.equal(await named('x.far.test', given, { 'x.far.test': [record] }), '');
  }
  assert.equal(await named('x.far.test', given, { 'x.far.test': ['TIMEOUT'] }), '');
  assert.equal(await named('localhost', given, {}), 'helo.unresolved=2');
  assert.equal(await named('[192.0.2.9]', given), '');
});

test('names that a client changes are looked up five times, then no more', async () => {
  const { filters, dns } = filterWorld({ given: { 'helo.unresolved': '1' } });
  const peer = filters.begin('192.0.2.9')!;
  for (let i = 0; i < 20; i++) await peer.judge(`n${i}.far.test`);
  assert.equal(dns.asked.length, 5 * 3);
  await peer.judge('n19.far.test');
  assert.equal(dns.asked.length, 5 * 3);
});

test('an address has a name that leads back to it, or not, or nobody can say', async () => {
  const given = { 'reverse.missing': '2', 'reverse.mismatch': '3' };
  const reverse = '9.2.0.192.in-addr.arpa';
  const of = (zone: Zone) => named('mail.far.test', given, zone);
  assert.equal(await of({}), 'reverse.missing=2');
  assert.equal(await of({ [reverse]: ['TIMEOUT'] }), '');
  const one = { [reverse]: [{ PTR: 'x.test' }] };
  assert.equal(await of(one), 'reverse.mismatch=3');
  assert.equal(await of({ ...one, 'x.test': a('192.0.2.8', '192.0.2.9') }), '');
  assert.equal(await of({ ...one, 'x.test': ['TIMEOUT'] }), '');
  const many = Array.from({ length: 9 }, (_, i) => ({ PTR: `n${i}.test` }));
  assert.equal(await of({ [reverse]: many, 'n4.test': a('192.0.2.9') }), '');
  assert.equal(await of({ [reverse]: many, 'n5.test': a('192.0.2.9') }), 'reverse.mismatch=3');
});

test('labels of an address are worth what settings say', async () => {
  const labels = { of: async () => ['country:xx', 'as:64496', 'other'] };
  const { filters } = filterWorld({
    given: { 'labels.points': 'country:xx=2,as:64496=reject', 'labels.file': import.meta.filename },
    parts: { labels },
  });
  const { marks } = await filters.begin('192.0.2.9')!.judge('mail.far.test');
  assert.deepEqual(marks.words, ['label:country:xx=2', 'label:as:64496=reject']);
});

test('what is on the allow list is asked nothing, nor anybody where no filter is set', () => {
  const { filters } = filterWorld({ given: { lists, allowNetworks: '192.0.2.0/24' } });
  assert.equal(filters.begin('192.0.2.9'), undefined);
  assert.notEqual(filters.begin('198.51.100.9'), undefined);
  assert.equal(filterWorld().filters.begin('192.0.2.9'), undefined);
});

test('any single setting turns filters on', () => {
  const given = [
    ['lists', lists],
    ['early.waitMs', '1s'],
    ['helo.ownName', '1'],
    ['reverse.mismatch', '-1'],
    ['greylist.mode', 'all'],
    ['rates.perSenderMax', '1'],
    ['rates.perNetworkMax', '1'],
  ] as const;
  for (const [name, value] of given) {
    const { filters } = filterWorld({ given: { [name]: value } });
    assert.notEqual(filters.begin('192.0.2.9'), undefined, name);
  }
});

test('what is told onwards is bounded in number and length', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [
      `l${i}${'x'.repeat(58)}`,
      { zone: `l${i}.test`, points: 1 },
    ]),
  );
  const zone = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`9.2.0.192.l${i}.test`, a('127.0.0.2')]),
  );
  const { filters } = filterWorld({ given: { lists: JSON.stringify(many) }, zone });
  const { marks } = await filters.begin('192.0.2.9')!.judge('mail.far.test');
  assert.equal(marks.points, 60);
  assert.equal(marks.words.length, 32);
  assert.ok(marks.words.every((word) => word.length <= 80));
});
