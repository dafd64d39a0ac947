/** Aim: a tenant that has used up its quota is told so by SMTP and by HTTP, and others go on. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { type ApiWorld, startApiWorld } from '../support/api-world.ts';
import { NextHop } from '../support/next-hop.ts';
import { smtpReplies } from '../support/small-mail.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

async function saidToMail({ test }: ApiWorld, sender: string): Promise<string> {
  const client = await WireClient.connect(test.ports.smtp!);
  await client.line();
  client.send(Buffer.from(`HELO me.test\r\nMAIL FROM:<${sender}>\r\nQUIT\r\n`));
  await client.line();
  return (await client.line())!;
}

it('a day’s quota holds over all ways in, from the moment it is set', async () => {
  await using world = await startApiWorld();
  const { test } = world;
  const quota = { name: 'acme', messagesPerDayMax: 2 };
  const { tenant } = await test.call('tenant.set', quota);
  assert.equal(tenant.messagesPerDayMax, 2);
  const { tenants } = await test.call('tenant.list', {});
  assert.deepEqual(
    tenants.find(({ name }) => name === 'acme'),
    tenant,
  );

  const plain = { from: 'shop@acme.test', text: 'x' };
  const three = ['a', 'b', 'c'].map((name) => ({ to: `${name}@far.test` }));
  const batch = await world.call({ body: { ...plain, recipients: three } });
  assert.deepEqual([batch.status, batch.value.error.code], [429, 'tenant-over-quota']);
  assert.match(await saidToMail(world, 'shop@acme.test'), /^250 /);
  const pair = await world.call({ body: { ...plain, recipients: three.slice(1) } });
  assert.equal(pair.status, 202, JSON.stringify(pair.value));

  for (const dryRun of [true, false]) {
    const { status, headers } = await world.call({ body: { ...plain, to: 'd@far.test', dryRun } });
    assert.equal(status, 429);
    const seconds = Number(headers.get('retry-after'));
    assert.ok(seconds >= 1 && seconds <= 86_400, `${seconds}`);
  }
  assert.match(await saidToMail(world, 'shop@acme.test'), /^452 4\.2\.2 /);
  assert.match(await saidToMail(world, 'shop@other.test'), /^250 /);
  const other = { from: 'shop@other.test', text: 'x', to: 'd@far.test' };
  assert.equal((await world.call({ key: world.otherKey, body: other })).status, 202);
  await test.call('tenant.set', { name: 'acme', messagesPerDayMax: 0 });
  assert.match(await saidToMail(world, 'shop@acme.test'), /^250 /);
  const set = (name: string, messagesPerHourMax: number) =>
    test.call('tenant.set', { name, messagesPerHourMax });
  await assert.rejects(set('nobody', 1), { code: 'not-found' });
  await assert.rejects(set('default', 1), { code: 'argument-invalid' });
  await assert.rejects(set('acme', -1), { code: 'argument-invalid' });
});

it('what was handed in counts after a restart, too', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-quotas-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const settings = { 'relay.route': 'smtp://127.0.0.1:1' };
  const sender = 'shop@acme.test';
  const send = (test: TestServer) =>
    smtpReplies(test, [`MAIL FROM:<${sender}>`, 'RCPT TO:<a@far.test>', 'DATA', 'x\r\n.']);
  {
    await using test = await startTestServer(settings, { folder });
    await test.call('tenant.create', { name: 'acme' });
    await test.call('domain.create', { name: 'acme.test', tenant: 'acme' });
    await test.call('tenant.set', { name: 'acme', messagesPerDayMax: 3 });
    for (let i = 0; i < 2; i++) assert.match((await send(test))[3]!, /^250 /);
  }
  await using test = await startTestServer(settings, { folder });
  assert.match((await send(test))[3]!, /^250 /);
  assert.match((await smtpReplies(test, [`MAIL FROM:<${sender}>`]))[0]!, /^452 4\.2\.2 /);
});

it('so many messages of a tenant wait at once, and one more is refused until one is gone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-queue-max-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const reply = (command: string) => (/^RCPT/.test(command) ? '450 4.2.0 Later' : undefined);
  await using hop = await new NextHop({ reply }).start();
  const settings = { 'relay.route': `smtp://127.0.0.1:${hop.port}` };
  const mail = 'MAIL FROM:<shop@acme.test>';
  const send = async (test: TestServer) =>
    (await smtpReplies(test, [mail, 'RCPT TO:<a@far.test>', 'DATA', 'x\r\n.']))[3]!;
  {
    await using test = await startTestServer(settings, { folder });
    await test.call('tenant.create', { name: 'acme' });
    await test.call('domain.create', { name: 'acme.test', tenant: 'acme' });
    const { tenant } = await test.call('tenant.set', { name: 'acme', queueMax: 2 });
    assert.equal(tenant.queueMax, 2);
    for (let i = 0; i < 2; i++) assert.match(await send(test), /^250 /);
    assert.match((await smtpReplies(test, [mail]))[0]!, /^452 4\.2\.2 /);
    assert.match((await smtpReplies(test, ['MAIL FROM:<a@else.test>']))[0]!, /^250 /);
  }
  await using test = await startTestServer(settings, { folder });
  assert.match((await smtpReplies(test, [mail]))[0]!, /^452 4\.2\.2 /);
  const { entries } = await test.call('queue.list', { limit: 10 });
  assert.equal(entries.length, 2);
  await test.call('queue.delete', { ids: [entries[0]!.id], withBounce: false });
  assert.match(await send(test), /^250 /);
  assert.match((await smtpReplies(test, [mail]))[0]!, /^452 4\.2\.2 /);
});
