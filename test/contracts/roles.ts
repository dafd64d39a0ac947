/**
 * The contract of `src/ports/roles.ts`, run against each adapter.
 *
 * Method: as of `credentials.ts`.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultTenant, type TenantId } from '../../src/base/ids.ts';
import type { Account } from '../../src/ports/account-directory.ts';
import { policyDefault } from '../../src/ports/log-in-policy.ts';
import {
  accessRequestsMax,
  type CustomRole,
  type Grant,
  grantsPerAccountMax,
  rolesPerTenantMax,
} from '../../src/ports/roles.ts';
import { domainRow } from './directory-rows.ts';
import { askedBy, identityWorld, type OpenedIdentity } from './identity-world.ts';

function grantRow(account: Account, role: string, domains?: readonly string[]): Grant {
  const { tenant, id } = account;
  const more = domains === undefined ? {} : { domains };
  return { tenant, account: id, role, createdMs: 1, by: 'operator', ...more };
}

function roleRow({ tenant }: Account, name: string, permissions = ['account.list']): CustomRole {
  return { tenant, name, permissions, createdMs: 1 };
}

export function roleContract(name: string, open: () => Promise<OpenedIdentity>): void {
  const world = async () => await identityWorld(await open());

  describe(`roles contract: ${name}`, () => {
    it('a tenant has its own roles, and sees no other’s', async () => {
      await using one = await world();
      const { ann, eve, heard, identity } = one;
      const { roles } = identity;
      await roles.putRole(roleRow(ann, 'post-office'));
      await roles.putRole(roleRow(ann, 'archive'));
      await roles.putRole(roleRow(eve, 'post-office', ['queue.list']));
      assert.deepEqual(heard[0], { kind: 'roles', tenant: ann.tenant });
      await roles.putRole(roleRow(ann, 'archive', ['mailbox.list']));
      const again = (await one.reopen?.()) ?? identity;
      const wanted = [roleRow(ann, 'archive', ['mailbox.list']), roleRow(ann, 'post-office')];
      assert.deepEqual(await again.roles.customRoles(ann.tenant), wanted);
      const found = await again.roles.customRole(eve.tenant, 'post-office');
      assert.deepEqual(found?.permissions, ['queue.list']);
      assert.equal(await again.roles.customRole(eve.tenant, 'archive'), undefined);
      const foreign = again.roles.deleteRole(eve.tenant, 'archive');
      await assert.rejects(foreign, { code: 'not-found' });
    });

    it('refuses what is no role, too many of them, and a tenant that is not there', async () => {
      await using one = await world();
      const { roles } = one.identity;
      for (const bad of [
        roleRow(one.ann, 'Upper'),
        roleRow(one.ann, 'a b'),
        roleRow(one.ann, 'a'.repeat(64)),
        roleRow(one.ann, 'r', ['two words']),
        roleRow(one.ann, 'r', ['a', 'a']),
        roleRow(
          one.ann,
          'r',
          Array.from({ length: 201 }, (_, place) => `p${place}`),
        ),
      ]) {
        await assert.rejects(roles.putRole(bad), { code: 'argument-invalid' });
      }
      const nobody = { ...roleRow(one.ann, 'r'), tenant: 99 as TenantId };
      await assert.rejects(roles.putRole(nobody), { code: 'not-found' });
      for (let place = 0; place < rolesPerTenantMax; place++) {
        await roles.putRole(roleRow(one.ann, `r${place}`));
      }
      await assert.rejects(roles.putRole(roleRow(one.ann, 'more')), { code: 'not-possible-now' });
      await roles.putRole(roleRow(one.ann, 'r0', ['b']));
      await roles.putRole(roleRow(one.eve, 'more'));
    });

    it('gives a role for all of a tenant or some of its domains, and takes it back', async () => {
      await using one = await world();
      const { ann, bob, eve, heard, identity } = one;
      const { roles } = identity;
      await roles.grant(grantRow(ann, 'owner'));
      await roles.grant(grantRow(ann, 'domain-admin', ['acme.test']));
      await roles.grant(grantRow(eve, 'owner'));
      await roles.grant(grantRow(bob, 'help-desk'));
      await roles.grant(grantRow(bob, 'help-desk', ['acme.test']));
      assert.equal(heard.length, 5);
      const again = (await one.reopen?.()) ?? identity;
      const ofAnn = [grantRow(ann, 'owner'), grantRow(ann, 'domain-admin', ['acme.test'])];
      const ofBob = [grantRow(bob, 'help-desk', ['acme.test'])];
      assert.deepEqual(await again.roles.grantsOf(ann), ofAnn);
      assert.deepEqual(await again.roles.grants(ann.tenant), [...ofAnn, ...ofBob]);
      await again.roles.revoke(ann, 'owner');
      await assert.rejects(again.roles.revoke(ann, 'owner'), { code: 'not-found' });
      await again.roles.revoke(bob, 'help-desk');
      assert.deepEqual(await again.roles.grants(ann.tenant), ofAnn.slice(1));
    });

    it('a role that an account has is not deleted', async () => {
      await using one = await world();
      const { ann, identity } = one;
      const { roles } = identity;
      await roles.putRole(roleRow(ann, 'archive'));
      await roles.grant(grantRow(ann, 'archive'));
      const early = roles.deleteRole(ann.tenant, 'archive');
      await assert.rejects(early, { code: 'not-possible-now' });
      await roles.revoke(ann, 'archive');
      await roles.deleteRole(ann.tenant, 'archive');
      assert.deepEqual(await roles.customRoles(ann.tenant), []);
    });

    it('no grant reaches over a tenant’s wall, whoever asks for it', async () => {
      await using one = await world();
      const { ann, eve, heard, identity } = one;
      const { roles } = identity;
      await roles.grant(grantRow(ann, 'owner'));
      heard.length = 0;
      const absent = { code: 'not-found' };
      const crossed = askedBy(eve, ann);
      for (const write of [
        () => roles.grant({ ...grantRow(ann, 'owner'), tenant: eve.tenant }),
        () => roles.grant(grantRow(ann, 'domain-admin', ['rival.test'])),
        () => roles.grant(grantRow(ann, 'domain-admin', ['acme.test', 'rival.test'])),
        () => roles.grant(grantRow(ann, 'domain-admin', ['absent.test'])),
        () => roles.revoke(crossed, 'owner'),
        () => roles.consent(crossed, 1, 0),
        () =>
          roles.createAccessRequest({
            ...{ tenant: ann.tenant, account: ann.id, asker: eve.id, reason: 'why' },
            ...{ createdMs: 1, expiresMs: 2 },
          }),
      ]) {
        await assert.rejects(write, absent, String(write));
      }
      assert.deepEqual(heard, []);
      assert.deepEqual(await roles.grantsOf(crossed), []);
      assert.deepEqual(await roles.accessRequests(crossed), []);
      assert.deepEqual(await roles.grants(eve.tenant), []);
      assert.deepEqual(await roles.grantsOf(ann), [grantRow(ann, 'owner')]);
    });

    it('refuses a grant for no domain, of no role, and past the limit', async () => {
      await using one = await world();
      const { roles } = one.identity;
      const invalid = { code: 'argument-invalid' };
      await assert.rejects(roles.grant(grantRow(one.ann, 'domain-admin', [])), invalid);
      await assert.rejects(roles.grant(grantRow(one.ann, 'No Role')), invalid);
      for (let place = 0; place < grantsPerAccountMax; place++) {
        await roles.grant(grantRow(one.ann, `r${place}`));
      }
      const more = roles.grant(grantRow(one.ann, 'more'));
      await assert.rejects(more, { code: 'not-possible-now' });
      await roles.grant(grantRow(one.ann, 'r0', ['acme.test']));
    });

    it('a domain that goes takes itself out of grants, and those for it alone along', async () => {
      await using one = await world();
      const { ann, bob, identity } = one;
      const { directory, roles } = identity;
      await directory.putDomain(domainRow('more.test', { tenant: ann.tenant }));
      await roles.grant(grantRow(ann, 'domain-admin', ['acme.test', 'more.test']));
      await roles.grant(grantRow(ann, 'owner'));
      await roles.grant(grantRow(bob, 'domain-admin', ['more.test']));
      await directory.deleteDomain('more.test');
      const again = (await one.reopen?.()) ?? identity;
      const left = [grantRow(ann, 'domain-admin', ['acme.test']), grantRow(ann, 'owner')];
      assert.deepEqual(await again.roles.grants(ann.tenant), left);
    });

    it('a tenant takes its keys, roles and policy along once it has no domains', async () => {
      await using one = await world();
      const { ann, bob, eve, identity } = one;
      const { credentials, directory, roles } = identity;
      const { tenant } = ann;
      for (const { tenant: each } of [ann, eve]) {
        await directory.createApiKey({
          ...{ tenant: each, name: '', scopes: ['send'], hash: 'a'.repeat(64) },
          ...{ messagesPerMinuteMax: 0, createdMs: 1 },
        });
      }
      await roles.putRole(roleRow(ann, 'archive'));
      await roles.putRole(roleRow(eve, 'archive'));
      const policy = policyDefault(tenant);
      await credentials.putPolicy({ ...policy, logIn: { ...policy.logIn, allowsScram: true } });
      const early = directory.deleteTenant(tenant);
      await assert.rejects(early, { code: 'not-possible-now' });
      await directory.deleteAccount(ann.id);
      await directory.deleteAccount(bob.id);
      await directory.deleteDomain('acme.test');
      one.heard.length = 0;
      await directory.deleteTenant(tenant);
      assert.deepEqual(one.heard, [{ kind: 'tenant', id: tenant }]);
      await assert.rejects(directory.deleteTenant(tenant), { code: 'not-found' });
      await assert.rejects(directory.deleteTenant(defaultTenant), { code: 'argument-invalid' });
      const again = (await one.reopen?.()) ?? identity;
      assert.equal(await again.directory.tenantByName('acme'), undefined);
      assert.deepEqual(await again.directory.apiKeys(tenant), []);
      assert.deepEqual(await again.roles.customRoles(tenant), []);
      assert.deepEqual(await again.credentials.policy(tenant), policy);
      assert.equal((await again.directory.apiKeys()).length, 1);
      assert.equal((await again.roles.customRoles(eve.tenant)).length, 1);
      const next = await again.directory.createTenant({ name: 'acme', createdMs: 2 });
      assert.ok(next.id > tenant && next.id !== eve.tenant);
    });

    it('an account takes its grants and requests along', async () => {
      await using one = await world();
      const { ann, bob, identity } = one;
      const { directory, roles } = identity;
      const asked = { tenant: ann.tenant, account: ann.id, asker: bob.id, reason: 'why' };
      await roles.createAccessRequest({ ...asked, createdMs: 1, expiresMs: 2 });
      await roles.grant(grantRow(ann, 'owner'));
      await directory.deleteAccount(ann.id);
      const again = (await one.reopen?.()) ?? identity;
      assert.deepEqual(await again.roles.grants(ann.tenant), []);
      assert.deepEqual(await again.roles.accessRequests(ann), []);
    });

    it('access to another’s account is asked for with a reason, and agreed to by another', async () => {
      await using one = await world();
      const { ann, bob, identity } = one;
      const { roles } = identity;
      const asked = {
        ...{ tenant: ann.tenant, account: ann.id, asker: bob.id, reason: 'she is ill' },
        ...{ createdMs: 1, expiresMs: 9 },
      };
      for (const reason of ['', '  ', 'two\nlines', 'x'.repeat(501)]) {
        const bad = roles.createAccessRequest({ ...asked, reason });
        await assert.rejects(bad, { code: 'argument-invalid' });
      }
      const request = await roles.createAccessRequest(asked);
      assert.deepEqual(await roles.accessRequests(ann), [request]);
      const own = roles.consent(ann, request.id, bob.id);
      await assert.rejects(own, { code: 'permission-missing' });
      await assert.rejects(roles.consent(ann, request.id + 1, ann.id), { code: 'not-found' });
      const agreed = await roles.consent(ann, request.id, ann.id);
      const again = (await one.reopen?.()) ?? identity;
      assert.deepEqual(await again.roles.accessRequests(ann), [agreed]);
      assert.equal(agreed.consentBy, ann.id);
      const next = await again.roles.createAccessRequest({ ...asked, asker: 0 });
      assert.ok(next.id > request.id);
      for (let place = 1; place < accessRequestsMax; place++) {
        await again.roles.createAccessRequest(asked);
      }
      const kept = await again.roles.accessRequests(ann);
      assert.equal(kept.length, accessRequestsMax);
      assert.equal(kept.at(-1)?.id, next.id);
    });
  });
}
