/**
 * The contract of limits set on levels (`src/ports/levels.ts`), run against each adapter of the directory.
 *
 * Method: as of `credentials.ts`.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Account } from '../../src/ports/account-directory.ts';
import { accountRow } from './directory-rows.ts';
import { identityWorld, type OpenedIdentity } from './identity-world.ts';

const both = ['quotaBytes', 'quotaMessages'] as const;

export function levelContract(name: string, open: () => Promise<OpenedIdentity>): void {
  const world = async () => {
    const one = await identityWorld(await open());
    const { directory } = one.identity;
    const { tenant } = one.ann;
    const row = accountRow('heir@acme.test', { tenant, inherits: both });
    return { ...one, directory, heir: await directory.createAccount(row) };
  };

  describe(`levels contract: ${name}`, () => {
    it('an account has the nearest limit that is set, and 0 is one', async () => {
      await using one = await world();
      const { ann, heir, directory } = one;
      const held = async (from = directory) => {
        const account = (await from.accountById(heir.id))!;
        return [account.quotaBytes, account.quotaMessages ?? 0];
      };
      assert.deepEqual(await held(), [0, 0]);
      await directory.putServerLevel({ accountQuotaBytes: 10, accountQuotaMessages: 3 });
      assert.deepEqual(await held(), [10, 3]);
      const tenant = (await directory.tenantById(ann.tenant))!;
      await directory.putTenant({ ...tenant, accountQuotaBytes: 20 });
      assert.deepEqual(await held(), [20, 3]);
      const domain = (await directory.domain('acme.test'))!;
      await directory.putDomain({ ...domain, accountQuotaBytes: 0 });
      assert.deepEqual(await held(), [0, 3]);
      const own: Account = { ...heir, quotaBytes: 5, inherits: ['quotaMessages'] };
      await directory.putAccount(own);
      assert.deepEqual(await held(), [5, 3]);
      const again = ((await one.reopen?.()) ?? one.identity).directory;
      assert.deepEqual(await held(again), [5, 3]);
      await again.putAccount({ ...own, quotaMessages: 99, inherits: both });
      await again.putDomain(domain);
      await again.putTenant(tenant);
      assert.deepEqual(await held(again), [10, 3], 'what it said of inherited ones is not kept');
      const [listed] = (await again.accounts('acme.test')).filter(({ id }) => id === heir.id);
      assert.equal(listed?.quotaBytes, 10);
      const all = await again.accounts();
      assert.equal(all.find(({ id }) => id === heir.id)?.quotaBytes, 10);
      assert.equal((await again.accountById(one.eve.id))?.quotaBytes, 0, 'no heir of anything');
      assert.equal((await again.accountById(ann.id))?.inherits, undefined);
    });

    it('no level below a tenant lifts its ceiling, and no other tenant has it', async () => {
      await using one = await world();
      const { ann, heir, directory } = one;
      const held = async (id = heir.id) => {
        const account = (await directory.accountById(id))!;
        return [account.quotaBytes, account.quotaMessages ?? 0];
      };
      const eves = await held(one.eve.id);
      const tenant = (await directory.tenantById(ann.tenant))!;
      const ceilings = { accountQuotaBytesMax: 8, accountQuotaMessagesMax: 4 };
      await directory.putTenant({ ...tenant, ...ceilings });
      assert.deepEqual(await directory.spreads(), [{ id: 1, tenant: ann.tenant }]);
      assert.deepEqual(await held(), [8, 4], 'no limit is past it');
      assert.deepEqual(await held(ann.id), [8, 4], 'one that inherits nothing has it too');
      const domain = (await directory.domain('acme.test'))!;
      for (const [said, counts] of [
        ...([
          [0, 8],
          [7, 7],
          [8, 8],
          [9, 8],
        ] as const),
      ]) {
        await directory.putDomain({ ...domain, accountQuotaBytes: said });
        assert.equal((await held())[0], counts, `the domain says ${said}`);
        await directory.putAccount({ ...heir, quotaBytes: said, inherits: ['quotaMessages'] });
        assert.equal((await held())[0], counts, `the account says ${said}`);
        await directory.putAccount(heir);
        await directory.putTenant({ ...tenant, ...ceilings, accountQuotaBytes: said });
        await directory.putDomain(domain);
        assert.equal((await held())[0], counts, `the tenant says ${said}`);
      }
      assert.deepEqual(await held(one.eve.id), eves);
      const again = ((await one.reopen?.()) ?? one.identity).directory;
      assert.equal((await again.accountById(ann.id))?.quotaBytes, 8);
    });

    it('what an account says of its own is there again once a ceiling is gone, whatever was changed under it', async () => {
      await using one = await world();
      const { ann, directory } = one;
      await directory.changeAccount(ann.id, (row) => ({ ...row, quotaBytes: 20, inherits: [] }));
      const tenant = (await directory.tenantById(ann.tenant))!;
      await directory.putTenant({ ...tenant, accountQuotaBytesMax: 8 });
      const under = await directory.changeAccount(ann.id, (row) => ({ ...row, isEnabled: false }));
      assert.deepEqual([under.quotaBytes, under.isEnabled], [8, false]);
      await directory.putTenant(tenant);
      const now = (await directory.accountById(ann.id))!;
      assert.deepEqual([now.quotaBytes, now.isEnabled], [20, false]);
    });

    it('marks that shards are to be told, with the level’s own commit, until they were', async () => {
      await using one = await world();
      const { ann, directory } = one;
      assert.deepEqual(await directory.spreads(), []);
      await directory.putServerLevel({ accountQuotaBytes: 10 });
      await directory.putServerLevel({ accountQuotaBytes: 10 });
      const tenant = (await directory.tenantById(ann.tenant))!;
      await directory.putTenant({ ...tenant, accountQuotaMessages: 7 });
      await directory.putTenant({ ...tenant, accountQuotaMessages: 7, queueMax: 4 });
      const domain = (await directory.domain('acme.test'))!;
      await directory.putDomain({ ...domain, accountsMax: 9 });
      await directory.putDomain({ ...domain, accountsMax: 9, accountQuotaBytes: 1 });
      const again = ((await one.reopen?.()) ?? one.identity).directory;
      const spreads = await again.spreads();
      assert.deepEqual(spreads, [
        { id: 1 },
        { id: 2, tenant: ann.tenant },
        { id: 3, domain: 'acme.test' },
      ]);
      await again.endSpread(spreads[1]!);
      await again.putServerLevel({});
      const left = (await again.spreads()).map(({ id }) => id);
      assert.deepEqual(left, [1, 3, 4], 'a number is never given twice');
    });

    it('takes no more accounts into a domain or a tenant than it may have', async () => {
      await using one = await world();
      const { ann, directory } = one;
      const { tenant } = ann;
      await directory.putDomain({ name: 'more.test', tenant, createdMs: 1, accountsMax: 1 });
      const make = (address: string) => directory.createAccount(accountRow(address, { tenant }));
      const only = await make('a@more.test');
      const full = { code: 'not-possible-now' };
      await assert.rejects(make('b@more.test'), full);
      await assert.rejects(directory.putAccount({ ...ann, address: 'ann@more.test' }), full);
      const row = (await directory.tenantById(tenant))!;
      await directory.putTenant({ ...row, accountsMax: 5 });
      await make('c@acme.test');
      await assert.rejects(make('d@acme.test'), full);
      await directory.deleteAccount(only.id);
      await make('d@acme.test');
      await directory.createAccount(accountRow('f@rival.test', { tenant: one.eve.tenant }));
    });

    it('refuses what is no limit', async () => {
      await using one = await world();
      const { ann, directory, heir } = one;
      const tenant = (await directory.tenantById(ann.tenant))!;
      const domain = (await directory.domain('acme.test'))!;
      for (const bad of [-1, 0.5, Number.NaN]) {
        for (const write of [
          directory.putTenant({ ...tenant, accountQuotaBytes: bad }),
          directory.putDomain({ ...domain, accountsMax: bad }),
          directory.putTenant({ ...tenant, accountQuotaBytesMax: bad }),
          directory.putServerLevel({ accountQuotaMessages: bad }),
        ]) {
          await assert.rejects(write, { code: 'argument-invalid' });
        }
      }
      const unknown = directory.putAccount({ ...heir, inherits: ['sendAs' as 'quotaBytes'] });
      await assert.rejects(unknown, { code: 'argument-invalid' });
    });
  });
}
