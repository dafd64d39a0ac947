/**
 * Groups, who is in them and which roles they have, as they are asked for.
 *
 * Runs in:   main thread.
 * Invariant: a group is looked for in the tenant of its domain, as whoever asks sees the domain: another tenant's is not
 *            there.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { GroupMemberView, GroupRoleView, GroupView } from '../../actors/asks/group-control.ts';
import { domainOf } from '../../base/address-parts.ts';
import { MailError } from '../../base/errors.ts';
import { defaultTenant, type TenantId } from '../../base/ids.ts';
import type { AccountDirectory } from '../../ports/account-directory.ts';
import type { Group, GroupMember } from '../../ports/groups.ts';
import type { Grant } from '../../ports/roles.ts';
import { checkedAddress } from './addresses.ts';
import { grantTerms, type RoleParts } from './role-handlers.ts';

export function groupHandlers(parts: RoleParts): ControlHandlers {
  return { ...ownGroupHandlers(parts), ...memberHandlers(parts), ...groupRoleHandlers(parts) };
}

function ownGroupHandlers(parts: RoleParts): ControlHandlers {
  const { directory, clock } = parts;
  const { groups, roles } = parts.identity;
  return {
    'group.create': async ({ address, senders = 'tenant', members = [] }) => {
      checkedAddress(address);
      const tenant = (await directory.domain(domainOf(address)))?.tenant ?? defaultTenant;
      const wanted = await membersNamed(parts, tenant, members);
      const made = await groups.createGroup({ tenant, address, senders, createdMs: clock.nowMs() });
      // Killed here, the group is there and empty: who asks again is told so, and adds them.
      if (wanted.length > 0) await groups.addMembers(made, wanted);
      return { group: await viewOf(parts, made) };
    },
    'group.list': async ({ domain }) => {
      const found = await groupsSeen(parts, domain);
      return { groups: await Promise.all(found.map((group) => viewOf(parts, group))) };
    },
    'group.show': async ({ address }) => {
      const group = await groupNamed(parts, address);
      const { tenant } = group;
      const members = await groups.members(group);
      const shown = await Promise.all(members.map((each) => viewOfMember(parts, tenant, each)));
      const [, ...above] = await groups.lineOf(group);
      const names = await Promise.all(
        above.map(async (id) => (await groups.group({ tenant, id }))!.address),
      );
      return {
        group: { ...(await viewOf(parts, group)), accountCount: await accountCount(parts, group) },
        members: shown,
        groups: names,
        roles: (await roles.grantsOfGroup(group)).map(viewOfRole),
      };
    },
    'group.set': async ({ address, senders }) => {
      await groups.setSenders(await groupNamed(parts, address), senders);
      return { group: await viewOf(parts, await groupNamed(parts, address)) };
    },
    'group.delete': async ({ address }, { mustHold }) => {
      await groups.deleteGroup(await groupNamed(parts, address), mustHold);
      return {};
    },
  };
}

function memberHandlers(parts: RoleParts): ControlHandlers {
  const { groups } = parts.identity;
  return {
    'group.add': async ({ address, members }, { mustHold }) => {
      const group = await groupNamed(parts, address);
      const wanted = await membersNamed(parts, group.tenant, members);
      await groups.addMembers(group, wanted, mustHold);
      return { group: await viewOf(parts, group) };
    },
    'group.remove': async ({ address, member }, { mustHold }) => {
      const group = await groupNamed(parts, address);
      const [named] = await membersNamed(parts, group.tenant, [member]);
      await groups.removeMember(group, named!, mustHold);
      return { group: await viewOf(parts, group) };
    },
  };
}

function groupRoleHandlers(parts: RoleParts): ControlHandlers {
  const { roles } = parts.identity;
  return {
    'group.grant': async ({ address, role, domains }, { by, mustHold }) => {
      const { tenant, id: group } = await groupNamed(parts, address);
      const terms = await grantTerms(parts, { tenant, role, domains }, by);
      const grant: Grant = { ...terms, group };
      await roles.grant(grant, mustHold);
      return { role: viewOfRole(grant) };
    },
    'group.revoke': async ({ address, role }, { mustHold }) => {
      await roles.revokeFromGroup(await groupNamed(parts, address), role, mustHold);
      return {};
    },
  };
}

/** @throws MailError `not-found` */
async function groupNamed({ directory, identity }: RoleParts, address: string): Promise<Group> {
  const tenant = (await directory.domain(domainOf(address)))?.tenant;
  const group =
    tenant === undefined ? undefined : await identity.groups.groupByAddress(tenant, address);
  if (group === undefined) throw new MailError('not-found', `group ${address}`);
  return group;
}

/** Of a domain, or of all domains that whoever asks sees. */
async function groupsSeen(
  { directory, identity }: RoleParts,
  domain: string | undefined,
): Promise<readonly Group[]> {
  if (domain === undefined) {
    const tenants = await directory.tenants();
    const all = await Promise.all(tenants.map(({ id }) => identity.groups.groups(id)));
    const seen = new Set((await directory.domains()).map(({ name }) => name));
    return all.flat().filter(({ address }) => seen.has(domainOf(address)));
  }
  const found = await directory.domain(domain);
  if (found === undefined) throw new MailError('not-found', `domain ${domain}`);
  const all = await identity.groups.groups(found.tenant);
  return all.filter(({ address }) => domainOf(address) === found.name);
}

/** Addresses of accounts, and of groups, of the tenant. @throws MailError `not-found` */
async function membersNamed(
  { directory, identity }: RoleParts,
  tenant: TenantId,
  addresses: readonly string[],
): Promise<readonly GroupMember[]> {
  const found: GroupMember[] = [];
  for (const address of addresses) {
    const account = await directory.accountByAddress(address);
    if (account?.tenant === tenant) {
      found.push({ account: account.id });
      continue;
    }
    const group = await identity.groups.groupByAddress(tenant, address);
    if (group === undefined) throw new MailError('not-found', `account or group ${address}`);
    found.push({ group: group.id });
  }
  return found;
}

async function accountCount({ identity }: RoleParts, group: Group): Promise<number> {
  const { groups } = identity;
  const accounts = new Set<number>();
  const met = new Set<number>();
  const open = [group.id];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (met.has(id)) continue;
    met.add(id);
    for (const member of await groups.members({ tenant: group.tenant, id })) {
      if (member.group === undefined) accounts.add(member.account);
      else open.push(member.group);
    }
  }
  return accounts.size;
}

async function viewOf({ identity }: RoleParts, group: Group): Promise<GroupView> {
  return { ...group, memberCount: (await identity.groups.members(group)).length };
}

async function viewOfMember(
  { directory, identity }: Pick<RoleParts, 'identity'> & { readonly directory: AccountDirectory },
  tenant: TenantId,
  member: GroupMember,
): Promise<GroupMemberView> {
  if (member.group === undefined) {
    const account = await directory.accountById(member.account);
    return { kind: 'account', address: account?.address ?? `${member.account}` };
  }
  const group = await identity.groups.group({ tenant, id: member.group });
  return { kind: 'group', address: group?.address ?? `${member.group}` };
}

function viewOfRole({ role, domains, createdMs, by }: Grant): GroupRoleView {
  return { role, createdMs, by, ...(domains === undefined ? {} : { domains }) };
}
