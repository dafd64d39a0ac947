/**
 * Aim: filters on the real server: a list refuses in its own words, the greylist lets in who comes again and still
 * does after a restart, names and rates count, and what was found is in the metrics. Method: the real server, a name
 * server of the test, and clients that a trusted proxy names.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DnsServer } from '../support/dns-server.ts';
import { type SettingsGiven, startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const password = 'correct horse';
const strangers: SettingsGiven = {
  ...{ 'relay.networks': '', 'xclient.smtp': '127.0.0.0/8', 'listen.http': '127.0.0.1:0' },
  'dns.timeoutMs': '500ms',
};

async function withAccounts(server: TestServer): Promise<void> {
  await server.call('domain.create', { name: 'here.test' });
  for (const name of ['ann', 'postmaster']) {
    await server.call('account.create', { address: `${name}@here.test`, password });
  }
}

interface Attempt {
  readonly from?: string;
  readonly sender?: string;
  readonly helo?: string;
  readonly to?: readonly string[];
  readonly text?: string;
}

/** Answers to each RCPT, then to the message where there is one. */
async function bring(server: TestServer, attempt: Attempt = {}): Promise<string[]> {
  const { from = '192.0.2.9', sender = 'x@far.test', helo = 'far.test' } = attempt;
  const client = await WireClient.connect(server.ports.smtp!);
  const say = async (line: string) => {
    client.send(Buffer.from(`${line}\r\n`));
    return (await client.line())!;
  };
  await client.line();
  await say(`XCLIENT ADDR=${from}`);
  await say(`HELO ${helo}`);
  await say(`MAIL FROM:<${sender}>`);
  const replies: string[] = [];
  for (const to of attempt.to ?? ['ann@here.test']) replies.push(await say(`RCPT TO:<${to}>`));
  if (attempt.text !== undefined) {
    await say('DATA');
    replies.push(await say(`${attempt.text}\r\n.`));
  }
  client.destroy();
  return replies;
}

