/** Aim: operators suspend a tenant's or a domain's mail on a running server, and it goes on when they resume. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { NextHop } from '../support/next-hop.ts';
import { sendSmall } from '../support/small-mail.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

async function heldIds(test: TestServer): Promise<string[]> {
  const { entries } = await test.call('queue.list', { state: 'held', limit: 10 });
  return entries.map(({ id }) => id);
}

it('a suspended domain waits, through a restart, while other mail goes; a resumed one goes on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-test-'));
  await using hop = await new NextHop({}).start();
  const settings = { 'relay.route': `smtp://127.0.0.1:${hop.port}` };
  const sites = () => hop.messages.map(({ recipients }) => recipients[0]!).sort();
  try {
    await using first = await startTestServer(settings, { folder });
    const suspend = { domain: 'Far.test', untilMs: 0, note: 'asked by phone' };
    const { rule } = await first.call('queue.suspend', suspend);
    assert.deepEqual(rule.filter, { domain: 'far.test' });
    const held = await sendSmall(first, 'a@far.test');
    await sendSmall(first, 'b@near.test');
    await eventually('the other is delivered', () => hop.messages.length === 1 || undefined);
    assert.deepEqual(await heldIds(first), [held]);
    const { message } = await first.call('queue.explain', { of: held });
    assert.deepEqual(
      message!.recipients.map(({ reason, rule: by }) => [reason, by]),
      [['suspended', rule.id]],
    );
    await first.stop();

    await using test = await startTestServer(settings, { folder });
    const later = await sendSmall(test, 'c@far.test');
    assert.deepEqual((await test.call('queue.suspensions', {})).rules, [rule]);
    await eventually('both wait', async () => (await heldIds(test)).length === 2 || undefined);
    assert.deepEqual(await heldIds(test), [held, later]);
    assert.deepEqual(sites(), ['b@near.test']);
    await test.call('queue.resume', { id: rule.id });
    await eventually('all are delivered', () => hop.messages.length === 3 || undefined);
    assert.deepEqual(sites(), ['a@far.test', 'b@near.test', 'c@far.test']);
    await assert.rejects(test.call('queue.resume', { id: rule.id }), { code: 'not-found' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('a suspension names a tenant that is there, ends in the future, and says what it holds', async () => {
  await using test = await startTestServer({});
  const none = { untilMs: 0, note: '' };
  const tenant = test.call('queue.suspend', { ...none, tenant: 'nobody' });
  await assert.rejects(tenant, { code: 'not-found' });
  const past = test.call('queue.suspend', { ...none, domain: 'a.test', untilMs: 1 });
  await assert.rejects(past, { code: 'argument-invalid' });
  await assert.rejects(test.call('queue.suspend', none), { code: 'argument-invalid' });
  const { rule } = await test.call('queue.suspend', { ...none, tenant: 'default' });
  assert.deepEqual(rule.filter, { tenant: { id: 0, name: 'default' } });
  const list = test.call('queue.list', { tenant: 'nobody', limit: 1 });
  await assert.rejects(list, { code: 'not-found' });
});

it('what waits for a connection when its domain is suspended does not go, and goes once it is resumed', async () => {
  await using hop = await new NextHop({}).start();
  const folder = mkdtempSync(join(tmpdir(), 'chaski-test-'));
  const rules = join(folder, 'rules.toml');
  writeFileSync(rules, '[[limits]]\nsite = "127.0.0.1"\nmessageRate = "8/s"\n');
  try {
    await using test = await startTestServer({
      'relay.route': `smtp://127.0.0.1:${hop.port}`,
      'shaping.file': rules,
    });
    for (let i = 0; i < 12; i++) await sendSmall(test, `b${i}@far.test`);
    await eventually('some are delivered', () => hop.messages.length > 1 || undefined);
    const { rule } = await test.call('queue.suspend', {
      ...{ domain: 'far.test', untilMs: 0, note: '' },
    });
    const before = hop.messages.length;
    await sendSmall(test, 'other@near.test');
    await eventually('the other is delivered', () =>
      hop.messages.some(({ recipients }) => recipients[0] === 'other@near.test') ? true : undefined,
    );
    // One may have been on its way.
    assert.ok(hop.messages.length <= before + 2, `${hop.messages.length} after ${before}`);
    await test.call('queue.resume', { id: rule.id });
    await eventually('some more are delivered', () => hop.messages.length > 7 || undefined);
    await eventually('all are delivered', () => hop.messages.length === 13 || undefined);
    assert.equal(new Set(hop.messages.map(({ recipients }) => recipients[0])).size, 13);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
