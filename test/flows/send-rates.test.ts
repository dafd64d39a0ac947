/**
 * Aim: rates of recipients on the real server: by log-in, from a network and by the API, each told in its protocol's
 * words, before anything is taken; one tenant's never another's. Method: the real server and a next hop.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApiWorld } from '../support/api-world.ts';
import { submit } from '../support/submit-line.ts';
import { eventually, startTestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const password = 'correct horse';

test('an account names so many recipients, over SMTP; another account is another', async () => {
  await using server = await startTestServer({
    ...{ 'listen.submissions': '127.0.0.1:0', 'listen.http': '127.0.0.1:0' },
    'rates.perAccountMax': '3',
  });
  await server.call('domain.create', { name: 'here.test' });
  const users = ['ann@here.test', 'bob@here.test'];
  for (const address of users) await server.call('account.create', { address, password });
  const send = (user: string, count: number) =>
    submit({
      ...{ port: server.ports.submissions!, user, password, from: user },
      to: Array.from({ length: count }, () => 'bob@here.test'),
    });
  const [first, second] = await send('ann@here.test', 2);
  assert.match(`${first} ${second}`, /^250 .* 250 /);
  const replies = await send('ann@here.test', 2);
  assert.match(replies[0]!, /^250 /);
  assert.match(
    replies[1]!,
    /^450 4\.7\.1 Too many recipients of this account, try again in 60 min/,
  );
  assert.match(replies[2]!, /^250 /, 'the message goes to those that were taken');
  assert.match((await send('ann@here.test', 1))[0]!, /^450 /);
  assert.match((await send('bob@here.test', 1))[0]!, /^250 /);
  const met = await eventually('the entry', async () => {
    const { entries } = await server.call('audit.list', { limit: 1_000 });
    const found = entries.filter(({ act }) => act === 'rate.reached');
    return found.length > 0 ? found : undefined;
  });
  assert.equal(met.length, 1, 'one entry a window, not one a refusal');
  assert.deepEqual(met[0]!.details, { rate: 'account', of: 'ann@here.test', max: 3 });
  const metrics = await (await fetch(`http://127.0.0.1:${server.ports.http}/metrics`)).text();
  assert.match(metrics, /chaski_send_rate_refusals_total\{[^}]*rate="account"[^}]*\} 2/);
});

test('those of relay.networks too, and strangers’ mail to us is under no rate', async () => {
  await using server = await startTestServer({ 'rates.perTenantMax': '1' });
  await server.call('domain.create', { name: 'here.test' });
  await server.call('account.create', { address: 'ann@here.test', password });
  const rcpt = async (from: string) => {
    const client = await WireClient.connect(server.ports.smtp!);
    await client.line();
    let reply = '';
    for (const line of ['HELO far.test', `MAIL FROM:<${from}>`, 'RCPT TO:<ann@here.test>']) {
      client.send(Buffer.from(`${line}\r\n`));
      reply = (await client.line())!;
    }
    client.destroy();
    return reply;
  };
  assert.match(await rcpt('ann@here.test'), /^250 /);
  assert.match(await rcpt('ann@here.test'), /^450 4\.7\.1 Too many recipients of this tenant/);
});

test('strangers’ mail to us is under no rate', async () => {
  await using server = await startTestServer({ 'rates.perTenantMax': '1', 'relay.networks': '' });
  await server.call('domain.create', { name: 'here.test' });
  await server.call('account.create', { address: 'ann@here.test', password });
  const client = await WireClient.connect(server.ports.smtp!);
  await client.line();
  const say = async (line: string) => {
    client.send(Buffer.from(`${line}\r\n`));
    return (await client.line())!;
  };
  await say('HELO far.test');
  await say('MAIL FROM:<x@far.test>');
  for (let i = 0; i < 4; i++) assert.match(await say('RCPT TO:<ann@here.test>'), /^250 /);
  client.destroy();
});

test('by the API the whole request is refused, with when to come again', async () => {
  await using world = await startApiWorld({ 'rates.perTenantMax': '3', 'rates.windowMs': '1h' });
  const draft = (count: number, more: object = {}) => ({
    ...{ from: 'shop@acme.test', subject: 'News', text: 'hello' },
    recipients: Array.from({ length: count }, (_, i) => ({ to: `u${i}@far.test` })),
    ...more,
  });
  assert.equal((await world.call({ body: draft(9, { dryRun: true }) })).status, 200);
  assert.equal((await world.call({ body: draft(2) })).status, 202);
  const { status, value, headers } = await world.call({ body: draft(2) });
  assert.deepEqual([status, value.error.code], [429, 'send-rate-exceeded']);
  const seconds = Number(headers.get('retry-after'));
  assert.ok(seconds > 3_500 && seconds <= 3_600, `${seconds}`);
  assert.equal((await world.call({ body: draft(1) })).status, 202, 'none of the two was counted');
  const whole = await world.call({
    path: '/api/v1/messages?from=shop@acme.test&to=u@far.test',
    body: 'From: shop@acme.test\r\nSubject: x\r\n\r\ny\r\n',
  });
  assert.equal(whole.status, 429);
  const other = { ...draft(3), from: 'shop@other.test' };
  assert.equal((await world.call({ body: other, key: world.otherKey })).status, 202);
  await eventually('six', () => (world.hop.messages.length >= 6 ? true : undefined));
  assert.equal(world.hop.messages.length, 6);
});

test('a batch waits for its rate, and makes all its messages', async () => {
  await using world = await startApiWorld({ 'rates.perSenderMax': '2', 'rates.windowMs': '2s' });
  const { status, value } = await world.call({
    body: {
      ...{ from: 'shop@acme.test', subject: 'News', text: 'hello', deferGeneration: true },
      recipients: Array.from({ length: 5 }, (_, i) => ({ to: `u${i}@far.test` })),
    },
  });
  assert.equal(status, 202);
  const path = `/api/v1/batches/${value.batch}`;
  const done = await eventually('the end of the batch', async () => {
    const { value: batch } = await world.call({ method: 'GET', path });
    return batch.state === 'generating' ? undefined : batch;
  });
  assert.deepEqual([done.state, done.taken, done.failed], ['done', 5, 0]);
});
