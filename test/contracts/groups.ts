/**
 * The contract of `src/ports/groups.ts`, run against each adapter; and what the directory, roles and access lists make of
 * groups.
 *
 * Method: as of `credentials.ts`.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Account, AccountDirectory } from '../../src/ports/account-directory.ts';
import {
  type Group,
  type GroupMember,
  type GroupStore,
  groupAccountsMax,
  groupDepthMax,
  groupMembersMax,
  groupsPerTenantMax,
  identifierOf,
} from '../../src/ports/groups.ts';
import { accountRow } from './directory-rows.ts';
import { identityWorld, type OpenedIdentity } from './identity-world.ts';

const of = ({ id }: Account): GroupMember => ({ account: id });
const inside = ({ id }: Group): GroupMember => ({ group: id });

function make(groups: GroupStore, { tenant }: Account, name: string, more: Partial<Group> = {}) {
  const domain = more.address ?? `${name}@acme.test`;
  return groups.createGroup({
    ...{ tenant, senders: 'anybody', createdMs: 1 },
    ...{ ...more, address: domain },
  });
}

async function reached(directory: AccountDirectory, name: string, domain = 'acme.test') {
  const found = await directory.resolve(name, domain);
  if (found.kind !== 'resolved') return found.kind;
  return found.targets.map(({ address }) => address).sort();
}

export function groupContract(name: string, open: () => Promise<OpenedIdentity>): void {
  const world = async () => await identityWorld(await open());

  describe(`groups contract: ${name}`, () => {
    it('mail for a group goes to each account in it once, by whatever way, after a kill too', async () => {
      await using one = await world();
      const { ann, bob, heard, identity } = one;
      const { groups } = identity;
      const sales = await make(groups, ann, 'Sales');
      const staff = await make(groups, ann, 'staff');
      assert.equal(sales.address, 'sales@acme.test');
      assert.equal(await reached(identity.directory, 'sales'), 'missing');
      await groups.addMembers(sales, [of(ann), of(ann)]);
      await groups.addMembers(staff, [inside(sales), of(bob), of(ann)]);
      assert.deepEqual(heard.at(-1), { kind: 'group', id: staff.id });
      const again = (await one.reopen?.()) ?? identity;
      const both = ['ann@acme.test', 'bob@acme.test'];
      assert.deepEqual(await reached(again.directory, 'staff'), both);
      assert.deepEqual(await reached(again.directory, 'STAFF+tag'), both);
      assert.deepEqual(await reached(again.directory, 'sales'), ['ann@acme.test']);
      assert.deepEqual(await again.directory.groupsOf(ann.id), [sales.id, staff.id]);
      assert.deepEqual(await again.directory.groupsOf(bob.id), [staff.id]);
      assert.deepEqual(await again.groups.members(staff), [of(ann), of(bob), inside(sales)]);
      assert.deepEqual(await again.groups.lineOf(sales), [sales.id, staff.id]);
      await again.groups.removeMember(staff, inside(sales));
      await again.groups.removeMember(staff, of(ann));
      assert.deepEqual(await reached(again.directory, 'staff'), ['bob@acme.test']);
      const twice = again.groups.removeMember(staff, of(ann));
      await assert.rejects(twice, { code: 'not-found' });
    });

    it('an alias, a catch-all and a role name may lead to a group', async () => {
      await using one = await world();
      const { ann, bob, identity } = one;
      const { directory, groups } = identity;
      const sales = await make(groups, ann, 'sales', { senders: 'members' });
      await groups.addMembers(sales, [of(ann), of(bob)]);
      const { tenant } = ann;
      await directory.putAlias({ address: 'info@acme.test', tenant, targets: [sales.address] });
      const both = ['ann@acme.test', 'bob@acme.test'];
      assert.deepEqual(await reached(directory, 'info'), both);
      const found = await directory.resolve('info', 'acme.test');
      const closed = [{ group: sales.id, tenant, senders: 'members' }];
      assert.deepEqual(found.kind === 'resolved' && found.closed, closed);
      const domain = (await directory.domain('acme.test'))!;
      await directory.putDomain({ ...domain, catchAll: sales.address, postmaster: sales.address });
      assert.deepEqual(await reached(directory, 'whoever'), both);
      assert.deepEqual(await reached(directory, 'postmaster'), both);
      assert.equal(await directory.maySendAs(ann, sales.address), false);
      assert.equal(await directory.maySendAs(ann, 'info@acme.test'), false);
      await directory.putAccount({ ...ann, sendAs: [sales.address] });
      const changed = (await directory.accountById(ann.id))!;
      assert.equal(await directory.maySendAs(changed, sales.address), true);
    });

    it('what a group within is closed to is not asked; one for nobody takes no mail', async () => {
      await using one = await world();
      const { ann, identity } = one;
      const { directory, groups } = identity;
      const inner = await make(groups, ann, 'inner', { senders: 'nobody' });
      const outer = await make(groups, ann, 'outer');
      await groups.addMembers(inner, [of(ann)]);
      await groups.addMembers(outer, [inside(inner)]);
      assert.equal(await reached(directory, 'inner'), 'missing');
      const found = await directory.resolve('outer', 'acme.test');
      assert.ok(found.kind === 'resolved');
      assert.equal(found.closed, undefined);
      await groups.setSenders(outer, 'tenant');
      const closed = await directory.resolve('outer', 'acme.test');
      assert.ok(closed.kind === 'resolved');
      assert.deepEqual(
        closed.closed?.map(({ senders }) => senders),
        ['tenant'],
      );
    });

    it('a full member is not left out where others are not, and a disabled one is', async () => {
      await using one = await world();
      const { ann, bob, identity } = one;
      const { directory, groups } = identity;
      const sales = await make(groups, ann, 'sales');
      await groups.addMembers(sales, [of(ann), of(bob)]);
      directory.noteOverQuota(ann.id, true);
      const both = ['ann@acme.test', 'bob@acme.test'];
      assert.deepEqual(await reached(directory, 'sales'), both);
      directory.noteOverQuota(bob.id, true);
      assert.equal(await reached(directory, 'sales'), 'over-quota');
      directory.noteOverQuota(ann.id, false);
      await directory.putAccount({ ...bob, isEnabled: false });
      assert.deepEqual(await reached(directory, 'sales'), ['ann@acme.test']);
    });

    it('no group is in itself, too deep, or too large, whichever side grows', async () => {
      await using one = await world();
      const { ann, identity } = one;
      const { directory, groups } = identity;
      const line: Group[] = [];
      for (let level = 0; level <= groupDepthMax; level++) {
        line.push(await make(groups, ann, `g${level}`));
      }
      for (let level = 0; level < groupDepthMax - 1; level++) {
        await groups.addMembers(line[level]!, [inside(line[level + 1]!)]);
      }
      const deeper = groups.addMembers(line[groupDepthMax - 1]!, [inside(line[groupDepthMax]!)]);
      await assert.rejects(deeper, { code: 'not-possible-now' });
      const above = groups.addMembers(line[groupDepthMax]!, [inside(line[0]!)]);
      await assert.rejects(above, { code: 'not-possible-now' });
      for (const [into, member] of [
        [line[0]!, line[0]!],
        [line[4]!, line[0]!],
      ] as const) {
        const circle = groups.addMembers(into, [of(ann), inside(member)]);
        await assert.rejects(circle, { code: 'argument-invalid' });
      }
      assert.deepEqual(await directory.groupsOf(ann.id), [], 'all of them or none');
    });

    it('ends at its limits of members, accounts and groups', async () => {
      await using one = await world();
      const { ann, identity } = one;
      const { directory, groups } = identity;
      const { tenant } = ann;
      const members: GroupMember[] = [];
      for (let n = 0; n < groupMembersMax; n++) {
        members.push(of(await directory.createAccount(accountRow(`m${n}@acme.test`, { tenant }))));
      }
      const full = await make(groups, ann, 'full');
      await groups.addMembers(full, members);
      const outer = await make(groups, ann, 'outer');
      await groups.addMembers(outer, [inside(full), members[0]!]);
      for (const group of [full, outer]) {
        const more = groups.addMembers(group, [of(ann)]);
        await assert.rejects(more, { code: 'not-possible-now' });
      }
      assert.equal((await reached(directory, 'outer')).length, groupAccountsMax);
      await groups.removeMember(full, members[1]!);
      await groups.addMembers(outer, [of(ann)]);
      const grows = groups.addMembers(full, [members[1]!]);
      await assert.rejects(grows, { code: 'not-possible-now' });
      for (let n = 2; n < groupsPerTenantMax; n++) await make(groups, ann, `n${n}`);
      await assert.rejects(make(groups, ann, 'more'), { code: 'not-possible-now' });
    });

    it('a group’s name is nobody else’s, and stands in its tenant’s domain', async () => {
      await using one = await world();
      const { ann, eve, identity } = one;
      const { directory, groups } = identity;
      const { tenant } = ann;
      await make(groups, ann, 'sales');
      await assert.rejects(make(groups, ann, 'sales'), { code: 'already-exists' });
      await assert.rejects(make(groups, ann, 'ann'), { code: 'already-exists' });
      const account = directory.createAccount(accountRow('sales@acme.test', { tenant }));
      await assert.rejects(account, { code: 'already-exists' });
      const alias = directory.putAlias({ address: 'sales@acme.test', tenant, targets: ['a@b.c'] });
      await assert.rejects(alias, { code: 'already-exists' });
      const foreign = make(groups, eve, 'x');
      await assert.rejects(foreign, { code: 'argument-invalid' });
      const nowhere = make(groups, ann, '', { address: 'x@absent.test' });
      await assert.rejects(nowhere, { code: 'domain-missing' });
      assert.equal(await directory.accountByAddress('sales@acme.test'), undefined);
      assert.deepEqual(await directory.aliases(), []);
      for (const { id } of [ann, one.bob]) await directory.deleteAccount(id);
      await assert.rejects(directory.deleteDomain('acme.test'), { code: 'not-possible-now' });
    });

    it('nothing of a group crosses its tenant’s wall', async () => {
      await using one = await world();
      const { ann, eve, heard, identity } = one;
      const { directory, groups, roles } = identity;
      const sales = await make(groups, ann, 'sales');
      const theirs = await make(groups, eve, '', { address: 'sales@rival.test' });
      const asked = { tenant: eve.tenant, id: sales.id };
      heard.length = 0;
      for (const refused of [
        groups.addMembers(sales, [of(eve)]),
        groups.addMembers(sales, [inside(theirs)]),
        groups.addMembers(asked, [of(eve)]),
        groups.removeMember(asked, of(ann)),
        groups.setSenders(asked, 'nobody'),
        groups.deleteGroup(asked),
        roles.grant({ ...asked, group: sales.id, role: 'owner', createdMs: 1, by: '' }),
        roles.revokeFromGroup(asked, 'owner'),
      ]) {
        await assert.rejects(refused, { code: 'not-found' });
      }
      assert.deepEqual(heard, []);
      assert.deepEqual(await groups.members(asked), []);
      assert.equal(await groups.group(asked), undefined);
      assert.deepEqual(await groups.lineOf(asked), []);
      assert.equal(await groups.groupByAddress(eve.tenant, sales.address), undefined);
      assert.deepEqual(await groups.groups(eve.tenant), [theirs]);
      assert.deepEqual(await groups.groups(ann.tenant), [sales]);
      assert.deepEqual(await directory.groupsOf(eve.id), []);
    });

    it('roles are given to a group and go with it; so does all that it was in', async () => {
      await using one = await world();
      const { ann, bob, identity } = one;
      const { groups, roles } = identity;
      const { tenant } = ann;
      const desk = await make(groups, ann, 'desk');
      const all = await make(groups, ann, 'all');
      await groups.addMembers(desk, [of(ann)]);
      await groups.addMembers(all, [inside(desk), of(bob)]);
      const terms = { tenant, createdMs: 1, by: 'operator' };
      const grant = { ...terms, group: desk.id, role: 'help-desk', domains: ['acme.test'] };
      await roles.grant({ ...terms, account: bob.id, role: 'auditor' });
      await roles.grant({ ...terms, group: desk.id, role: 'owner' });
      await roles.grant(grant);
      await roles.revokeFromGroup(desk, 'owner');
      assert.deepEqual(await roles.grantsOfGroup(desk), [grant]);
      assert.deepEqual(await roles.grantsOf(ann), [], 'its own only');
      assert.equal((await roles.grants(tenant)).length, 2);
      await groups.deleteGroup(desk);
      const again = (await one.reopen?.()) ?? identity;
      assert.deepEqual(await again.roles.grantsOfGroup(desk), []);
      assert.equal((await again.roles.grants(tenant)).length, 1);
      assert.deepEqual(await again.groups.members(all), [of(bob)]);
      assert.deepEqual(await again.directory.groupsOf(ann.id), []);
      const next = await make(again.groups, ann, 'desk');
      assert.ok(next.id > all.id, 'a number is never given twice');
      await again.groups.addMembers(next, [of(bob)]);
      await again.directory.deleteAccount(bob.id);
      assert.deepEqual(await again.groups.members(all), []);
      assert.deepEqual(await again.groups.members(next), []);
      assert.equal(await reached(again.directory, 'all'), 'missing');
    });

    it('whoever shares with a group is found by all who are in it', async () => {
      await using one = await world();
      const { ann, bob, identity } = one;
      const { directory, groups } = identity;
      const sales = await make(groups, ann, 'sales');
      const all = await make(groups, ann, 'all');
      await groups.addMembers(all, [inside(sales)]);
      await directory.noteSharing(ann.id, identifierOf(all.id), true);
      assert.deepEqual(await directory.sharersFor(bob.id), []);
      await groups.addMembers(sales, [of(bob)]);
      const again = (await one.reopen?.()) ?? identity;
      assert.deepEqual(await again.directory.sharersFor(bob.id), [ann.id]);
      await again.groups.removeMember(all, inside(sales));
      assert.deepEqual(await again.directory.sharersFor(bob.id), []);
    });
  });
}
