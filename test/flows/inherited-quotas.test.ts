/**
 * Aim:    a quota set for a domain or a tenant holds for accounts below it on the real server, on delivery and APPEND,
 *         until a nearer level says otherwise, and over a restart.
 * Method: the real server, IMAP by a client of our own, mail from a trusted client.
 *
 * RFC 9208 §5.1; RFC 3463 §3.3 (X.2.2).
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImapClient } from '../support/imap-client.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const password = 'correct horse';
const address = 'ann@here.test';
const settings = {
  ...{ 'listen.imap': '127.0.0.1:0', shards: '2', 'accounts.quotaBytesDefault': '1MiB' },
};
const message = `Subject: One\r\n\r\n${'x'.repeat(70)}\r\n`;

async function logIn(server: TestServer): Promise<ImapClient> {
  const client = await ImapClient.connect(server.ports.imap!);
  await client.response();
  await client.ok('STARTTLS');
  await client.startTls();
  await client.ok(`LOGIN ${address} "${password}"`);
  return client;
}

/** The reply to RCPT. */
async function recipient(server: TestServer): Promise<string> {
  const client = await WireClient.connect(server.ports.smtp!);
  await client.line();
  let reply = '';
  for (const line of ['HELO far.test', 'MAIL FROM:<x@far.test>', `RCPT TO:<${address}>`]) {
    client.send(Buffer.from(`${line}\r\n`));
    reply = (await client.line())!;
  }
  client.destroy();
  return reply;
}

const show = async (server: TestServer) => {
  const { account, limits } = await server.call('account.show', { address });
  return [account.quotaBytes, limits.find(({ name }) => name === 'quotaBytes')?.from];
};

test('the nearest level that is set counts, where mail comes in and at APPEND', async () => {
  await using server = await startTestServer(settings);
  await server.call('tenant.create', { name: 'acme' });
  await server.call('domain.create', { name: 'here.test', tenant: 'acme' });
  await server.call('account.create', { address, password });
  const ann = await logIn(server);
  const append = () => ann.run(`APPEND INBOX {${message.length}+}\r\n${message}`);
  assert.deepEqual(await show(server), [1024 * 1024, 'server']);
  await server.call('tenant.set', { name: 'acme', accountQuotaBytes: 2_048 });
  assert.deepEqual(await show(server), [2_048, 'tenant']);
  assert.match((await append()).tagged.raw, / OK /);
  await server.call('domain.set', { name: 'here.test', accountQuotaBytes: 50, accountsMax: 1 });
  assert.deepEqual(await show(server), [50, 'domain']);
  assert.match((await append()).tagged.raw, / NO \[OVERQUOTA\] /);
  const { untagged } = await ann.ok(`GETQUOTA ${address}`);
  assert.match(untagged[0]!.raw, /STORAGE 1 0/);
  const more = server.call('account.create', { address: 'bob@here.test' });
  await assert.rejects(more, { code: 'not-possible-now' });
  await eventually(
    'a refusal',
    async () => /^452 4\.2\.2 /.test(await recipient(server)) || undefined,
  );
  await server.call('account.set', { address, quotaBytes: 0 });
  assert.deepEqual(await show(server), [0, 'account']);
  assert.match((await append()).tagged.raw, / OK /);
  await server.call('tenant.set', { name: 'acme', accountQuotaBytesMax: 60 });
  assert.deepEqual(await show(server), [60, 'tenant'], 'bound, though its own is no limit');
  assert.match((await append()).tagged.raw, / NO \[OVERQUOTA\] /);
  await server.call('account.set', { address, quotaBytes: 1_000_000 });
  assert.deepEqual(await show(server), [60, 'tenant']);
  assert.match((await append()).tagged.raw, / NO \[OVERQUOTA\] /);
  await server.call('tenant.set', { name: 'acme', accountQuotaBytesMax: 0 });
  await server.call('account.set', { address, inherit: ['quotaBytes'] });
  assert.deepEqual(await show(server), [50, 'domain']);
  assert.match((await append()).tagged.raw, / NO \[OVERQUOTA\] /);
  await server.call('domain.set', { name: 'here.test', inherit: ['accountQuotaBytes'] });
  const { tenant, accountCount } = await server.call('tenant.show', { name: 'acme' });
  assert.deepEqual([tenant.accountQuotaBytes, accountCount], [2_048, 1]);
  assert.match((await append()).tagged.raw, / OK /);
  ann.destroy();
  await server.call('tenant.set', { name: 'acme', inherit: ['accountQuotaBytes'] });
  await server.stop();
  const next = { ...settings, 'accounts.quotaBytesDefault': '50B' };
  await using again = await startTestServer(next, { folder: server.folder });
  assert.deepEqual(await show(again), [50, 'server']);
  const back = await logIn(again);
  await eventually('its shard', async () => {
    const { tagged } = await back.run(`APPEND INBOX {${message.length}+}\r\n${message}`);
    return / NO \[OVERQUOTA\] /.test(tagged.raw) || undefined;
  });
  back.destroy();
});

test('what two set at once of a tenant, a domain and a policy is all kept', async () => {
  await using server = await startTestServer();
  await server.call('tenant.create', { name: 'acme' });
  await server.call('domain.create', { name: 'here.test', tenant: 'acme' });
  await Promise.all([
    server.call('tenant.set', { name: 'acme', messagesPerHourMax: 5 }),
    server.call('tenant.set', { name: 'acme', queueMax: 7 }),
    server.call('domain.set', { name: 'here.test', accountsMax: 3 }),
    server.call('domain.set', { name: 'here.test', accountQuotaBytes: 50 }),
    server.call('policy.set', { tenant: 'acme', allowsScram: true }),
    server.call('policy.set', { tenant: 'acme', needsSecondFactor: true }),
  ]);
  const { tenant } = await server.call('tenant.show', { name: 'acme' });
  assert.deepEqual([tenant.messagesPerHourMax, tenant.queueMax], [5, 7]);
  const { domain } = await server.call('domain.show', { name: 'here.test' });
  assert.deepEqual([domain.accountsMax, domain.accountQuotaBytes], [3, 50]);
  const policy = await server.call('policy.show', { tenant: 'acme' });
  assert.deepEqual([policy.allowsScram, policy.needsSecondFactor], [true, true]);
});
