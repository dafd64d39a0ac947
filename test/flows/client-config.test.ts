/**
 * Aim: one record of our services reaches mail programs by every way: autoconfig, autodiscover, a profile, the DNS.
 * Method: the real server; the operator's command, and requests as programs make them.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { zoneLine } from '../../src/mail/trust/dns-records.ts';
import { startTestServer } from '../support/test-server.ts';

const anyPort = '127.0.0.1:0';

it('a domain’s programs are told what settings say, wherever they look', async () => {
  await using test = await startTestServer({
    'listen.http': anyPort,
    'metrics.listen': anyPort,
    'public.host': 'mail.example.net',
    'public.services': 'imaps:993, managesieve:4190, submissions:465, pop3',
    'public.url': 'https://web.example.net',
  });
  const { records } = await test.call('domain.create', { name: 'here.test' });
  const lines = records.filter(({ type }) => type === 'SRV' || type === 'CNAME').map(zoneLine);
  assert.deepEqual(lines, [
    '_imaps._tcp.here.test. IN SRV 0 1 993 mail.example.net.',
    '_sieve._tcp.here.test. IN SRV 10 1 4190 mail.example.net.',
    '_submissions._tcp.here.test. IN SRV 20 1 465 mail.example.net.',
    'autoconfig.here.test. IN CNAME web.example.net.',
    'autodiscover.here.test. IN CNAME web.example.net.',
    '_autodiscover._tcp.here.test. IN SRV 0 1 443 web.example.net.',
  ]);
  const base = `http://127.0.0.1:${test.ports.http}`;
  const wellKnown = `${base}/.well-known/autoconfig/mail/config-v1.1.xml`;
  const config = await fetch(`${wellKnown}?emailaddress=ann@here.test`);
  const told = await config.text();
  assert.match(told, /<hostname>mail\.example\.net<\/hostname>\s*<port>993</);
  // The formats of programs have no words for filters.
  assert.doesNotMatch(told, /sieve|4190/);
  assert.equal((await fetch(`${wellKnown}?emailaddress=ann@there.test`)).status, 404);
  const answer = await fetch(`${base}/autodiscover/autodiscover.xml`, {
    method: 'POST',
    body: '<Autodiscover><Request><EMailAddress>ann@here.test</EMailAddress></Request></Autodiscover>',
  });
  assert.match(await answer.text(), /<Server>mail\.example\.net<\/Server>\s*<Port>465</);
  const profile = await fetch(`${base}/mail/apple.mobileconfig?emailaddress=ann@here.test`);
  assert.match(await profile.text(), /<string>mail\.example\.net<\/string>/);
  // Measurements have a listener of their own here, and are nowhere else.
  assert.equal((await fetch(`${base}/metrics`)).status, 404);
  const metrics = await fetch(`http://127.0.0.1:${test.ports.metrics}/metrics`);
  assert.equal(metrics.status, 200);
  assert.match(await metrics.text(), /^chaski_answers_unreadable 0$/m);
  const there = `http://127.0.0.1:${test.ports.metrics}/mail/config-v1.1.xml`;
  assert.equal((await fetch(there)).status, 404);
});
