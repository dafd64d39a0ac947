/** Which rules hold where: by whole names and ends of names, the most specific field by field. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Matcher, type Place } from '../../../../../src/engine/delivery/shaping/matcher.ts';
import { mergedShaping } from '../../../../../src/settings/shaping/merge.ts';
import { readShaping } from '../../../../../src/settings/shaping/read.ts';
import { noShaping } from '../../../../../src/settings/shaping/rules.ts';

function matcherOf(content: string): Matcher {
  const file = readShaping(content, 'f');
  assert.deepEqual(file.faults, []);
  return new Matcher(mergedShaping(noShaping, file));
}

function placeOf(path: string, rest: Partial<Place> = {}): Place {
  return { path, domains: [], tenant: '', campaign: '', ...rest };
}

const provider = '[providers.p]\nmx = [".p.example", "mx.q.example"]\n';

test('a provider is known by the hosts of a site, whole or by their end', () => {
  const matcher = matcherOf(provider);
  assert.equal(matcher.providerOf('mx:a.p.example,mx.q.example'), 'p');
  assert.equal(matcher.providerOf('mx:a.p.example|s1'), 'p');
  assert.equal(matcher.providerOf('smtp://b.p.example:25'), 'p');
  assert.equal(matcher.providerOf('mx:a.p.example,other.example'), 'p');
  assert.equal(matcher.providerOf('mx:p.example'), '');
  assert.equal(matcher.providerOf('mx:ap.example'), '');
  assert.equal(matcher.providerOf('mx:x.mx.q.example'), '');
  assert.equal(matcher.providerOf('mx:[192.0.2.1]'), '');
  assert.equal(matcher.providerOf('nonsense'), '');
});

test('one host elsewhere does not free a domain of what the provider of the others takes', () => {
  const matcher = matcherOf(`${provider}
[providers.r]
mx = ".r.example"
[[limits]]
provider = "p"
connectionsMax = 3
messageRate = "1/s"
messagesPerConnection = 9
[[limits]]
provider = "r"
connectionsMax = 7
messageRate = "30/min"
[[limits]]
provider = "p"
tenant = "a"
messageRate = "2/s"
[[limits]]
provider = "r"
tenant = "a"
messageRate = "3/s"
[[responses]]
name = "busy"
provider = "p"
phrases = "busy"
suspend = "1h"
`);
  const own = 'mx:a.p.example,own.example';
  const both = 'mx:a.p.example,mail.r.example,own.example|s1';
  const valuesOf = (path: string) =>
    Object.fromEntries(
      Object.entries(matcher.limitsOf(placeOf(path))).map(([field, { rule }]) => [field, rule]),
    );
  assert.deepEqual(matcher.providersOf(own), ['p']);
  assert.deepEqual(matcher.providersOf(both), ['p', 'r']);
  const ofP = { connectionsMax: 'f:6', messageRate: 'f:6', messagesPerConnection: 'f:6' };
  assert.deepEqual(valuesOf(own), ofP);
  // Of each limit the least: 30 a minute are fewer than one a second.
  assert.deepEqual(valuesOf(both), { ...ofP, messageRate: 'f:11' });
  const shares = matcher.sharesOf(placeOf(both));
  assert.deepEqual(
    shares.map(({ rule }) => rule),
    ['f:15'],
  );
  const reply = { code: 451, enhanced: '', text: 'busy' };
  assert.equal(matcher.responseOf(placeOf(own), reply)?.name, 'busy');
  assert.equal(matcher.responseOf(placeOf('mx:own.example'), reply), undefined);
  assert.equal(matcher.providerOfHost(both, 'mail.r.example'), 'r');
  assert.equal(matcher.providerOfHost(both, 'own.example'), '');
});

test('limits merge field by field, the more specific rule first, of equals the later', () => {
  const matcher = matcherOf(`${provider}
[[limits]]
domain = "a.example"
connectionsMax = 3
[[limits]]
connectionsMax = 1
messagesPerConnection = 1
messageRate = "1/s"
[[limits]]
provider = "p"
connectionsMax = 2
messagesPerConnection = 2
[[limits]]
provider = "p"
messagesPerConnection = 4
[[limits]]
provider = "p"
source = "s2"
messagesPerConnection = 9
`);
  const at = (path: string, domains: string[] = []) =>
    Object.fromEntries(
      Object.entries(matcher.limitsOf(placeOf(path, { domains }))).map(([field, found]) => [
        field,
        `${JSON.stringify(found.value)} ${found.rule}`,
      ]),
    );
  assert.deepEqual(at('mx:x.p.example', ['a.example']), {
    connectionsMax: '3 f:4',
    messagesPerConnection: '4 f:15',
    messageRate: '{"count":1,"perMs":1000} f:7',
  });
  assert.deepEqual(at('mx:x.p.example|s2'), {
    connectionsMax: '2 f:11',
    messagesPerConnection: '9 f:18',
    messageRate: '{"count":1,"perMs":1000} f:7',
  });
  assert.equal(at('mx:other.example').connectionsMax, '1 f:7');
});

test('a rule of a tenant or a campaign limits its share, not the path', () => {
  const matcher = matcherOf(`${provider}
[[limits]]
tenant = ["a", "b"]
messageRate = "1/s"
[[limits]]
tenant = "a"
provider = "p"
messageRate = "2/s"
[[limits]]
campaign = "news"
messageRate = "3/s"
`);
  assert.deepEqual(matcher.limitsOf(placeOf('mx:x.p.example', { tenant: 'a' })), {});
  const shares = (path: string) =>
    matcher
      .sharesOf({ path, domains: [] })
      .map(({ tenant, campaign, rate }) => `${tenant}/${campaign} ${rate.count}`)
      .sort();
  assert.deepEqual(shares('mx:x.p.example'), ['/news 3', 'a/ 2', 'b/ 1']);
  assert.deepEqual(shares('mx:else.example'), ['/news 3', 'a/ 1', 'b/ 1']);
});

test('a site is matched by its name or any one of its hosts', () => {
  const matcher = matcherOf(
    '[[limits]]\nsite = ["mx:a.example,b.example", "c.example", ".d.example"]\nconnectionsMax = 1\n',
  );
  const has = (path: string) => matcher.limitsOf(placeOf(path)).connectionsMax !== undefined;
  assert.ok(has('mx:a.example,b.example|s1'));
  assert.ok(has('mx:c.example,x.example'));
  assert.ok(has('mx:x.d.example'));
  assert.ok(!has('mx:a.example'));
  assert.ok(!has('mx:d.example'));
});

test('who owns a site is to hear of the domains that rules name, and of no others', () => {
  const matcher = matcherOf(
    '[[limits]]\ndomain = ["a.example", ".b.example"]\nconnectionsMax = 1\n',
  );
  assert.deepEqual(
    ['a.example', 'x.b.example', 'y.x.b.example', 'b.example', 'xa.example'].map((domain) =>
      matcher.speaksOf(domain),
    ),
    [true, true, true, false, false],
  );
});

test('a reply is matched by code, enhanced code and words, over its line ends', () => {
  const matcher = matcherOf(`${provider}
[[responses]]
name = "busy"
provider = "p"
codes = [421, 451]
phrases = ["too busy now", "[x01]"]
class = "rate"
[[responses]]
name = "coded"
enhanced = "4.7.28"
class = "rate"
`);
  const of = (path: string, code: number, enhanced: string, text: string) =>
    matcher.responseOf(placeOf(path), { code, enhanced, text })?.name;
  assert.equal(of('mx:x.p.example', 421, '4.7.0', 'We are Too\nBusy Now'), 'busy');
  assert.equal(of('mx:x.p.example', 451, '', '[X01] later'), 'busy');
  assert.equal(of('mx:x.p.example', 450, '', '[X01] later'), undefined);
  assert.equal(of('mx:x.example', 451, '', '[X01] later'), undefined);
  assert.equal(of('mx:x.example', 421, '4.7.28', ''), 'coded');
  assert.equal(of('mx:x.p.example', 421, '', `${' '.repeat(1_024)}[x01]`), undefined);
});

test('words that a reply repeats out of an address of the message are not the server’s', () => {
  const matcher = matcherOf(`
[[responses]]
name = "listed"
codes = 550
phrases = ["zen.list.example", "on our block list"]
suspend = "1h"
`);
  const fits = (text: string, sender: string, ...recipients: string[]) =>
    matcher.responseOf(
      placeOf('mx:far.example'),
      { code: 550, enhanced: '5.1.1', text },
      { sender, recipients: recipients.map((address) => ({ address })) },
    )?.name;
  const listed = 'Client host blocked using zen.list.example';
  assert.equal(fits(listed, 'ann@here.test', 'bob@far.test'), 'listed');
  const unknown = '<Zen.list.example@far.test>: User unknown';
  assert.equal(
    fits(unknown, 'ann@here.test', 'bob@far.test', 'Zen.list.example@far.test'),
    undefined,
  );
  assert.equal(
    fits('zen.list.example may not send', 'a@zen.list.example', 'b@far.test'),
    undefined,
  );
  const quoted = '"on our\\ block list"@far.test';
  assert.equal(fits('no mailbox "on our block list"', 'ann@here.test', quoted), undefined);
});
