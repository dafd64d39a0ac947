/**
 * Roles, grants and requests for access of a table directory.
 *
 * Runs in:   the main thread.
 * Limits:    those of the port.
 * Invariant: keys begin with the tenant, and each write looks up account, role's tenant and domains in its turn: no row
 *            reaches over a tenant's wall.
 */

import { MailError } from '../../base/errors.ts';
import type { AccountId, TenantId } from '../../base/ids.ts';
import type { Domain } from '../../ports/account-directory.ts';
import type { AccountOf } from '../../ports/credentials.ts';
import { type Group, type GroupOf, identifierOf } from '../../ports/groups.ts';
import {
  type AccessRequest,
  accessRequestsMax,
  type CustomRole,
  domainsPerGrantMax,
  type Grant,
  grantsPerAccountMax,
  type Judge,
  permissionsPerRoleMax,
  type RoleStore,
  reasonLengthMax,
  rolesPerTenantMax,
} from '../../ports/roles.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import { accountThatIs, type IdentityParts, isThere, refuseText } from './identity-parts.ts';
import * as rows from './identity-rows.ts';
import type { Decided } from './write-turns.ts';

const roleName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const permissionName = /^[a-z0-9.-]{1,64}$/;

export interface RoleParts extends IdentityParts {
  /** By its name as the table has it. */
  readonly domain: (name: string) => Domain | undefined;
  /** Of that tenant. */
  readonly group: (of: GroupOf) => Group | undefined;
}

export class TableRoles implements RoleStore {
  readonly #parts: RoleParts;

  constructor(parts: RoleParts) {
    this.#parts = parts;
  }

  customRoles(tenant: TenantId): readonly CustomRole[] {
    return rows.readRows<CustomRole>(this.#parts.table, rows.rolesOf(tenant));
  }

  customRole(tenant: TenantId, name: string): CustomRole | undefined {
    if (!roleName.test(name)) return undefined;
    return rows.readRow<CustomRole>(this.#parts.table, rows.roleKey(tenant, name));
  }

  putRole(role: CustomRole, judge?: Judge): Promise<void> {
    return this.#write(role.tenant, () => {
      judge?.();
      refuseRole(role);
      const known = this.customRoles(role.tenant);
      const isNew = !known.some(({ name }) => name === role.name);
      if (isNew && known.length >= rolesPerTenantMax) {
        throw new MailError('not-possible-now', `a tenant has at most ${rolesPerTenantMax} roles`);
      }
      return [rows.put(rows.roleKey(role.tenant, role.name), role)];
    });
  }

