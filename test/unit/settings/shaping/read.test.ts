/** Shaping files: what is right is read as it stands, what is wrong is told with its line and what to do. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergedShaping } from '../../../../src/settings/shaping/merge.ts';
import { readShaping } from '../../../../src/settings/shaping/read.ts';
import {
  noShaping,
  parseRate,
  shapingBounds,
  writeRate,
} from '../../../../src/settings/shaping/rules.ts';

function faultsOf(content: string): string[] {
  return readShaping(content, 'own.toml').faults.map(
    ({ line, path, reason }) => `${line} ${path} ${reason}`,
  );
}

test('a file of every kind of rule is read', () => {
  const { faults, providers, limits, responses, off } = readShaping(
    `
[providers.acme]
mx = [".mx.acme.example", "in.acme.example"]

[[limits]]
provider = "acme"
source = ["s1", "s2"]
connectionsMax = 5
providerConnectionsMax = 20
messagesPerConnection = 50
messageRate = "100/min"
connectionRate = "5_000/h"

[[limits]]
tenant = "shop"
campaign = "news"
messageRate = "10/s"

[[responses]]
name = "acme-busy"
provider = "acme"
codes = 421
enhanced = ["4.7.0"]
phrases = ["Too Busy"]
hits = 3
within = "10m"
suspend = "2h"
suspendTenant = "1h"
suspendCampaign = "30m"
slowBy = 4
slowFor = "30m"
switchSource = "1d"
class = "rate"
treat = "transient"

[[responses]]
name = "google-unusual-rate"
off = true
`,
    'own.toml',
  );
  assert.deepEqual(faults, []);
  assert.deepEqual(providers, [{ name: 'acme', mx: ['.mx.acme.example', 'in.acme.example'] }]);
  assert.deepEqual(limits[0], {
    name: 'own.toml:5',
    match: { provider: ['acme'], source: ['s1', 's2'] },
    limits: {
      connectionsMax: 5,
      providerConnectionsMax: 20,
      messagesPerConnection: 50,
      messageRate: { count: 100, perMs: 60_000 },
      connectionRate: { count: 5_000, perMs: 3_600_000 },
    },
  });
  assert.deepEqual(limits[1]!.match, { campaign: ['news'], tenant: ['shop'] });
  assert.deepEqual(responses, [
    {
      name: 'acme-busy',
      at: 'own.toml:19',
      match: { provider: ['acme'] },
      codes: [421],
      enhanced: ['4.7.0'],
      phrases: ['too busy'],
      hits: 3,
      withinMs: 600_000,
      suspendMs: 7_200_000,
      suspendTenantMs: 3_600_000,
      suspendCampaignMs: 1_800_000,
      slowBy: 4,
      slowMs: 1_800_000,
      switchSourceMs: 86_400_000,
      class: 'rate',
      treat: 'transient',
    },
  ]);
  assert.deepEqual(off, ['google-unusual-rate']);
});

const wrong: readonly (readonly [what: string, toml: string, told: RegExp])[] = [
  ['broken TOML', 'a = [', /^1 {2}/],
  ['an unknown table', '[limit]\n', /^1 limit is not known/],
  [
    'an unknown key',
    '[[limits]]\nconectionsMax = 4\n',
    /^2 limits\[0\].conectionsMax is not known here/,
  ],
  ['no limit', '[[limits]]\nsite = "a"\n', /^1 limits\[0\] limits nothing/],
  [
    'a rate of nothing',
    '[[limits]]\nmessageRate = "0/s"\n',
    /^2 limits\[0\].messageRate is no rate/,
  ],
  ['a rate by weeks', '[[limits]]\nmessageRate = "1/w"\n', /^2 limits\[0\].messageRate is no rate/],
  ['too few connections', '[[limits]]\nconnectionsMax = 0\n', /^2 .*whole number from 1/],
  ['half a connection', '[[limits]]\nconnectionsMax = 1.5\n', /^2 .*whole number from 1/],
  [
    'connections of a tenant',
    '[[limits]]\ntenant = "a"\nconnectionsMax = 1\n',
    /^3 .*cannot be of one tenant/,
  ],
  [
    'a provider nobody knows',
    '[[limits]]\nprovider = "x"\nconnectionsMax = 1\n',
    /^2 .*is no provider/,
  ],
  [
    'shared connections of nobody',
    '[[limits]]\nproviderConnectionsMax = 1\n',
    /^2 .*of no provider/,
  ],
  [
    'a pattern as a host',
    '[providers.a]\nmx = ["*.example"]\n',
    /^2 providers.a.mx "\*.example" is no name/,
  ],
  ['a provider without hosts', '[providers.a]\n', /^1 providers.a names no hosts/],
  [
    'a provider with an odd name',
    '[providers.A_b]\nmx = "a.example"\n',
    /^1 providers.A_b is no name of a provider/,
  ],
  [
    'a provider that is a list',
    '[[providers]]\nmx = "a.example"\n',
    /^0 providers is not a table|^1 providers is not a table/,
  ],
  [
    'a pattern as a domain',
    '[[limits]]\ndomain = "a*"\nconnectionsMax = 1\n',
    /^2 .*is no name in A-labels/,
  ],
  [
    'a response without a name',
    '[[responses]]\ncodes = 421\nsuspend = "1h"\n',
    /^1 responses\[0\].name is missing/,
  ],
  [
    'a response that fits all',
    '[[responses]]\nname = "a"\nsuspend = "1h"\n',
    /^1 responses\[0\] fits every reply/,
  ],
  [
    'a response that does nothing',
    '[[responses]]\nname = "a"\ncodes = 421\n',
    /^1 responses\[0\] does nothing/,
  ],
  [
    'a code that is no refusal',
    '[[responses]]\nname = "a"\ncodes = 250\nsuspend = "1h"\n',
    /^3 .*numbers from 400 to 599/,
  ],
  [
    'an enhanced code of delivery',
    '[[responses]]\nname = "a"\nenhanced = "2.0.0"\nsuspend = "1h"\n',
    /^3 .*no enhanced code/,
  ],
  [
    'a time without end',
    '[[responses]]\nname = "a"\ncodes = 421\nsuspend = "30d"\n',
    /^4 .*no such time/,
  ],
  [
    'a time of nothing',
    '[[responses]]\nname = "a"\ncodes = 421\nsuspend = "0s"\n',
    /^4 .*no such time/,
  ],
  [
    'a time that is a number',
    '[[responses]]\nname = "a"\ncodes = 421\nsuspend = 60\n',
    /^4 .*no such time/,
  ],
  [
    'slow without an end',
    '[[responses]]\nname = "a"\ncodes = 421\nslowBy = 2\n',
    /^4 .*goes with slowFor/,
  ],
  [
    'a class nobody knows',
    '[[responses]]\nname = "a"\ncodes = 421\nclass = "bad"\n',
    /^4 .*is not known: "bad"/,
  ],
  [
    'a phrase of two letters',
    '[[responses]]\nname = "a"\nphrases = ["ip"]\nsuspend = "1h"\n',
    /^3 .*has not 3 to 200/,
  ],
  [
    'one name twice',
    '[[responses]]\nname = "a"\ncodes = 421\nsuspend = "1h"\n[[responses]]\nname = "a"\ncodes = 421\nsuspend = "1h"\n',
    /^6 responses\[1\].name stands twice/,
  ],
];

for (const [what, toml, told] of wrong) {
  test(`${what} is told where it stands`, () => {
    const faults = faultsOf(toml);
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0]!, told);
  });
}

test('all faults of a file are told, each with what to do', () => {
  const { faults } = readShaping('[[limits]]\nfoo = 1\n[[responses]]\nbar = 2\n', 'own.toml');
  assert.ok(faults.length >= 3);
  for (const { advice } of faults) assert.ok(advice.length > 5);
});

test('a file is bounded', () => {
  const rule = '[[limits]]\nsite = "a"\nconnectionsMax = 1\n';
  const most = rule.repeat(shapingBounds.rulesMax);
  assert.deepEqual(faultsOf(most), []);
  assert.equal(faultsOf(most + rule).length, 1);
  assert.match(faultsOf(`# ${'x'.repeat(shapingBounds.fileBytesMax)}`)[0]!, /is larger than/);
  const items = (count: number) =>
    `[[limits]]\nsite = [${'"a",'.repeat(count)}]\nconnectionsMax = 1\n`;
  assert.deepEqual(faultsOf(items(shapingBounds.itemsMax)), []);
  assert.equal(faultsOf(items(shapingBounds.itemsMax + 1)).length, 1);
});

test('what an operator says goes before what ships: by name, and in order', () => {
  const read = (content: string) => readShaping(content, 'f', [{ name: 'p', mx: ['a.example'] }]);
  const response = (name: string, code: number) =>
    `[[responses]]\nname = "${name}"\ncodes = ${code}\nclass = "rate"\n`;
  const shipped = mergedShaping(
    noShaping,
    read(
      `[providers.p]\nmx = "a.example"\n${response('a', 421)}${response('b', 421)}${response('c', 421)}`,
    ),
  );
  const own = read(
    `[providers.p]\nmx = "b.example"\n${response('z', 450)}${response('b', 450)}[[responses]]\nname = "c"\noff = true\n`,
  );
  const { providers, responses } = mergedShaping(shipped, own);
  assert.deepEqual(providers, [{ name: 'p', mx: ['b.example'] }]);
  assert.deepEqual(
    responses.map(({ name, codes }) => `${name} ${codes}`),
    ['z 450', 'b 450', 'a 421'],
  );
});

test('a rate is written as it is read', () => {
  for (const text of ['100/min', '5000/h', '10/s', '1000/d']) {
    assert.equal(writeRate(parseRate(text)!), text);
  }
  for (const text of ['', '/s', '10', '10/', '-1/s', '1e3/s', '10/constructor', '10 000/s']) {
    assert.equal(parseRate(text), undefined, text);
  }
});
