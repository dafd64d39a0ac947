/**
 * Groups: accounts, and other groups, that are written to, given roles and given rights to mailboxes by one name.
 *
 * Contract:
 * - A group's name is an address of a domain of its tenant, and no account or alias has it. Whether mail is taken for it
 *   is what `senders` says; the directory's `resolve` leads to each account in it once.
 * - Members are accounts and groups of the same tenant. No group is in itself, by whatever way; groups nest
 *   `groupDepthMax` deep and reach `groupAccountsMax` accounts: a write that would break this is refused, so what is
 *   resolved needs no cutting.
 * - Rows stand under their tenant: another tenant's group or account is `not-found`.
 * - A write resolves when it is durable; then subscribers of the directory hear `{ kind: 'group' }`.
 * - Deleting an account takes it out of its groups. Deleting a group takes it out of groups and takes its roles away;
 *   access lists that name it name nobody: its number is never given again. A domain that has groups is not deleted.
 */

import type { AccountId, GroupId, TenantId } from '../base/ids.ts';
import type { Eventually } from './account-directory.ts';
import type { Judge } from './roles.ts';

/** Who may write to it: those who log in (or hold a key) are known for certain, everybody else is a stranger. */
export const groupSenders = ['anybody', 'tenant', 'members', 'nobody'] as const;
export type GroupSenders = (typeof groupSenders)[number];

export interface Group {
  readonly id: GroupId;
  readonly tenant: TenantId;
  readonly address: string;
  readonly senders: GroupSenders;
  readonly createdMs: number;
}

export type GroupMember =
  | { readonly account: AccountId; readonly group?: undefined }
  | { readonly group: GroupId; readonly account?: undefined };

export interface GroupOf {
  readonly tenant: TenantId;
  readonly id: GroupId;
}

export const groupsPerTenantMax = 1_000;
/** Accounts and groups that stand in it by themselves. */
export const groupMembersMax = 1_000;
/** Accounts that it leads to in all. */
export const groupAccountsMax = 1_000;
/** A group in a group in a group … */
export const groupDepthMax = 5;

/**
 * How access lists name a group: above all numbers of accounts, so that one number names one or the other.
 */
const firstIdentifier = 0x8000_0000;

export function identifierOf(group: GroupId): number {
  return firstIdentifier + group;
}

/** Undefined: it names an account, or anyone. */
export function groupIn(identifier: number): GroupId | undefined {
  return identifier > firstIdentifier ? ((identifier - firstIdentifier) as GroupId) : undefined;
}

export interface GroupStore {
  /** By address. */
  groups(tenant: TenantId): Eventually<readonly Group[]>;
  group(group: GroupOf): Eventually<Group | undefined>;
  groupByAddress(tenant: TenantId, address: string): Eventually<Group | undefined>;
  /** Those that stand in it by themselves: accounts first, by number. */
  members(group: GroupOf): Eventually<readonly GroupMember[]>;
  /** It and all groups that it is in, by whatever way: whoever joins it is in all of them. */
  lineOf(group: GroupOf): Eventually<readonly GroupId[]>;
  /**
   * The directory numbers it. `already-exists` where the address has mail already, `domain-missing`, `argument-invalid`
   * where the domain is another tenant's, `not-possible-now` past `groupsPerTenantMax`.
   */
  createGroup(group: Omit<Group, 'id'>): Promise<Group>;
  /** Replaces who may write to it. */
  setSenders(group: GroupOf, senders: GroupSenders): Promise<void>;
  deleteGroup(group: GroupOf, judge?: Judge): Promise<void>;
  /** All of them or none; who is in it already stays. `not-possible-now` past a limit, `argument-invalid` for a circle. */
  addMembers(group: GroupOf, members: readonly GroupMember[], judge?: Judge): Promise<void>;
  /** `not-found` where it is not in it by itself. */
  removeMember(group: GroupOf, member: GroupMember, judge?: Judge): Promise<void>;
}
