/**
 * Zones of the differential test: SPF records, policies and keys of its domains, usual and odd, by chance.
 *
 * Runs in: tests.
 */

import type { SeededRandom } from '../seeded-clock.ts';
import type { ZoneRecord } from '../zone-dns.ts';
import { published } from './keys.ts';

export const domains: readonly string[] = [
  ...['far.test', 'mail.far.test', 'a.b.mail.far.test', 'bank.test', 'News.Bank.test'],
  ...['lists.example', 'one.two.three.four.five.six.seven.eight.example', 'xn--bcher-kva.test'],
];

export const addresses: readonly string[] = [
  ...['192.0.2.1', '192.0.2.200', '198.51.100.7', '::ffff:192.0.2.1'],
  ...['2001:db8::1', '2001:db8:0:1::25', 'fe80::1', '::1'],
];

const usualTerms = [
  ...['ip4:192.0.2.1', 'ip4:192.0.2.0/24', 'ip4:198.51.100.0/25', 'ip6:2001:db8::/32', 'a', 'mx'],
  ...['a:host.far.test', 'mx:bank.test', 'a/24', 'mx/28//64', 'a:host.far.test//48', 'MX'],
  ...[
    'include:far.test',
    'include:_spf.bank.test',
    'include:lists.example',
    'exists:%{ir}.dnsl.test',
  ],
  ...[
    'exists:%{l}._spf.%{d}',
    'exists:%{i}._spf.%{d2}',
    'a:%{o}',
    'include:%{d1r}.wide.test',
    'ip4:192.0.2.1/0',
  ],
  ...[
    'exists:%{s}.s.test',
    'a:%{v}.%{h}',
    'exists:%{L-}.u.test',
    'ip6:::1/128',
    'ip6:2001:DB8:0:1::/64',
  ],
];
const oddTerms = [
  ...[
    'ptr',
    'ptr:far.test',
    'ip4:192.0.2',
    'ip4:192.0.2.1/33',
    'ip6:::/129',
    'include',
    'include:',
    'a:',
  ],
  ...[
    'include:nowhere.test',
    'exists:%{p}.p.test',
    'a:%{x}.test',
    'foo',
    'foo:bar',
    'a:test',
    'a:%{l}.%%.test',
  ],
  ...[
    'include:loop.test',
    'redirect=loop.test',
    'exists:away.test',
    'a:away.test',
    'mx:many.test',
    'ip4:192.0.2.01',
  ],
  ...[
    'exp=%{d}.exp.test',
    'exp=exp.test',
    'note=some%%thing',
    'x=',
    'a:void1.test',
    'a:void2.test',
    'mx:void3.test',
  ],
  ...[
    'include:two.test',
    'mx:null.test',
    'exists:a..test',
    'a:host.far.test/024',
    'all:x',
    'exists:%{d0}.test',
  ],
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

const policies = [
  ...[
    'v=DMARC1; p=none',
    'v=DMARC1; p=reject; sp=none',
    'v=DMARC1;p=quarantine;adkim=s;aspf=s',
    'v=DMARC1; p=reject; rua=mailto:a@far.test',
  ],
  ...[
    'v=DMARC1; p=REJECT; np=reject; sp=quarantine',
    'v=DMARC1; p=reject; t=y',
    'v=DMARC1; p=none; psd=n',
  ],
  ...[
    'v=DMARC1; p=reject; adkim=S; pct=50; fo=1; ri=3600;',
    'v = DMARC1 ; p = reject',
    'v=DMARC1; sp=reject; p=none; np=quarantine',
  ],
];
const oddPolicies = [
  ...[
    'v=DMARC1',
    'v=DMARC1; p=maybe',
    'v=DMARC1; p=maybe; rua=mailto:a@far.test',
    'v=DMARC1; p=none; p=reject',
    'v=DMARC2; p=none',
  ],
  ...[
    'v=DMARC1; P=reject',
    'v=dmarc1; p=none',
    'v=DMARC1; p=reject; psd=y',
    'p=none; v=DMARC1',
    'v=DMARC1; p',
    'v=DMARC1; p=none; =x',
  ],
  ...[
    'v=DMARC1; p=none; sp=x',
    'v=DMARC1; p=none; sp',
    'V=DMARC1; p=reject; \u00a0',
    'v=DMARC1; rua=a@far.test',
    'TIMEOUT',
  ],
];

/** `isOdd`: with what is seldom met. */
export function zoneOf(random: SeededRandom, isOdd: boolean): Record<string, ZoneRecord[]> {
  const zone: Record<string, ZoneRecord[]> = {
    'host.far.test': [{ A: '192.0.2.1' }, { AAAA: '2001:db8::1' }],
    'other.far.test': [{ A: '192.0.2.77' }],
    '1.2.0.192.dnsl.test': [{ A: '127.0.0.2' }],
    'ann._spf.far.test': [{ A: '127.0.0.2' }],
    'away.test': ['TIMEOUT'],
    'null.test': [{ MX: [0, ''] }],
    'exp.test': [{ TXT: 'no %{i} here' }],
    'two.test': [{ TXT: 'v=spf1 -all' }, { TXT: 'v=spf1 +all' }],
    'loop.test': [{ TXT: 'v=spf1 a:void1.test include:loop.test' }],
    'many.test': Array.from({ length: 12 }, (_, i) => ({ MX: [i, `h${i}.many.test`] })),
    '_spf.bank.test': [{ TXT: record(random, false) }],
    'bank.wide.test': [{ TXT: 'v=spf1 ip4:192.0.2.1 ?all' }],
  };
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
    if (random.below(10) > 0) zone[domain] = records;
    if (random.below(3) > 0) {
      const policy = pick(random, isOdd && random.below(2) === 0 ? oddPolicies : policies);
      zone[`_dmarc.${domain}`] = [policy === 'TIMEOUT' ? policy : { TXT: policy }];
      if (isOdd && random.below(10) === 0)
        zone[`_dmarc.${domain}`]!.push({ TXT: 'v=DMARC1; p=none' });
    }
    for (const [selector, { record: text }] of Object.entries(published)) {
      if (text === undefined) continue;
      zone[`${selector}._domainkey.${domain}`] = [text === 'TIMEOUT' ? text : { TXT: text }];
    }
  }
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
