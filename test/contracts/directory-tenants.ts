/**
 * The part of the account directory's contract that is about tenants and API keys.
 *
 * Method: as in `account-directory.ts`, which runs it against each adapter.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type ApiKeyId, defaultTenant, type TenantId } from '../../src/base/ids.ts';
import { type ApiKey, apiKeysPerTenantMax } from '../../src/ports/account-directory.ts';
import { holdRulesMax } from '../../src/ports/hold-rule.ts';
import type { OpenedDirectory } from './account-directory.ts';
import { accountRow, domainRow } from './directory-rows.ts';

function keyRow(more: Partial<ApiKey> = {}): Omit<ApiKey, 'id'> {
  return {
    tenant: defaultTenant,
    name: 'shop',
    scopes: ['send'],
    hash: 'ab'.repeat(32),
    messagesPerMinuteMax: 0,
    createdMs: 1,
    ...more,
  };
}

export function tenantContract(opened: () => Promise<OpenedDirectory>): void {
  it('always has the tenant default, and numbers others from one', async () => {
    await using one = await opened();
    const { directory } = one;
    const first = { id: defaultTenant, name: 'default', createdMs: 0 };
    assert.deepEqual(await directory.tenants(), [first]);
    const acme = await directory.createTenant({ name: 'acme', createdMs: 7 });
    const other = await directory.createTenant({ name: 'o-2', createdMs: 8 });
    assert.deepEqual([acme.id, other.id], [1, 2]);
    assert.deepEqual(await directory.tenants(), [first, acme, other]);
    assert.deepEqual(await directory.tenantByName('acme'), acme);
    assert.deepEqual(await directory.tenantById(defaultTenant), first);
    assert.deepEqual(await directory.tenantByName('default'), first);
    assert.equal(await directory.tenantByName('nobody'), undefined);
    assert.equal(await directory.tenantById(9 as TenantId), undefined);
    const again = await one.reopen?.();
    if (again !== undefined) assert.deepEqual(await again.tenants(), [first, acme, other]);
  });

  it('changes what tenants and domains are when they are written, and leaves what others changed', async () => {
    await using one = await opened();
    const { directory } = one;
    const acme = await directory.createTenant({ name: 'acme', createdMs: 7 });
    await directory.putDomain(domainRow('acme.test', { tenant: acme.id }));
    const hour = directory.changeTenant(acme.id, (row) => ({ ...row, messagesPerHourMax: 5 }));
    const day = directory.changeTenant(acme.id, (row) => ({ ...row, messagesPerDayMax: 9 }));
    await hour;
    assert.deepEqual(await day, { ...acme, messagesPerHourMax: 5, messagesPerDayMax: 9 });
    assert.deepEqual(await directory.tenantById(acme.id), await day);
    const catchAll = directory.changeDomain('ACME.test', (row) => ({
      ...row,
      catchAll: 'a@x.test',
    }));
    const most = directory.changeDomain('acme.test', (row) => ({ ...row, accountsMax: 3 }));
    await catchAll;
    const expected = domainRow('acme.test', {
      tenant: acme.id,
      catchAll: 'a@x.test',
      accountsMax: 3,
    });
    assert.deepEqual(await most, expected);
    assert.deepEqual(await directory.domain('acme.test'), expected);
    const noTenant = directory.changeTenant(9 as TenantId, (row) => row);
    await assert.rejects(noTenant, { code: 'not-found' });
    const noDomain = directory.changeDomain('other.test', (row) => row);
    await assert.rejects(noDomain, { code: 'domain-missing' });
    const moved = directory.changeDomain('acme.test', (row) => ({ ...row, tenant: defaultTenant }));
    await assert.rejects(moved, { code: 'argument-invalid' });
  });

  it('keeps a tenant’s quotas, and tells whoever listens', async () => {
    await using one = await opened();
    const { directory } = one;
    const acme = await directory.createTenant({ name: 'acme', createdMs: 7 });
    const heard: unknown[] = [];
    directory.subscribe((change) => heard.push(change));
    const quoted = { ...acme, messagesPerHourMax: 5, messagesPerDayMax: 9 };
    await directory.putTenant(quoted);
    assert.deepEqual(heard, [{ kind: 'tenant', id: acme.id }]);
    assert.deepEqual(await directory.tenantByName('acme'), quoted);
    const put = (row: typeof quoted) => directory.putTenant(row);
    await assert.rejects(put({ ...quoted, id: 9 as TenantId }), { code: 'not-found' });
    await assert.rejects(put({ ...quoted, name: 'b' }), { code: 'argument-invalid' });
    await assert.rejects(put({ ...quoted, id: defaultTenant }), { code: 'argument-invalid' });
    await assert.rejects(put({ ...quoted, messagesPerDayMax: 0.5 }), { code: 'argument-invalid' });
    await assert.rejects(put({ ...quoted, queueMax: -1 }), { code: 'argument-invalid' });
    const again = await one.reopen?.();
    if (again !== undefined) assert.deepEqual(await again.tenantById(acme.id), quoted);
  });

  it('refuses a tenant that is there, and a name that is none', async () => {
    await using one = await opened();
    const { directory } = one;
    await directory.createTenant({ name: 'a'.repeat(63), createdMs: 1 });
    for (const name of ['default', 'a'.repeat(63)]) {
      const again = directory.createTenant({ name, createdMs: 1 });
      await assert.rejects(again, { code: 'already-exists' }, name);
    }
    for (const name of ['', 'A', 'a b', '-a', 'a-', 'ä', 'a'.repeat(64), 'a.b']) {
      const bad = directory.createTenant({ name, createdMs: 1 });
      await assert.rejects(bad, { code: 'argument-invalid' }, name);
    }
  });

  it('an account is of its domain’s tenant', async () => {
    await using one = await opened();
    const { directory } = one;
    const { id } = await directory.createTenant({ name: 'acme', createdMs: 1 });
    await directory.putDomain(domainRow('acme.test', { tenant: id }));
    const ann = await directory.createAccount(accountRow('ann@acme.test', { tenant: id }));
    assert.equal(ann.tenant, id);
    await assert.rejects(directory.createAccount(accountRow('bob@acme.test')), {
      code: 'argument-invalid',
    });
  });

  it('a domain keeps its tenant, and an alias its', async () => {
    await using one = await opened();
    const { directory } = one;
    const { id: acme } = await directory.createTenant({ name: 'acme', createdMs: 1 });
    await directory.putDomain(domainRow('acme.test', { tenant: acme }));
    await directory.createAccount(accountRow('ann@acme.test', { tenant: acme }));
    const invalid = { code: 'argument-invalid' };
    await assert.rejects(directory.putDomain(domainRow('acme.test')), invalid);
    const nobody = domainRow('new.test', { tenant: 9 as TenantId });
    await assert.rejects(directory.putDomain(nobody), { code: 'not-found' });
    const alias = { address: 'all@acme.test', tenant: acme, targets: ['ann@acme.test'] };
    await directory.putAlias(alias);
    const taken = { ...alias, tenant: defaultTenant, targets: ['x@far.test'] };
    await assert.rejects(directory.putAlias(taken), invalid);
    assert.deepEqual(await directory.aliases('acme.test'), [alias]);
    assert.equal((await directory.domain('acme.test'))?.tenant, acme);
  });

  it('nobody sends as an address of another tenant, whatever rows say', async () => {
    await using one = await opened();
    const { directory } = one;
    const { id: acme } = await directory.createTenant({ name: 'acme', createdMs: 1 });
    await directory.putDomain(domainRow('acme.test', { tenant: acme }));
    const own = { sendAs: ['*@acme.test', 'boss@acme.test', 'x@far.test'] };
    const eve = await directory.createAccount(accountRow('eve@a.test', own));
    // An alias of theirs that leads here brings mail; it lends no sender.
    await directory.putAlias({
      ...{ address: 'info@acme.test', tenant: acme, targets: ['eve@a.test'] },
    });
    for (const address of ['boss@acme.test', 'ann@acme.test', 'info@acme.test']) {
      assert.equal(await directory.maySendAs(eve, address), false, address);
    }
    assert.equal(await directory.maySendAs(eve, 'x@far.test'), true);
    assert.equal(await directory.maySendAs(eve, 'eve@a.test'), true);
  });

  it('keeps API keys until they are deleted, and gives no number twice', async () => {
    await using one = await opened();
    const { directory } = one;
    const { id: acme } = await directory.createTenant({ name: 'acme', createdMs: 1 });
    const first = await directory.createApiKey(keyRow());
    const second = await directory.createApiKey(keyRow({ tenant: acme, name: '' }));
    assert.deepEqual(first, { id: 1, ...keyRow() });
    assert.equal(second.id, 2);
    assert.deepEqual(await directory.apiKey(first.id), first);
    assert.deepEqual(await directory.apiKeys(), [first, second]);
    assert.deepEqual(await directory.apiKeys(acme), [second]);
    await directory.deleteApiKey(second.id);
    assert.equal(await directory.apiKey(second.id), undefined);
    assert.deepEqual(await directory.apiKeys(acme), []);
    await assert.rejects(directory.deleteApiKey(second.id), { code: 'not-found' });
    assert.equal((await directory.createApiKey(keyRow())).id, 3);
    const again = await one.reopen?.();
    if (again !== undefined) {
      assert.deepEqual(
        (await again.apiKeys()).map((key) => key.id),
        [1, 3],
      );
    }
  });

  it('refuses a key of nobody, for nothing, or whose secret is not hashed', async () => {
    await using one = await opened();
    const { directory } = one;
    const refused = async (more: Partial<ApiKey>, code: string) =>
      await assert.rejects(directory.createApiKey(keyRow(more)), { code }, JSON.stringify(more));
    await refused({ tenant: 9 as TenantId }, 'not-found');
    await refused({ scopes: [] }, 'argument-invalid');
    await refused({ scopes: ['root' as 'send'] }, 'argument-invalid');
    await refused({ hash: 'secret' }, 'argument-invalid');
    await refused({ name: 'n'.repeat(65) }, 'argument-invalid');
    await refused({ messagesPerMinuteMax: -1 }, 'argument-invalid');
    assert.equal(await directory.apiKey(1 as ApiKeyId), undefined);
  });

  it('a tenant has at most `apiKeysPerTenantMax` keys', async () => {
    await using one = await opened();
    const { directory } = one;
    const { id: acme } = await directory.createTenant({ name: 'acme', createdMs: 1 });
    const many = Array.from({ length: apiKeysPerTenantMax }, () =>
      directory.createApiKey(keyRow({ tenant: acme })),
    );
    const made = await Promise.all(many);
    await assert.rejects(directory.createApiKey(keyRow({ tenant: acme })), {
      code: 'not-possible-now',
    });
    await directory.createApiKey(keyRow());
    await directory.deleteApiKey(made[0]!.id);
    await directory.createApiKey(keyRow({ tenant: acme }));
  });

  it('tells subscribers of tenants and keys', async () => {
    await using one = await opened();
    const { directory } = one;
    const told: unknown[] = [];
    directory.subscribe((change) => told.push(change));
    await directory.createTenant({ name: 'acme', createdMs: 1 });
    await directory.createApiKey(keyRow());
    await directory.deleteApiKey(1 as ApiKeyId);
    const key = { kind: 'api-key', id: 1 };
    assert.deepEqual(told, [{ kind: 'tenant', id: 1 }, key, key]);
  });

  it('keeps hold rules, numbers them once, and has a bound', async () => {
    await using one = await opened();
    const { directory } = one;
    const rule = { filter: { domain: 'a.test' }, createdMs: 1, untilMs: 0, note: 'why' };
    const first = await directory.createHoldRule(rule);
    const second = await directory.createHoldRule({ ...rule, filter: { campaign: '' } });
    assert.deepEqual([first.id, second.id], [1, 2]);
    assert.deepEqual(await directory.holdRules(), [first, second]);
    await directory.deleteHoldRule(2);
    await assert.rejects(directory.deleteHoldRule(2), { code: 'not-found' });
    for (const bad of [
      { ...rule, filter: {} },
      { ...rule, note: 'two\nlines' },
      { ...rule, note: 'x'.repeat(201) },
    ]) {
      await assert.rejects(directory.createHoldRule(bad), { code: 'argument-invalid' });
    }
    assert.equal((await directory.createHoldRule(rule)).id, 3);
    for (let count = 2; count < holdRulesMax; count++) await directory.createHoldRule(rule);
    await assert.rejects(directory.createHoldRule(rule), { code: 'not-possible-now' });
    const again = await one.reopen?.();
    if (again !== undefined) assert.equal((await again.holdRules()).length, holdRulesMax);
  });
}
