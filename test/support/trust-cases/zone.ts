/**
 * Zones of the differential test: SPF records, policies and keys of its domains, usual and odd, by chance.
 *
 * Runs in: tests.
 */

import type { SeededRandom } from '../seeded-clock.ts';
import type { ZoneRecord } from '../zone-dns.ts';
import { published } from './keys.ts';
import { oddPolicies, oddTerms, usualPolicies, usualTerms } from './texts.ts';

export const domains: readonly string[] = [
  ...['far.test', 'mail.far.test', 'a.b.mail.far.test', 'bank.test', 'News.Bank.test'],
  ...['lists.example', 'one.two.three.four.five.six.seven.eight.example', 'xn--bcher-kva.test'],
];

export const addresses: readonly string[] = [
  ...['192.0.2.1', '192.0.2.200', '198.51.100.7', '::ffff:192.0.2.1'],
  ...['2001:db8::1', '2001:db8:0:1::25', 'fe80::1', '::1'],
];

/** Names that addresses have, true ones among them. */
export const reverses: readonly (readonly ZoneRecord[])[] = [
  [{ PTR: 'host.far.test' }],
  [{ PTR: 'far.test' }, { PTR: 'Host.Far.Test' }],
  [{ PTR: 'bank.test' }, { PTR: 'x.bank.test' }, { PTR: 'host.far.test' }],
  [...Array.from({ length: 10 }, (_, i) => ({ PTR: `h${i}.far.test` })), { PTR: 'host.far.test' }],
  [...Array.from({ length: 9 }, (_, i) => ({ PTR: `h${i}.far.test` })), { PTR: 'host.far.test' }],
];
/** Names that nobody should have, or that cannot be looked at. */
export const oddReverses: readonly (readonly ZoneRecord[])[] = [
  [{ PTR: 'host.far.test.' }],
  [{ PTR: 'xn--zz--9.far.test' }, { PTR: 'host.far.test' }],
  [{ PTR: 'away.test' }, { PTR: 'host.far.test' }],
  [{ PTR: 'away.far.test' }, { PTR: 'host.far.test' }],
  [{ PTR: 'a_b.far.test' }, { PTR: 'host.far.test' }],
  [{ PTR: '' }, { PTR: '.' }, { PTR: 'xfar.test' }, { PTR: 'b\u00fccher.far.test' }],
  [{ PTR: '192.0.2.1' }, { PTR: 'host far.test' }, { PTR: 'test' }],
  ['TIMEOUT'],
];
export const reverseNames: readonly string[] = [
  '1.2.0.192.in-addr.arpa',
  '7.100.51.198.in-addr.arpa',
  `${'1.'.padEnd(48, '0.')}8.b.d.0.1.0.0.2.ip6.arpa`,
];

const ends = [
  '-all',
  '~all',
  '?all',
  '+all',
  '',
  '',
  'redirect=bank.test',
  'redirect=_spf.bank.test',
];

/** What the terms of `texts.ts` ask for. */
export const fixedRecords: Readonly<Record<string, ZoneRecord[]>> = {
  'host.far.test': [{ A: '192.0.2.1' }, { AAAA: '2001:db8::1' }],
  'other.far.test': [{ A: '192.0.2.77' }],
  '1.2.0.192.dnsl.test': [{ A: '127.0.0.2' }],
  'ann._spf.far.test': [{ A: '127.0.0.2' }],
  'b.o.b%2Bx%3Dy.u.test': [{ A: '127.0.0.2' }],
  'in-addr.mx.far.test': [{ A: '192.0.2.1' }],
  'in-addr.localhost': [{ A: '192.0.2.1' }],
  'away.test': ['TIMEOUT'],
  'a_b.far.test': [{ TXT: 'v=spf1 ptr -all' }],
  'away.far.test': ['TIMEOUT'],
  'null.test': [{ MX: [0, ''] }],
  'order.test': [{ MX: [20, 'host.far.test'] }, { MX: [10, 'away.test'] }],
  'exp.test': [{ TXT: 'no %{i} here' }],
  'two.test': [{ TXT: 'v=spf1 -all' }, { TXT: 'v=spf1 +all' }],
  'loop.test': [{ TXT: 'v=spf1 a:void1.test include:loop.test' }],
  'many.test': Array.from({ length: 12 }, (_, i) => ({ MX: [i, `h${i}.many.test`] })),
  'bank.wide.test': [{ TXT: 'v=spf1 ip4:192.0.2.1 ?all' }],
};

