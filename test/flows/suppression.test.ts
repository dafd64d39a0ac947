/**
 * Aim: a suppressed address gets no mail of its tenant, and who sends it is told. Method: the real server, a next hop,
 * SMTP, HTTP and operators' methods.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { askedHere } from '../../src/actors/asks/principal.ts';
import { startApiWorld } from '../support/api-world.ts';
import { NextHop } from '../support/next-hop.ts';
import { smtpReplies } from '../support/small-mail.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

async function eventsOf(test: TestServer, kind: string) {
  return await eventually(kind, async () => {
    const { events } = await test.call('events', { after: 'start', limit: 1_000 });
    const found = events.filter((event) => event.kind === kind);
    return found.length > 0 ? found : undefined;
  });
}

it('a suppressed recipient is refused at RCPT, but not to strangers, and not a report', async () => {
  await using hop = await new NextHop().start();
  await using test = await startTestServer({ 'relay.route': `smtp://127.0.0.1:${hop.port}` });
  const entries = [{ address: 'bob@far.test', reason: 'complaint' }];
  await test.call('suppression.add', { tenant: 'default', entries });
  const replies = await smtpReplies(test, [
    'MAIL FROM:<ann@here.test>',
    'RCPT TO:<Bob@FAR.test>',
    'RCPT TO:<cyd@far.test>',
    'RSET',
    'MAIL FROM:<>',
    'RCPT TO:<bob@far.test>',
  ]);
  assert.match(replies[1]!, /^550 5\.7\.1 Recipient is on your suppression list/);
  assert.match(replies[2]!, /^250 /);
  assert.match(replies[5]!, /^250 /);
  const [event, ...more] = await eventsOf(test, 'suppressed');
  assert.deepEqual(more, []);
  assert.match(event!.recipients[0]!, /^bob@far\.test$/i);
  assert.deepEqual([event!.sender, event!.why], ['ann@here.test', 'complaint']);
});

it('mail that waits is not tried once its recipient is suppressed, and its sender hears of it', async () => {
  const reply = (command: string) =>
    /^RCPT.*<later@/.test(command) ? '450 4.2.0 Greylisted' : undefined;
  await using hop = await new NextHop({ reply }).start();
  await using test = await startTestServer({
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'retry.greylistMsMin': '1s',
  });
  await test.call('domain.create', { name: 'here.test' });
  await test.call('account.create', { address: 'ann@here.test' });
  const call = {
    by: askedHere,
    body: Buffer.from('Subject: x\r\n\r\nx\r\n'),
    signal: new AbortController().signal,
    emit: async () => {},
  };
  const params = { sender: 'ann@here.test', recipients: ['later@far.test'] };
  const { id } = await test.server.handlers['message.send']!(params, call);
  await eventually('the first try', () =>
    hop.commands.some((c) => /later@/.test(c)) ? true : undefined,
  );
  const tries = hop.commands.filter((command) => /later@/.test(command)).length;
  await test.call('suppression.add', {
    tenant: 'default',
    entries: [{ address: 'later@far.test' }],
  });
  await test.call('queue.retry', { ids: [id] });
  const [event] = await eventsOf(test, 'suppressed');
  assert.deepEqual([event!.message, event!.why], [id, 'manual']);
  assert.equal(hop.commands.filter((command) => /later@/.test(command)).length, tries);
  await eventually('the report', async () => {
    const { account } = await test.call('account.show', { address: 'ann@here.test' });
    return account.messageCount === 1 ? true : undefined;
  });
});

it('HTTP names who is suppressed, and sends to the others', async () => {
  await using world = await startApiWorld();
  const { test, hop } = world;
  const { secret } = await test.call('key.create', { tenant: 'acme', scopes: ['suppression'] });
  const path = '/api/v1/suppressions';
  const entries = [
    { address: 'bob@far.test', stream: 'news', reason: 'unsubscribe' },
    { address: 'cyd@far.test', until: new Date(Date.now() + 60_000).toISOString(), note: 'x' },
    { address: 'none' },
  ];
  const added = await world.call({ path, key: secret, body: { entries } });
  assert.deepEqual(added.value, { added: 2, unchanged: 0, invalid: [2] });
  assert.equal((await world.call({ path, body: { entries } })).status, 403);

  const from = 'shop@acme.test';
  const one = { from, text: 'x', campaign: 'news', to: 'bob@far.test' };
  const refused = await world.call({ body: one });
  assert.equal(refused.status, 403);
  assert.deepEqual(
    [refused.value.error.code, refused.value.error.path],
    ['recipient-suppressed', '/to'],
  );
  assert.equal((await world.call({ body: { ...one, campaign: 'orders' } })).status, 202);
  assert.equal(
    (await world.call({ key: world.otherKey, body: { ...one, from: 'a@other.test' } })).status,
    202,
  );

  const batch = await world.call({
    body: {
      ...{ from, text: 'x', campaign: 'news' },
      recipients: ['ann@far.test', 'bob@far.test', 'cyd@far.test'].map((to) => ({ to })),
    },
  });
  assert.equal(batch.status, 202);
  assert.deepEqual(batch.value.suppressed, [
    { index: 1, address: 'bob@far.test', reason: 'unsubscribe' },
    { index: 2, address: 'cyd@far.test', reason: 'manual' },
  ]);
  assert.deepEqual(
    batch.value.ids.map((id) => id === null),
    [false, true, true],
  );
  const some = await world.call({
    body: { from, text: 'x', to: ['cyd@far.test', 'ann@far.test'] },
  });
  assert.deepEqual(some.value.suppressed, [
    { index: 0, address: 'cyd@far.test', reason: 'manual' },
  ]);
  await eventually('four messages', () => (hop.messages.length === 4 ? true : undefined));

  const listed = await world.call({ path: `${path}?limit=1`, method: 'GET', key: secret });
  const [first] = listed.value.suppressions as { address: string }[];
  assert.equal(first!.address, 'bob@far.test');
  const next = await world.call({
    path: `${path}?after=${listed.value.next}`,
    ...{ method: 'GET', key: secret },
  });
  assert.deepEqual(
    (next.value.suppressions as { address: string }[]).map(({ address }) => address),
    ['cyd@far.test'],
  );
  const gone = { path: `${path}?address=bob%40far.test`, method: 'DELETE', key: secret };
  assert.deepEqual((await world.call(gone)).value, { removed: 1 });
  assert.equal((await world.call(gone)).status, 404);
  assert.equal((await world.call({ body: one })).status, 202);
});

it('what was suppressed is so after a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-suppression-'));
  try {
    await using first = await startTestServer({}, { folder });
    const entries = [{ address: 'bob@far.test' }];
    await first.call('suppression.add', { tenant: 'default', entries });
    await first.stop();
    await using second = await startTestServer({}, { folder });
    const [, reply] = await smtpReplies(second, [
      'MAIL FROM:<a@here.test>',
      'RCPT TO:<bob@far.test>',
    ]);
    assert.match(reply!, /^550 5\.7\.1 /);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('strangers’ mail to our accounts is not judged by the list of the tenant that has them', async () => {
  await using hop = await new NextHop().start();
  await using test = await startTestServer({
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'relay.networks': '',
  });
  await test.call('domain.create', { name: 'here.test' });
  const names = ['ann', 'bob', 'cyd', 'dan', 'eve', 'fay'].map((name) => `${name}@here.test`);
  for (const address of names) await test.call('account.create', { address });
  const entries = names.map((address) => ({ address, reason: 'unsubscribe' }) as const);
  await test.call('suppression.add', { tenant: 'default', entries });
  const replies = await smtpReplies(test, [
    'MAIL FROM:<stranger@far.test>',
    ...names.map((address) => `RCPT TO:<${address}>`),
    'DATA',
    'Subject: x\r\n\r\nx\r\n.',
  ]);
  assert.ok(replies.at(-1)!.startsWith('250 '), replies.join('\n'));
  for (const address of names) {
    await eventually(`mail of ${address}`, async () => {
      const { account } = await test.call('account.show', { address });
      return account.messageCount === 1 ? true : undefined;
    });
  }
  const { events } = await test.call('events', { after: 'start', limit: 1_000 });
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'suppressed' || kind === 'failed'),
    [],
  );
});
