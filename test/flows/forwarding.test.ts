/** A stranger's mail goes on to another server: sealed, with a return path of ours, and its bounce finds its sender. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyMessage } from '../../src/mail/trust/verify.ts';
import { DnsServer } from '../support/dns-server.ts';
import { NextHop } from '../support/next-hop.ts';
import { eventually, type SettingsGiven, startTestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';
import { ZoneDns } from '../support/zone-dns.ts';

const text = 'From: ann@far.test\r\nSubject: hi\r\n\r\ntext\r\n';
const large = `From: ann@far.test\r\nSubject: hi\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(5_000)}`;

async function world(settings: SettingsGiven = {}) {
  const dns = await new DnsServer(() => ({ rcode: 'NXDOMAIN' })).start();
  const reply = (command: string) =>
    /^RCPT.*<gone@/.test(command) ? '550 5.1.1 No such user' : undefined;
  const hop = await new NextHop({ reply }).start();
  const server = await startTestServer({
    'relay.networks': '',
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'dns.servers': `127.0.0.1:${dns.port}`,
    ...settings,
  });
  await server.call('domain.create', { name: 'here.test' });
  const targets = ['bob@there.test'];
  await server.call('alias.set', { address: 'bob@here.test', targets, mustBeNew: true });
  const send = (from: string, to: string, data = text) =>
    conversation(server.ports.smtp!, from, to, data);
  const taken = (count: number) =>
    eventually(`message ${count}`, () => hop.messages[count - 1] as (typeof hop.messages)[0]);
  return {
    server,
    send,
    taken,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await hop[Symbol.asyncDispose]();
      await dns[Symbol.asyncDispose]();
    },
  };
}

/** The last reply: to RCPT where it was refused, else to the end of the message. */
async function conversation(port: number, from: string, to: string, data: string) {
  const client = await WireClient.connect(port);
  await client.line();
  let reply = '';
  for (const line of [
    'HELO far.test',
    `MAIL FROM:<${from}>`,
    `RCPT TO:<${to}>`,
    'DATA',
    `${data}.`,
  ]) {
    client.send(Buffer.from(`${line}\r\n`));
    reply = (await client.line())!;
    if (!/^[23]/.test(reply)) break;
  }
  return reply;
}

for (const [size, data] of [
  ['small', text],
  ['large', large],
] as const) {
  test(`RFC 8617: a ${size} message of a stranger leaves sealed, and the seal verifies`, async () => {
    await using play = await world();
    assert.match(await play.send('ann@far.test', 'bob@here.test', data), /^250 /);
    const { content } = await play.taken(1);
    assert.match(content, /^ARC-Seal: i=1; a=rsa-sha256; t=\d+; cv=none;\r\n\td=here\.test;/);
    const { records } = await play.server.call('domain.show', { name: 'here.test' });
    const zone = Object.fromEntries(
      records
        .filter(({ name }) => name.includes('_domainkey'))
        .map((record) => [record.name, [{ TXT: record.value }]]),
    );
    const request = {
      message: Buffer.from(content, 'latin1'),
      sender: '',
      peerAddress: '192.0.2.1',
    };
    const { verdicts } = await verifyMessage(
      { ...request, helo: 'here.test', authservId: 'there.test', nowMs: Date.now() },
      new ZoneDns(zone),
    );
    assert.equal(verdicts.arc, 'pass');
  });
}

test('its return path leads a bounce back to the sender, and nobody else anywhere', async () => {
  await using play = await world();
  await play.send('ann@far.test', 'bob@here.test');
  const { sender } = await play.taken(1);
  assert.match(sender, /^SRS0=.*=far\.test=ann@here\.test$/);
  assert.match(await play.send('', sender, 'Subject: bounce\r\n\r\ntext\r\n'), /^250 /);
  const bounce = await play.taken(2);
  assert.deepEqual([bounce.sender, bounce.recipients], ['', ['ann@far.test']]);
  const forged = sender.replace('far.test', 'evil.test');
  assert.match(await play.send('', forged), /^550 5\.1\.1/);
  assert.match(await play.send('eve@far.test', sender), /^550 5\.1\.1/);
  assert.match(await play.send('', sender.replace('@here.test', '@other.test')), /^550 5\.7\.1/);
});

test('null senders and our own stay, and so do all where settings say so', async () => {
  await using play = await world();
  await play.send('', 'bob@here.test');
  assert.equal((await play.taken(1)).sender, '');
  await play.send('carl@here.test', 'bob@here.test');
  assert.equal((await play.taken(2)).sender, 'carl@here.test');
  await using off = await world({ 'forwarding.srs': 'false', 'forwarding.arc': 'false' });
  await off.send('ann@far.test', 'bob@here.test');
  const { sender, content } = await off.taken(1);
  assert.equal(sender, 'ann@far.test');
  assert.doesNotMatch(content, /^ARC-/m);
});

test('the domain that settings name seals and rewrites', async () => {
  await using play = await world({ 'forwarding.domain': 'relay.test' });
  await play.send('ann@far.test', 'bob@here.test');
  // It is not ours yet: nothing would come back.
  assert.equal((await play.taken(1)).sender, 'ann@far.test');
  await play.server.call('domain.create', { name: 'relay.test', signWith: ['rsa-sha256'] });
  await play.send('ann@far.test', 'bob@here.test');
  const { sender, content } = await play.taken(2);
  assert.match(sender, /@relay\.test$/);
  assert.match(content, /^ARC-Seal: .*\r\n\td=relay\.test;/);
});

test('the alias’ tenant may have the target suppressed: a stranger’s mail goes on, its own does not', async () => {
  const settings = { 'relay.networks': '', 'feedback.hardBounceMs': '30d' };
  for (const srs of ['true', 'false']) {
    await using play = await world({ ...settings, 'forwarding.srs': srs });
    const list = { tenant: 'default', limit: 10 };
    await play.server.call('suppression.add', {
      tenant: 'default',
      entries: [{ address: 'bob@there.test', reason: 'complaint' }],
    });
    for (const data of [text, large]) {
      assert.match(await play.send('ann@far.test', 'bob@here.test', data), /^250 /);
    }
    const { recipients } = await play.taken(2);
    assert.deepEqual(recipients, ['bob@there.test']);
    await play.server.call('alias.set', {
      address: 'cyd@here.test',
      targets: ['gone@there.test'],
      mustBeNew: true,
    });
    assert.match(await play.send('ann@far.test', 'cyd@here.test'), /^250 /);
    await eventually('the refusal', async () => {
      const { events } = await play.server.call('events', { after: 'start', limit: 1_000 });
      return events.find(({ kind }) => kind === 'failed');
    });
    const { entries } = await play.server.call('suppression.list', list);
    assert.deepEqual(
      entries.map(({ address }) => address),
      ['bob@there.test'],
    );
  }
});