async function metricsOf(server: TestServer): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${server.ports.http}/metrics`)).text();
}

test('a list refuses in its own words, but postmaster; where it does not answer, mail flows', async () => {
  await using dns = await new DnsServer((question) => {
    if (question === 'A 9.2.0.192.zen.test') {
      return { answers: [{ type: 'A', name: '9.2.0.192.zen.test', ttl: 60, data: '127.0.0.4' }] };
    }
    if (question === 'TXT 9.2.0.192.zen.test') {
      return {
        answers: [{ type: 'TXT', name: '9.2.0.192.zen.test', ttl: 60, data: 'see zen.test' }],
      };
    }
    if (question.endsWith('7.2.0.192.zen.test')) return { fault: 'silent' };
    return { rcode: 'NXDOMAIN' };
  }).start();
  await using server = await startTestServer({
    ...strangers,
    'dns.servers': `127.0.0.1:${dns.port}`,
    'filters.lists': '{"zen":{"zone":"zen.test","points":5}}',
    'filters.rejectPoints': '5',
    'filters.lookUpMsMax': '300ms',
  });
  await withAccounts(server);
  const to = ['ann@here.test', 'postmaster@here.test', 'nobody@here.test'];
  assert.deepEqual(
    (await bring(server, { to })).map((reply) => reply.trim()),
    [
      '550 5.7.1 192.0.2.9 is listed by zen.test: see zen.test',
      '250 2.1.5 Ok',
      '550 5.1.1 No such user here',
    ],
  );
  assert.match((await bring(server, { from: '192.0.2.8' }))[0]!, /^250 /);
  assert.match((await bring(server, { from: '192.0.2.7' }))[0]!, /^250 /);
  const [, accepted] = await bring(server, { from: '192.0.2.8', text: 'Subject: x\r\n\r\ny' });
  assert.match(accepted!, /^250 /);
  const metrics = await metricsOf(server);
  assert.match(metrics, /chaski_filter_findings_total\{[^}]*finding="list:zen"[^}]*\} 1\n/);
  assert.match(metrics, /chaski_filter_look_ups_failed_total\{[^}]*filter="list:zen"[^}]*\} 1\n/);
  assert.match(metrics, /chaski_filter_answers_total\{[^}]*answer="refused"[^}]*\} 1\n/);
});

test('lists that know everybody, and a DNS that fails, keep no mail away', async () => {
  await using dns = await new DnsServer((question) => {
    const [type, name = ''] = question.split(' ');
    if (type === 'A' && name.endsWith('.all.test')) {
      return { answers: [{ type: 'A', name, ttl: 60, data: '127.0.0.2' }] };
    }
    return { rcode: name.endsWith('.failing.test') ? 'SERVFAIL' : 'NXDOMAIN' };
  }).start();
  await using server = await startTestServer({
    ...strangers,
    'dns.servers': `127.0.0.1:${dns.port}`,
    'filters.lists':
      '{"all":{"zone":"all.test","points":"reject"},"failing":{"zone":"failing.test","points":"reject"}}',
  });
  await withAccounts(server);
  const [recipient, accepted] = await bring(server, { text: 'Subject: x\r\n\r\ny' });
  assert.match(recipient!, /^250 /);
  assert.match(accepted!, /^250 /);
  const metrics = await metricsOf(server);
  for (const list of ['all', 'failing']) {
    const failed = `chaski_filter_look_ups_failed_total\\{[^}]*filter="list:${list}"[^}]*\\} 1\n`;
    assert.match(metrics, new RegExp(failed));
  }
});

test('who comes again late enough is let in, over a restart of the server too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-filters-'));
  const settings = {
    ...strangers,
    'filters.greylist.mode': 'all',
    'filters.greylist.waitMs': '1500ms',
    'filters.greylist.allowAfterCount': '2',
  };
  try {
    let server = await startTestServer(settings, { folder });
    await withAccounts(server);
    assert.match((await bring(server))[0]!, /^451 4\.7\.1 Not known yet, try again in 2 s/);
    assert.match((await bring(server))[0]!, /^451 4\.7\.1 /, 'too early');
    await server.stop();
    server = await startTestServer(settings, { folder });
    await sleep(1_500);
    const [rcpt, message] = await bring(server, { text: 'Subject: x\r\n\r\ny' });
    assert.match(`${rcpt} ${message}`, /^250 .* 250 /s);
    assert.match((await bring(server, { from: '192.0.2.77' }))[0]!, /^250 /, 'of the same /24');
    assert.match((await bring(server, { from: '192.0.3.9' }))[0]!, /^451 /);
    await server.stop();
    server = await startTestServer(settings, { folder });
    assert.match((await bring(server))[0]!, /^250 /);
    assert.match(await metricsOf(server), /chaski_greylist_entries(?:\{[^}]*\})? 3\n/);
    await server.stop();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('names, labels and rates count together; a reload takes new points', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-filters-'));
  const file = join(folder, 'networks.txt');
  writeFileSync(file, '192.0.2.0/24 country:xx\n');
  try {
    const given = {
      ...strangers,
      'filters.helo.notQualified': '2',
      'filters.labels.file': file,
      'filters.labels.points': 'country:xx=3',
      'filters.rejectPoints': '5',
      'filters.rates.perSenderMax': '3',
    };
    await using server = await startTestServer(given);
    await withAccounts(server);
    const unqualified = { helo: 'localhost' };
    assert.match(
      (await bring(server, unqualified))[0]!,
      /^550 5\.7\.1 No mail is taken from where 192\.0\.2\.9 is/,
    );
    assert.match((await bring(server, { ...unqualified, from: '198.51.100.1' }))[0]!, /^250 /);
    const to = Array.from({ length: 3 }, () => 'ann@here.test');
    const replies = await bring(server, { to });
    assert.match(replies[1]!, /^250 /);
    assert.match(
      replies[2]!,
      /^450 4\.7\.1 Too many recipients of this sender, try again in 60 min/,
    );
    assert.match((await bring(server, { sender: 'y@far.test' }))[0]!, /^250 /);
    const wanted = {
      ...server.settings,
      filters: { ...server.settings.filters, rejectPoints: 9 },
    };
    await server.server.reload(wanted);
    assert.match((await bring(server, { ...unqualified, sender: 'z@far.test' }))[0]!, /^250 /);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('who logged in or is in relay.networks is asked about nothing', async () => {
  await using server = await startTestServer({
    ...{ 'filters.greylist.mode': 'all', 'filters.helo.bareAddress': 'reject' },
    'filters.early.waitMs': '1m',
  });
  await withAccounts(server);
  const client = await WireClient.connect(server.ports.smtp!);
  const say = async (line: string) => {
    client.send(Buffer.from(`${line}\r\n`));
    return (await client.line())!;
  };
  assert.match((await client.line())!, /^220 mx\.test ESMTP/);
  await say('HELO 192.0.2.1');
  await say('MAIL FROM:<ann@here.test>');
  assert.match(await say('RCPT TO:<x@far.test>'), /^250 /);
  client.destroy();
});

test('a file of labels that is wrong stops the start, with its line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-filters-'));
  const file = join(folder, 'networks.txt');
  writeFileSync(file, '192.0.2.0/24 country:xx\nnonsense x\n');
  const place = { folder };
  try {
    await assert.rejects(
      startTestServer({ 'filters.labels.file': file, 'filters.labels.points': 'x=1' }, place),
      /filters\.labels\.file: line 2: "nonsense" is not an address/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
