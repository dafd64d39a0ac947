/**
 * Roles, who has them, and access to another's account, as they are asked for.
 *
 * Runs in:   main thread.
 * Limits:    access is asked for `accessMsMax` at most.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { AskedBy } from '../../actors/asks/principal.ts';
import type { AccessView, GrantView, RoleView } from '../../actors/asks/role-control.ts';
import { MailError } from '../../base/errors.ts';
import type { AccountId, TenantId } from '../../base/ids.ts';
import { dayMs, hourMs } from '../../base/units.ts';
import { builtInRoles, domainsOnly, isPermission } from '../../edge/guard/roles.ts';
import type { Account, AccountDirectory } from '../../ports/account-directory.ts';
import type { AccessRequest, Grant } from '../../ports/roles.ts';
import { accountNamed } from './account-asks.ts';
import type { ControlParts } from './parts.ts';
import { tenantNamed } from './tenant-handlers.ts';

const accessMsDefault = hourMs;
const accessMsMax = 7 * dayMs;

export type RoleParts = Pick<ControlParts, 'directory' | 'identity' | 'clock'>;

export function roleHandlers(parts: RoleParts): ControlHandlers {
  return { ...ownRoleHandlers(parts), ...grantHandlers(parts), ...accessHandlers(parts) };
}

function ownRoleHandlers(parts: RoleParts): ControlHandlers {
  const { roles } = parts.identity;
  return {
    'role.list': async ({ tenant: name }) => {
      const { id } = await tenantNamed(parts, name);
      const own = await roles.customRoles(id);
      const grants = await Promise.all(
        (await roles.grants(id)).map((grant) => viewOfGrant(parts, grant)),
      );
      return {
        roles: [...builtInViews(), ...own.map((role) => viewOfRole(role, false))],
        grants,
      };
    },
    'role.create': async ({ tenant: name, ...role }, { mustHold }) => {
      const { id: tenant } = await tenantNamed(parts, name);
      if (builtInRoles.has(role.name)) throw new MailError('already-exists', `role ${role.name}`);
      const unknown = role.permissions.find((each) => !isPermission(each));
      if (unknown !== undefined)
        throw new MailError('argument-invalid', `no permission: ${unknown}`);
      const permissions = [...new Set(role.permissions)].sort();
      const made = { tenant, name: role.name, permissions, createdMs: parts.clock.nowMs() };
      await roles.putRole(made, mustHold);
      return { role: viewOfRole(made, false) };
    },
    'role.delete': async ({ tenant, name }, { mustHold }) => {
      await roles.deleteRole((await tenantNamed(parts, tenant)).id, name, mustHold);
      return {};
    },
  };
}

function grantHandlers(parts: RoleParts): ControlHandlers {
  const { roles } = parts.identity;
  return {
    'role.grant': async ({ account: address, role, domains }, { by, mustHold }) => {
      const { tenant, id: account } = await accountNamed(parts, address);
      const terms = await grantTerms(parts, { tenant, role, domains }, by);
      const grant: Grant = { ...terms, account };
      await roles.grant(grant, mustHold);
      return { grant: await viewOfGrant(parts, grant) };
    },
    'role.revoke': async ({ account, role }, { mustHold }) => {
      await roles.revoke(await accountNamed(parts, account), role, mustHold);
      return {};
    },
  };
}

interface WantedGrant {
  readonly tenant: TenantId;
  readonly role: string;
  readonly domains: readonly string[] | undefined;
}

/** What is given, to whomever. @throws MailError */
export async function grantTerms(
  parts: RoleParts,
  { tenant, role, domains }: WantedGrant,
  by: AskedBy,
) {
  const isOwn = (await parts.identity.roles.customRole(tenant, role)) !== undefined;
  if (!builtInRoles.has(role) && !isOwn) throw new MailError('not-found', `role ${role}`);
  if (role === 'user') throw new MailError('argument-invalid', 'every account has the role user');
  if (domainsOnly.includes(role) && domains === undefined) {
    throw new MailError('argument-invalid', `${role} is given for named domains`);
  }
  return {
    ...{ tenant, role, createdMs: parts.clock.nowMs(), by: nameOfAsker(by) },
    ...(domains === undefined ? {} : { domains: await ownNames(parts, domains) }),
  };
}

