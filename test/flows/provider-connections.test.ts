/**
 * Aim:    a provider never has more connections of ours than set, whichever of its hosts they are to, over all threads.
 * Method: the real server with two engine threads towards several domains of one provider, one of which has a host
 *         elsewhere besides; the receiver counts what is open at once.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { type DnsBehaviour, DnsServer } from '../support/dns-server.ts';
import { NextHop } from '../support/next-hop.ts';
import { sendSmall } from '../support/small-mail.ts';
import { eventually, startTestServer } from '../support/test-server.ts';

const connectionsMax = 2;
const domains = ['a.test', 'b.test', 'c.test', 'd.test', 'e.test', 'mixed.test'];
const messagesOfEach = 6;

const rules = `
[providers.big]
mx = ".big.test"
[[limits]]
provider = "big"
providerConnectionsMax = ${connectionsMax}
`;

function zone(): Map<string, DnsBehaviour> {
  const answers = new Map<string, DnsBehaviour>();
  const add = (type: 'MX' | 'A', name: string, ...data: readonly unknown[]) =>
    answers.set(`${type} ${name}`, {
      answers: data.map((each) => ({ type, name, ttl: 60, data: each }) as never),
    });
  for (const domain of domains) {
    const hosts = [`mx.${domain.replace('.test', '')}.big.test`];
    if (domain === 'mixed.test') hosts.push('mx.own.test');
    add('MX', domain, ...hosts.map((exchange, at) => ({ preference: 10 + at, exchange })));
    for (const host of hosts) add('A', host, '127.0.0.1');
  }
  return answers;
}

it('`providerConnectionsMax` holds at the receiver over two threads, and all of it comes', async () => {
  let [open, openMost] = [0, 0];
  const reply = (command: string) => {
    if (command === 'CONNECT') openMost = Math.max(openMost, ++open);
    else if (command === 'QUIT') open--;
    return undefined;
  };
  await using hop = await new NextHop({ reply }).start();
  const answers = zone();
  await using dns = await new DnsServer(
    (question) => answers.get(question) ?? { rcode: 'NXDOMAIN' },
  ).start();
  const folder = mkdtempSync(join(tmpdir(), 'chaski-provider-'));
  try {
    const file = join(folder, 'rules.toml');
    writeFileSync(file, rules);
    await using test = await startTestServer({
      ...{ workers: '2', shards: '4', 'dns.servers': `127.0.0.1:${dns.port}` },
      ...{ 'relay.mxPort': `${hop.port}`, 'relay.privateTargets': 'true', 'relay.tls': 'off' },
      ...{ 'shaping.file': file, 'shaping.shipped': 'false' },
    });
    const sent = domains.flatMap((domain) =>
      Array.from({ length: messagesOfEach }, (_, i) => sendSmall(test, `bob${i}@${domain}`)),
    );
    await Promise.all(sent);
    await eventually('all', () => (hop.messages.length >= sent.length ? true : undefined));
    const recipients = new Set(hop.messages.flatMap((message) => message.recipients));
    assert.equal(recipients.size, sent.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
  assert.equal(openMost, connectionsMax);
});
