/**
 * The roles that every tenant has, and what a grant of any role comes to.
 *
 * Runs in:   edge (main thread); pure.
 * Invariant: no role has a permission that reaches over a tenant: those are operators' only.
 */

import {
  type ActRule,
  actRules,
  type Permission,
  tenantPermissions,
} from '../../actors/asks/permissions.ts';
import type { CustomRole, Grant } from '../../ports/roles.ts';

/** What somebody may do, and where. */
export interface Right {
  readonly permissions: ReadonlySet<string>;
  /** `own`: to their own account. Absent: in all of the tenant. */
  readonly where?: 'own' | readonly string[];
}

/** What only an owner has: who may do what. */
const ownersOnly: readonly Permission[] = ['role.change'];

const looks = Object.values(actRules as Readonly<Record<string, ActRule>>)
  .filter(({ kind, resource }) => kind === 'look' && resource !== 'server')
  .map(({ permission }) => permission);

const userPermissions: readonly Permission[] = [
  'access.consent',
  'access.read',
  'account.password',
  'account.read',
  'app-password.create',
  'app-password.read',
  'app-password.revoke',
  'factor.change',
  'factor.read',
  'factor.reset',
  'mail.change',
  'mail.read',
  'recovery.change',
  'recovery.read',
  'session.end',
  'session.read',
];

const domainAdmin: readonly Permission[] = [
  'account.change',
  'account.create',
  'account.delete',
  'account.password',
  'account.read',
  'alias.change',
  'alias.read',
  'app-password.read',
  'app-password.revoke',
  'dkim.change',
  'domain.read',
  'factor.read',
  'factor.reset',
  'group.change',
  'group.read',
  'quarantine.force',
  'session.end',
  'session.read',
  'shared.change',
  'shared.read',
];

const helpDesk: readonly Permission[] = [
  'account.password',
  'account.read',
  'alias.read',
  'app-password.read',
  'app-password.revoke',
  'domain.read',
  'factor.read',
  'factor.reset',
  'group.read',
  'recovery.read',
  'session.end',
  'session.read',
  'shared.read',
];

/** Of those that are given; `user` every account has without a grant. */
export const builtInRoles: ReadonlyMap<string, readonly string[]> = new Map([
  ['owner', tenantPermissions],
  ['tenant-admin', tenantPermissions.filter((each) => !ownersOnly.includes(each))],
  ['domain-admin', domainAdmin],
  ['help-desk', helpDesk],
  ['auditor', [...new Set(looks)].sort()],
  ['user', userPermissions],
]);

/** Given for named domains only. */
export const domainsOnly: readonly string[] = ['domain-admin'];

export const userRight: Right = { permissions: new Set(userPermissions), where: 'own' };

/** Undefined: the role is there no more. */
export function rightOfGrant(
  { role, domains }: Pick<Grant, 'role' | 'domains'>,
  custom: Pick<CustomRole, 'permissions'> | undefined,
): Right | undefined {
  const permissions = role === 'user' ? undefined : (builtInRoles.get(role) ?? custom?.permissions);
  if (permissions === undefined) return undefined;
  return {
    permissions: new Set(permissions),
    ...(domains === undefined ? {} : { where: domains }),
  };
}

const grantable: ReadonlySet<string> = new Set(tenantPermissions);

/** What a custom role may be made of. */
export function isPermission(name: string): boolean {
  return grantable.has(name);
}