function accessHandlers(parts: RoleParts): ControlHandlers {
  const { roles } = parts.identity;
  const { directory, clock } = parts;
  return {
    'access.request': async ({ account: address, reason, forMs = accessMsDefault }, { by }) => {
      const account = await accountNamed(parts, address);
      if (!Number.isSafeInteger(forMs) || forMs < 1 || forMs > accessMsMax) {
        throw new MailError('argument-invalid', 'access is asked for 7 days at most');
      }
      const nowMs = clock.nowMs();
      const request = await roles.createAccessRequest({
        ...{ tenant: account.tenant, account: account.id, asker: askerOf(by), reason },
        ...{ createdMs: nowMs, expiresMs: nowMs + forMs },
      });
      return { request: await viewOfAccess(directory, account, request) };
    },
    'access.list': async ({ account: address }) => {
      const account = await accountNamed(parts, address);
      const all = await roles.accessRequests(account);
      return {
        requests: await Promise.all(all.map((each) => viewOfAccess(directory, account, each))),
      };
    },
    'access.consent': async ({ account: address, id }, { by }) => {
      const account = await accountNamed(parts, address);
      const request = await roles.consent(account, id, askerOf(by));
      return { request: await viewOfAccess(directory, account, request) };
    },
  };
}

/** As the directory spells them. */
async function ownNames(
  { directory }: Pick<RoleParts, 'directory'>,
  names: readonly string[],
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const name of names) {
    const domain = await directory.domain(name);
    if (domain === undefined) throw new MailError('not-found', `domain ${name}`);
    found.add(domain.name);
  }
  return [...found].sort();
}

function askerOf(by: AskedBy): AccountId | 0 {
  if (by.principal.kind === 'operator') return 0;
  if (by.principal.kind === 'account') return by.principal.account;
  throw new MailError('permission-missing', 'a program asks for no account');
}

function nameOfAsker(by: AskedBy): string {
  if (by.principal.kind === 'operator') return 'operator';
  return by.principal.kind === 'account' ? by.principal.address : `key ${by.principal.key}`;
}

function builtInViews(): RoleView[] {
  return [...builtInRoles].map(([name, permissions]) => viewOfRole({ name, permissions }, true));
}

function viewOfRole(
  { name, permissions }: Pick<RoleView, 'name' | 'permissions'>,
  isBuiltIn: boolean,
): RoleView {
  return { name, isBuiltIn, permissions };
}

async function viewOfGrant(
  { directory, identity }: RoleParts,
  { tenant, account, group, role, domains, createdMs, by }: Grant,
): Promise<GrantView> {
  const found =
    account === undefined
      ? await identity.groups.group({ tenant, id: group })
      : await directory.accountById(account);
  const address = found?.address ?? `${account ?? group}`;
  const holder = account === undefined ? `group:${address}` : address;
  return { account: holder, role, createdMs, by, ...(domains === undefined ? {} : { domains }) };
}

async function viewOfAccess(
  directory: AccountDirectory,
  { address }: Account,
  { id, asker, reason, createdMs, expiresMs, consentBy }: AccessRequest,
): Promise<AccessView> {
  const nameOf = async (who: AccountId | 0) =>
    who === 0 ? 'operator' : ((await directory.accountById(who))?.address ?? `${who}`);
  return {
    ...{ id, account: address, asker: await nameOf(asker), reason, createdMs, expiresMs },
    ...(consentBy === undefined ? {} : { consentBy: await nameOf(consentBy) }),
  };
}
