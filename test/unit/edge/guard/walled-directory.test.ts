/**
 * Aim: over its wall a tenant reads nothing and changes nothing, whatever a caller asks for by mistake.
 * Method: each read and write of the directory, asked of what is another tenant's; then both tenants' rows are compared
 *         with those before.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryIdentity } from '../../../../src/adapters/memory/memory-directory.ts';
import { walledDirectory } from '../../../../src/edge/guard/walled-directory.ts';
import type { AccountDirectory } from '../../../../src/ports/account-directory.ts';
import { holdRulesPerTenantMax } from '../../../../src/ports/hold-rule.ts';
import { accountRow, domainRow } from '../../../contracts/directory-rows.ts';
import { identityWorld } from '../../../contracts/identity-world.ts';

async function world() {
  const identity = createMemoryIdentity();
  const one = await identityWorld({ identity, [Symbol.asyncDispose]: async () => {} });
  const { directory } = identity;
  const { ann, eve } = one;
  const key = await directory.createApiKey({
    ...{ tenant: eve.tenant, name: '', scopes: ['send'], hash: 'a'.repeat(64) },
    ...{ messagesPerMinuteMax: 0, createdMs: 1 },
  });
  const targets = ['eve@rival.test'];
  await directory.putAlias({ address: 'all@rival.test', tenant: eve.tenant, targets });
  await directory.noteSharing(eve.id, 0, true);
  const hold = await directory.createHoldRule({
    ...{ filter: { domain: 'far.test' }, createdMs: 1, untilMs: 0, note: '' },
  });
  return { ...one, directory, key, hold, walled: walledDirectory(directory, ann.tenant) };
}

async function everything(directory: AccountDirectory) {
  return {
    tenants: await directory.tenants(),
    domains: await directory.domains(),
    accounts: await directory.accounts(),
    aliases: await directory.aliases(),
    keys: await directory.apiKeys(),
    holds: await directory.holdRules(),
    secrets: await directory.srsSecrets(),
    dkim: await directory.dkimKeys('rival.test'),
  };
}

test('nothing of another tenant is read over the wall', async () => {
  const { walled, ann, bob, eve, key } = await world();
  assert.equal(await walled.isLocalDomain('rival.test'), false);
  assert.deepEqual(await walled.resolve('eve', 'rival.test'), { kind: 'remote' });
  assert.equal(await walled.accountByAddress('eve@rival.test'), undefined);
  assert.equal(await walled.accountById(eve.id), undefined);
  assert.equal(await walled.maySendAs(eve, 'eve@rival.test'), false);
  assert.deepEqual(await walled.dkimKeys('rival.test'), []);
  assert.equal(await walled.tenantById(eve.tenant), undefined);
  assert.equal(await walled.tenantByName('rival'), undefined);
  assert.equal(await walled.apiKey(key.id), undefined);
  assert.deepEqual(await walled.apiKeys(eve.tenant), []);
  assert.equal(await walled.domain('rival.test'), undefined);
  assert.deepEqual(await walled.accounts('rival.test'), []);
  assert.deepEqual(await walled.aliases('rival.test'), []);
  assert.deepEqual(await walled.sharersFor(eve.id), []);
  const own = await everything(walled);
  assert.deepEqual(
    own.tenants.map(({ name }) => name),
    ['acme'],
  );
  assert.deepEqual(
    own.domains.map(({ name }) => name),
    ['acme.test'],
  );
  assert.deepEqual(
    own.accounts.map(({ id }) => id),
    [ann.id, bob.id],
  );
  assert.deepEqual([own.aliases, own.keys, own.holds, own.secrets], [[], [], [], []]);
});

test('nothing is written over the wall', async () => {
  const { walled, directory, ann, eve, key, hold } = await world();
  const before = await everything(directory);
  const keyRow = { ...key, tenant: eve.tenant };
  const refused = { code: /not-found|domain-missing|already-exists/ };
  for (const write of [
    () => walled.createTenant({ name: 'more', createdMs: 1 }),
    () => walled.putTenant({ id: eve.tenant, name: 'rival', createdMs: 1, messagesPerDayMax: 1 }),
    () => walled.deleteTenant(eve.tenant),
    () => walled.createApiKey(keyRow),
    () => walled.deleteApiKey(key.id),
    () => walled.createHoldRule({ filter: {}, createdMs: 1, untilMs: 0, note: '' }),
    () => walled.deleteHoldRule(hold.id),
    () => walled.putSrsSecrets([]),
    () => walled.putDomain(domainRow('rival.test', { tenant: ann.tenant })),
    () => walled.putDomain(domainRow('rival.test', { tenant: eve.tenant })),
    () => walled.putDomain(domainRow('new.test', { tenant: eve.tenant })),
    () => walled.deleteDomain('rival.test'),
    () => walled.putDkimKeys('rival.test', []),
    () => walled.createAccount(accountRow('x@rival.test', { tenant: ann.tenant })),
    () => walled.createAccount(accountRow('x@rival.test', { tenant: eve.tenant })),
    () => walled.putAccount({ ...eve, isEnabled: false }),
    () => walled.deleteAccount(eve.id),
    () => walled.putAlias({ address: 'all@rival.test', tenant: eve.tenant, targets: ['a@b.test'] }),
    () => walled.putAlias({ address: 'x@rival.test', tenant: ann.tenant, targets: ['a@b.test'] }),
    () => walled.deleteAlias('all@rival.test'),
    () => walled.noteSharing(eve.id, 0, false),
    () => walled.noteSharing(ann.id, eve.id, true),
  ]) {
    await assert.rejects(
      async () => await write(),
      (error: { code: string }) => refused.code.test(error.code),
    );
  }
  walled.noteOverQuota(eve.id, true);
  await walled.close();
  assert.deepEqual(await everything(directory), before);
  assert.deepEqual(await directory.sharersFor(eve.id), [eve.id]);
  assert.equal((await directory.resolve('eve', 'rival.test')).kind, 'resolved');
});

test('within the wall all is as it is, and nobody hears of what others do', async () => {
  const { walled, directory, ann } = await world();
  const heard: unknown[] = [];
  walled.subscribe((change) => heard.push(change));
  await walled.putDomain(domainRow('more.test', { tenant: ann.tenant }));
  const made = await walled.createAccount(accountRow('new@more.test', { tenant: ann.tenant }));
  await walled.putAccount({ ...made, quotaBytes: 7 });
  await walled.putAlias({ address: 'x@more.test', tenant: ann.tenant, targets: ['new@more.test'] });
  assert.equal((await walled.resolve('x', 'more.test')).kind, 'resolved');
  assert.equal(await walled.maySendAs(made, 'x@more.test'), true);
  await walled.deleteAlias('x@more.test');
  await walled.deleteAccount(made.id);
  await walled.deleteDomain('more.test');
  const { id } = await walled.createApiKey({
    ...{ tenant: ann.tenant, name: '', scopes: ['send'], hash: 'a'.repeat(64) },
    ...{ messagesPerMinuteMax: 0, createdMs: 1 },
  });
  await walled.deleteApiKey(id);
  await walled.noteSharing(ann.id, 0, true);
  assert.deepEqual(await walled.sharersFor(ann.id), [ann.id]);
  assert.deepEqual(heard, []);
  assert.equal((await directory.domains()).length, 2);
});

test('a tenant holds its own mail back, sees operators’ rules, and ends its own alone', async () => {
  const { walled, directory, ann, eve } = await world();
  const rule = (id: number) => ({
    ...{ filter: { tenant: { id, name: '' }, domain: 'far.test' }, createdMs: 1, untilMs: 0 },
    note: '',
  });
  const made = await walled.createHoldRule(rule(ann.tenant));
  assert.equal(made.isByTenant, true);
  const byOperator = await directory.createHoldRule(rule(ann.tenant));
  const foreign = await directory.createHoldRule(rule(eve.tenant));
  const seen = async () => (await walled.holdRules()).map(({ id }) => id);
  assert.deepEqual(await seen(), [made.id, byOperator.id]);
  await assert.rejects(walled.createHoldRule(rule(eve.tenant)), { code: 'not-found' });
  await assert.rejects(walled.deleteHoldRule(foreign.id), { code: 'not-found' });
  await assert.rejects(walled.deleteHoldRule(byOperator.id), { code: 'permission-missing' });
  await walled.deleteHoldRule(made.id);
  assert.deepEqual(await seen(), [byOperator.id]);
  for (let i = 0; i < holdRulesPerTenantMax; i++) await walled.createHoldRule(rule(ann.tenant));
  await assert.rejects(walled.createHoldRule(rule(ann.tenant)), { code: 'not-possible-now' });
  const others = walledDirectory(directory, eve.tenant);
  assert.equal((await others.createHoldRule(rule(eve.tenant))).isByTenant, true);
});
