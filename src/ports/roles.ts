/**
 * Who may do what: a tenant's own roles, which accounts were given which, and access to another's account.
 *
 * Contract:
 * - Rows stand under their tenant; a call for one tenant neither finds nor changes another's. An account of another
 *   tenant is `not-found`, as is a domain.
 * - Permissions are words here: which there are, and who may give them, is decided by whoever asks.
 * - A write resolves when it is durable; then subscribers of the directory hear `{ kind: 'roles' }` of the tenant.
 * - Deleting an account takes its grants and requests along; deleting a domain takes it out of grants, and those that
 *   were for it alone go; deleting a tenant takes all.
 */

import type { AccountId, GroupId, TenantId } from '../base/ids.ts';
import type { Eventually } from './account-directory.ts';
import type { AccountOf } from './credentials.ts';
import type { GroupOf } from './groups.ts';

export interface CustomRole {
  readonly tenant: TenantId;
  /** Lower-case letters, digits and hyphens, at most 63. */
  readonly name: string;
  readonly permissions: readonly string[];
  readonly createdMs: number;
}

/** To an account, or to a group: all who are in it have the role then. */
export type Grant = GrantTerms &
  (
    | { readonly account: AccountId; readonly group?: undefined }
    | { readonly group: GroupId; readonly account?: undefined }
  );

interface GrantTerms {
  readonly tenant: TenantId;
  readonly role: string;
  /** Absent: in all of the tenant. */
  readonly domains?: readonly string[];
  readonly createdMs: number;
  /** Who gave it, for those who read. */
  readonly by: string;
}

/** Somebody asks to act in another's account. Its owner sees it. */
export interface AccessRequest {
  readonly id: number;
  readonly tenant: TenantId;
  readonly account: AccountId;
  /** Who asks; 0: an operator. */
  readonly asker: AccountId | 0;
  readonly reason: string;
  readonly createdMs: number;
  readonly expiresMs: number;
  /** Who agreed: never who asks; 0 is an operator. */
  readonly consentBy?: AccountId | 0;
}

export const rolesPerTenantMax = 100;
export const permissionsPerRoleMax = 200;
/** Of an account, and of a group. */
export const grantsPerAccountMax = 32;
export const domainsPerGrantMax = 100;
export const accessRequestsMax = 100;
export const reasonLengthMax = 500;

/** Called in the turn of a write, maybe more than once: what it throws the write throws, and nothing is changed. */
export type Judge = () => void;

export interface RoleStore {
  /** By name. */
  customRoles(tenant: TenantId): Eventually<readonly CustomRole[]>;
  customRole(tenant: TenantId, name: string): Eventually<CustomRole | undefined>;
  /** Creates or replaces. `argument-invalid` for a name that is none, `not-possible-now` past `rolesPerTenantMax`. */
  putRole(role: CustomRole, judge?: Judge): Promise<void>;
  /** `not-possible-now` while an account or a group has it. */
  deleteRole(tenant: TenantId, name: string, judge?: Judge): Promise<void>;

  /** Its own, not those of its groups. */
  grantsOf(account: AccountOf): Eventually<readonly Grant[]>;
  /** Its own, not those of groups it is in. */
  grantsOfGroup(group: GroupOf): Eventually<readonly Grant[]>;
  /** By account, then by group. */
  grants(tenant: TenantId): Eventually<readonly Grant[]>;
  /** In the place of what the account or group had of the same role. */
  grant(grant: Grant, judge?: Judge): Promise<void>;
  revoke(account: AccountOf, role: string, judge?: Judge): Promise<void>;
  revokeFromGroup(group: GroupOf, role: string, judge?: Judge): Promise<void>;

  /** Of one account, the newest first. */
  accessRequests(account: AccountOf): Eventually<readonly AccessRequest[]>;
  /** Past `accessRequestsMax` of an account the oldest goes. */
  createAccessRequest(request: Omit<AccessRequest, 'id' | 'consentBy'>): Promise<AccessRequest>;
  /** `permission-missing` for who asked. */
  consent(account: AccountOf, id: number, by: AccountId | 0): Promise<AccessRequest>;
}
