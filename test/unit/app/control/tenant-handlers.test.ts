/** Aim: who owns what, as operators see it. Method: the handlers over a directory in memory. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControlCall } from '../../../../src/actors/asks/control.ts';
import { askedHere } from '../../../../src/actors/asks/principal.ts';
import { createMemoryDirectory } from '../../../../src/adapters/memory/memory-directory.ts';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import { TableSuppressions } from '../../../../src/adapters/table/suppressions.ts';
import { directoryHandlers } from '../../../../src/app/control/directory-handlers.ts';
import type { ControlParts } from '../../../../src/app/control/parts.ts';
import { tenantHandlers } from '../../../../src/app/control/tenant-handlers.ts';
import { tenantId } from '../../../../src/base/ids.ts';
import { hashOfSecret } from '../../../../src/edge/guard/api-keys.ts';
import { defaultSettings } from '../../../support/default-settings.ts';

const noCall = { by: askedHere } as ControlCall<never>;

function world() {
  const directory = createMemoryDirectory();
  const parts = {
    directory,
    settings: defaultSettings,
    clock: { nowMs: () => 5 },
    random: { bytes: (length: number) => new Uint8Array(length).fill(7) },
    jobs: { run: async () => ({ ok: true, value: [] }) },
    router: { ask: async () => ({ ok: true, value: null }) },
    dkimKeys: { create: async () => {} },
    policyChanged: async () => {},
    shaping: { tenantsChanged: async () => {} },
  } as unknown as ControlParts;
  return { directory, handlers: { ...directoryHandlers(parts), ...tenantHandlers(parts) } };
}

test('a key’s secret is told once and opens its tenant', async () => {
  const { directory, handlers } = world();
  await handlers['tenant.create']!({ name: 'acme' }, noCall);
  const asked = { tenant: 'acme', scopes: ['send'], name: 'shop', messagesPerMinuteMax: 60 };
  const { key, secret } = await handlers['key.create']!(asked, noCall);
  const view = { id: 1, ...asked, createdMs: 5 };
  assert.deepEqual(key, view);
  const hash = hashOfSecret(Buffer.from(secret.slice('chaski_1_'.length), 'base64url'));
  assert.deepEqual(
    [
      (await directory.apiKeys())[0]?.hash,
      JSON.stringify(await directory.apiKeys()).includes(secret),
    ],
    [hash.toString('hex'), false],
  );
  const { keys } = await handlers['key.list']!({ tenant: 'acme' }, noCall);
  assert.deepEqual(keys, [view]);
  assert.deepEqual(await handlers['key.list']!({}, noCall), { keys });
  assert.deepEqual(await handlers['key.list']!({ tenant: 'default' }, noCall), { keys: [] });
  await handlers['key.delete']!({ id: 1 }, noCall);
  assert.deepEqual(await directory.apiKeys(), []);
});

test('nothing is made for a tenant that is not there', async () => {
  const { handlers } = world();
  const missing = { code: 'not-found' };
  const key = async () => handlers['key.create']!({ tenant: 'nobody', scopes: ['send'] }, noCall);
  await assert.rejects(key, missing);
  await assert.rejects(async () => handlers['key.list']!({ tenant: 'nobody' }, noCall), missing);
  const domain = { name: 'a.test', tenant: 'nobody' };
  await assert.rejects(async () => handlers['domain.create']!(domain, noCall), missing);
  assert.deepEqual(await handlers['domain.list']!({}, noCall), { domains: [] });
  await assert.rejects(async () => handlers['key.delete']!({ id: 0 }, noCall), {
    code: 'argument-invalid',
  });
});

test('accounts and aliases are of their domain’s tenant', async () => {
  const { handlers } = world();
  const { tenant } = await handlers['tenant.create']!({ name: 'acme' }, noCall);
  await handlers['domain.create']!({ name: 'acme.test', tenant: 'acme' }, noCall);
  const { account } = await handlers['account.create']!({ address: 'ann@acme.test' }, noCall);
  assert.equal(account.tenant, tenant.id);
  const set = { address: 'all@acme.test', targets: ['ann@acme.test'], mustBeNew: true };
  const { alias } = await handlers['alias.set']!(set, noCall);
  assert.equal(alias.tenant, tenant.id);
});

test('a tenant that goes takes its webhooks and suppressed addresses along, and no other’s', async () => {
  const directory = createMemoryDirectory();
  const suppressions = new TableSuppressions({ table: new MemoryIndex() });
  const removed: unknown[] = [];
  const parts = {
    directory,
    suppressions,
    clock: { nowMs: () => 5 },
    webhooks: {
      list: (tenant: number) => (tenant === 1 ? [{ id: 7 }, { id: 9 }] : [{ id: 8 }]),
      remove: async (...of: number[]) => void removed.push(of),
    },
    batches: { list: () => [] },
    policyChanged: async () => {},
    shaping: { tenantsChanged: async () => {} },
  } as unknown as ControlParts;
  const handlers = tenantHandlers(parts);
  await handlers['tenant.create']!({ name: 'acme' }, noCall);
  await handlers['tenant.create']!({ name: 'rival' }, noCall);
  const entry = (tenant: number, address: string) => ({
    ...{ tenant: tenantId(tenant), address, stream: '', reason: 'manual' as const },
    ...{ sinceMs: 1, untilMs: 0, note: '' },
  });
  await suppressions.add(
    Array.from({ length: 1_200 }, (_, place) => entry(1, `n${place}@far.test`)),
  );
  await suppressions.add([entry(2, 'x@far.test')]);
  await handlers['tenant.delete']!({ name: 'acme' }, noCall);
  assert.deepEqual(removed, [
    [7, 1],
    [9, 1],
  ]);
  assert.equal(suppressions.count(tenantId(1)), 0);
  assert.equal(suppressions.count(tenantId(2)), 1);
  const again = async () => handlers['tenant.delete']!({ name: 'acme' }, noCall);
  await assert.rejects(again, { code: 'not-found' });
});