  deleteRole(tenant: TenantId, name: string, judge?: Judge): Promise<void> {
    return this.#write(tenant, () => {
      judge?.();
      if (this.customRole(tenant, name) === undefined) {
        throw new MailError('not-found', `role ${name}`);
      }
      if (this.grants(tenant).some(({ role }) => role === name)) {
        throw new MailError('not-possible-now', `accounts or groups have the role ${name}`);
      }
      return [{ remove: rows.roleKey(tenant, name) }];
    });
  }

  grantsOf(account: AccountOf): readonly Grant[] {
    return isThere(this.#parts, account) ? this.#held(account.tenant, account.id) : [];
  }

  grantsOfGroup(group: GroupOf): readonly Grant[] {
    return this.#held(group.tenant, identifierOf(group.id));
  }

  grants(tenant: TenantId): readonly Grant[] {
    return rows.readRows<Grant[]>(this.#parts.table, rows.grantsOfTenant(tenant)).flat();
  }

  grant(grant: Grant, judge?: Judge): Promise<void> {
    const { tenant, domains, role } = grant;
    return this.#write(tenant, () => {
      judge?.();
      const holder = this.#holderOf(grant);
      refuseText('who gives it', grant.by);
      if (!roleName.test(role)) throw new MailError('argument-invalid', `no role: ${role}`);
      if (domains !== undefined) this.#refuseDomains(tenant, domains);
      const others = this.#held(tenant, holder).filter((each) => each.role !== role);
      if (others.length >= grantsPerAccountMax) {
        const text = `an account or a group has at most ${grantsPerAccountMax} roles`;
        throw new MailError('not-possible-now', text);
      }
      return [rows.put(rows.grantsKey(tenant, holder), [...others, grant])];
    });
  }

  revoke(account: AccountOf, role: string, judge?: Judge): Promise<void> {
    return this.#write(account.tenant, () => {
      judge?.();
      accountThatIs(this.#parts, account);
      return this.#without(account.tenant, account.id, role);
    });
  }

  revokeFromGroup(group: GroupOf, role: string, judge?: Judge): Promise<void> {
    return this.#write(group.tenant, () => {
      judge?.();
      return this.#without(group.tenant, this.#groupThatIs(group), role);
    });
  }

  accessRequests(account: AccountOf): readonly AccessRequest[] {
    return isThere(this.#parts, account) ? this.#requestsOf(account) : [];
  }

  async createAccessRequest(
    request: Omit<AccessRequest, 'id' | 'consentBy'>,
  ): Promise<AccessRequest> {
    let made: AccessRequest | undefined;
    const { tenant, account: id, asker, reason } = request;
    const of = { tenant, id };
    await this.#write(tenant, () => {
      accountThatIs(this.#parts, of);
      if (asker !== 0) accountThatIs(this.#parts, { tenant, id: asker });
      if (
        reason.trim() === '' ||
        reason.length > reasonLengthMax ||
        /[\x00-\x1f\x7f]/.test(reason)
      ) {
        const text = `a reason is a line of at most ${reasonLengthMax} characters`;
        throw new MailError('argument-invalid', text);
      }
      const [number, spent] = rows.nextNumber(this.#parts.table, rows.nextRequestKey);
      made = { ...request, id: number };
      const all = [made, ...this.#requestsOf(of)].slice(0, accessRequestsMax);
      return [rows.put(rows.requestsKey(tenant, id), all), spent];
    });
    return made!;
  }

  async consent(account: AccountOf, id: number, by: AccountId | 0): Promise<AccessRequest> {
    let agreed: AccessRequest | undefined;
    await this.#write(account.tenant, () => {
      accountThatIs(this.#parts, account);
      if (by !== 0) accountThatIs(this.#parts, { tenant: account.tenant, id: by });
      const all = this.#requestsOf(account);
      const request = all.find((each) => each.id === id);
      if (request === undefined) throw new MailError('not-found', `request ${id}`);
      if (request.asker === by) {
        throw new MailError('permission-missing', 'a second person agrees, not the one who asks');
      }
      agreed = { ...request, consentBy: by };
      const changed = all.map((each) => (each.id === id ? agreed! : each));
      return [rows.put(rows.requestsKey(account.tenant, account.id), changed)];
    });
    return agreed!;
  }

  /** The account's number, or the group's identifier. */
  #holderOf(grant: Grant): number {
    const { tenant } = grant;
    if (grant.group !== undefined) return this.#groupThatIs({ tenant, id: grant.group });
    return accountThatIs(this.#parts, { tenant, id: grant.account }).id;
  }

  #groupThatIs(group: GroupOf): number {
    if (this.#parts.group(group) !== undefined) return identifierOf(group.id);
    throw new MailError('not-found', `group ${group.id}`);
  }

  #held(tenant: TenantId, holder: number): readonly Grant[] {
    const key = rows.grantsKey(tenant, holder);
    return rows.readRow<readonly Grant[]>(this.#parts.table, key) ?? [];
  }

  #without(tenant: TenantId, holder: number, role: string): IndexChange[] {
    const known = this.#held(tenant, holder);
    const kept = known.filter((each) => each.role !== role);
    if (kept.length === known.length) throw new MailError('not-found', `role ${role}`);
    return [grantsChange(tenant, holder, kept)];
  }

  #requestsOf({ tenant, id }: AccountOf): readonly AccessRequest[] {
    const key = rows.requestsKey(tenant, id);
    return rows.readRow<readonly AccessRequest[]>(this.#parts.table, key) ?? [];
  }

  #refuseDomains(tenant: TenantId, domains: readonly string[]): void {
    if (domains.length === 0 || domains.length > domainsPerGrantMax) {
      const text = `a role is given for 1 to ${domainsPerGrantMax} domains, or for all`;
      throw new MailError('argument-invalid', text);
    }
    for (const name of domains) {
      const domain = this.#parts.domain(name);
      if (domain?.tenant !== tenant || domain.name !== name) {
        throw new MailError('not-found', `domain ${name}`);
      }
    }
  }

  #write(tenant: TenantId, decide: () => readonly IndexChange[]): Promise<void> {
    return this.#parts.turns.aside((): Decided & { readonly answer: undefined } => {
      if (!this.#parts.hasTenant(tenant)) throw new MailError('not-found', `tenant ${tenant}`);
      return { changes: decide(), change: { kind: 'roles', tenant }, answer: undefined };
    });
  }
}

/** What goes with an account. */
export function roleRemovals({ tenant, id }: AccountOf): IndexChange[] {
  return [{ remove: rows.grantsKey(tenant, id) }, { remove: rows.requestsKey(tenant, id) }];
}

/** Grants without a domain that goes: its name may come back, as somebody else's. */
export function grantsWithout(table: ShardIndex, tenant: TenantId, domain: string): IndexChange[] {
  const changes: IndexChange[] = [];
  for (const known of rows.readRows<readonly Grant[]>(table, rows.grantsOfTenant(tenant))) {
    if (!known.some(({ domains }) => domains?.includes(domain))) continue;
    const kept = known.flatMap((grant) => {
      const { domains } = grant;
      if (domains === undefined || !domains.includes(domain)) return [grant];
      const others = domains.filter((each) => each !== domain);
      return others.length === 0 ? [] : [{ ...grant, domains: others }];
    });
    const [{ account, group }] = known as [Grant];
    changes.push(grantsChange(tenant, account ?? identifierOf(group), kept));
  }
  return changes;
}

function grantsChange(tenant: TenantId, holder: number, grants: readonly Grant[]): IndexChange {
  const key = rows.grantsKey(tenant, holder);
  return grants.length === 0 ? { remove: key } : rows.put(key, grants);
}

function refuseRole({ name, permissions }: CustomRole): void {
  if (!roleName.test(name)) {
    const text = `a role's name has 1 to 63 lower-case letters, digits and hyphens: ${name}`;
    throw new MailError('argument-invalid', text);
  }
  const isGood =
    permissions.length <= permissionsPerRoleMax &&
    permissions.every((each) => permissionName.test(each)) &&
    new Set(permissions).size === permissions.length;
  if (isGood) return;
  const text = `a role has at most ${permissionsPerRoleMax} permissions, each once`;
  throw new MailError('argument-invalid', text);
}
