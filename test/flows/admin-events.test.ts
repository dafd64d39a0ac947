/**
 * Aim: what operators and keys did to tenants, keys, domains and suppressed addresses is told by the events of the
 *      tenant, with who did it, and without a secret; an act that failed is not.
 * Method: the real server, its control methods and its HTTP API.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startApiWorld } from '../support/api-world.ts';
import { eventually } from '../support/test-server.ts';

it('acts on a tenant are events of it, by whom they were', async () => {
  await using world = await startApiWorld();
  const { test } = world;
  const { key, secret } = await test.call('key.create', {
    ...{ tenant: 'acme', scopes: ['suppression', 'events'] },
  });
  await test.call('dkim.rotate', { domain: 'acme.test', force: true });
  const { keys } = await test.call('dkim.list', { domain: 'acme.test' });
  const { selector } = keys.find(({ state }) => state === 'retired')!;
  await test.call('dkim.delete', { domain: 'acme.test', selector, force: true });
  const entries = [{ address: 'a@far.test' }, { address: 'b@far.test' }];
  await test.call('suppression.add', { tenant: 'acme', entries });
  await test.call('suppression.remove', { tenant: 'acme', address: 'a@far.test' });
  const path = '/api/v1/suppressions';
  const body = { entries: [{ address: 'c@far.test' }] };
  assert.equal((await world.call({ path, key: secret, body })).status, 200);
  const removed = { method: 'DELETE', path: `${path}?address=c@far.test`, key: secret };
  assert.equal((await world.call(removed)).status, 200);
  await assert.rejects(test.call('domain.delete', { name: 'nowhere.test' }));
  await test.call('domain.delete', { name: 'acme.test' });
  await test.call('key.delete', { id: 1 });

  const told = await eventually('the last act', async () => {
    const { value } = await world.call({
      ...{ method: 'GET', path: '/api/v1/events?after=start&type=admin', key: secret },
    });
    const events = value.events as readonly Record<'what' | 'detail' | 'by', string>[];
    return events.some(({ what }) => what === 'key-deleted') ? events : undefined;
  });
  assert.deepEqual(
    told.map(({ what, detail, by }) => [what, detail, by]),
    [
      ['tenant-created', 'acme', 'operator'],
      ['domain-created', 'acme.test', 'operator'],
      ['key-created', 'key 1: send', 'operator'],
      ['key-created', `key ${key.id}: suppression events`, 'operator'],
      ['dkim-rotated', 'acme.test', 'operator'],
      ['dkim-deleted', `acme.test ${selector}`, 'operator'],
      ['suppression-added', '2 addresses: 2 added', 'operator'],
      ['suppression-removed', 'a@far.test: 1 removed', 'operator'],
      ['suppression-added', 'c@far.test: 1 added', `key ${key.id}`],
      ['suppression-removed', 'c@far.test: 1 removed', `key ${key.id}`],
      ['domain-deleted', 'acme.test', 'operator'],
      ['key-deleted', 'key 1', 'operator'],
    ],
  );
  assert.ok(!JSON.stringify(told).includes(secret.slice(10)));
});