/** Of a suffix that others' domains are below. */
const suffixPolicies = [
  'v=DMARC1; p=reject; psd=y; rua=mailto:a@far.test',
  'v=DMARC1; p=none; psd=y; np=reject',
  'v=DMARC1; p=none; rua=mailto:a@far.test',
];

/** `isOdd`: with what is seldom met. */
export function zoneOf(random: SeededRandom, isOdd: boolean): Record<string, ZoneRecord[]> {
  const zone: Record<string, ZoneRecord[]> = {
    ...fixedRecords,
    '_spf.bank.test': [{ TXT: record(random, false) }],
  };
  if (random.below(6) === 0) zone['_dmarc.test'] = [{ TXT: pick(random, suffixPolicies) }];
  if (random.below(3) === 0) zone[`_dmarc.${domains[6]!.slice(4)}`] = [{ TXT: 'v=DMARC1; p=none' }];
  for (const name of reverseNames) {
    const isOddName = isOdd && random.below(2) === 0;
    if (random.below(4) > 0) zone[name] = [...pick(random, isOddName ? oddReverses : reverses)];
  }
  for (const given of domains) {
    const domain = given.toLowerCase();
    const records: ZoneRecord[] = [
      { TXT: 'some=verification' },
      { A: pick(random, ['192.0.2.1', '192.0.2.9']) },
    ];
    if (random.below(3) === 0)
      records.push({ MX: [20, 'other.far.test'] }, { MX: [10, 'host.far.test'] });
    if (random.below(3) === 0) records.push({ AAAA: '2001:db8::1' });
    if (random.below(8) > 0) records.push({ TXT: record(random, isOdd) });
    if (isOdd && random.below(12) === 0) records.push({ TXT: 'v=spf1 -all' });
    if (random.below(5) > 0) zone[domain] = records;
    if (random.below(3) > 0) {
      const policy = pick(random, isOdd && random.below(2) === 0 ? oddPolicies : usualPolicies);
      zone[`_dmarc.${domain}`] = [policy === 'TIMEOUT' ? policy : { TXT: policy }];
      if (isOdd && random.below(10) === 0)
        zone[`_dmarc.${domain}`]!.push({ TXT: 'v=DMARC1; p=none' });
    }
    for (const [selector, { record: text }] of Object.entries(published)) {
      if (text === undefined) continue;
      zone[`${selector}._domainkey.${domain}`] = [text === 'TIMEOUT' ? text : { TXT: text }];
    }
  }
  if (isOdd) scramble(zone, random);
  return zone;
}

export function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[random.below(from.length)]!;
}

function record(random: SeededRandom, isOdd: boolean): string {
  const terms: string[] = [];
  for (let count = random.below(5); count > 0; count--) {
    const qualifier = pick(random, ['', '', '', '+', '-', '~', '?']);
    const isOddTerm = isOdd && random.below(4) === 0;
    terms.push(isOddTerm ? pick(random, oddTerms) : qualifier + pick(random, usualTerms));
  }
  terms.push(pick(random, ends));
  return `v=spf1 ${terms.join(pick(random, [' ', ' ', '  ']))}`.trimEnd();
}

/** Some texts with characters changed, left out or put in, mostly to such as mean something. */
function scramble(zone: Record<string, ZoneRecord[]>, random: SeededRandom): void {
  const special = ' \t;=:/.%{}~-+?@"\\\u0000\u00e9ave1pl0';
  for (const [name, records] of Object.entries(zone)) {
    zone[name] = records.map((given) => {
      if (given === 'TIMEOUT' || typeof given.TXT !== 'string' || random.below(6) > 0) return given;
      const at = random.below(given.TXT.length + 1);
      const text = random.below(3) === 0 ? '' : special[random.below(special.length)]!;
      const left = given.TXT.slice(at + random.below(2));
      return { TXT: given.TXT.slice(0, at) + text + left };
    });
  }
}
