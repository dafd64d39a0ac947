/**
 * Groups of a table directory.
 *
 * Runs in:   the main thread.
 * Limits:    those of the port.
 * Invariant: each write looks up the group, its tenant and the members in its turn, so no group reaches over a tenant's
 *            wall or into itself. A group's name stands among the names of its domain.
 */

import { MailError } from '../../base/errors.ts';
import { type GroupId, groupId, type TenantId } from '../../base/ids.ts';
import {
  type Group,
  type GroupMember,
  type GroupOf,
  type GroupSenders,
  type GroupStore,
  groupAccountsMax,
  groupDepthMax,
  groupIn,
  groupMembersMax,
  groupsPerTenantMax,
  identifierOf,
} from '../../ports/groups.ts';
import type { Judge } from '../../ports/roles.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import { joined, type SplitAddress, splitAddress } from './addresses.ts';
import { type NameRow, nameKey } from './directory-rows.ts';
import { type GroupRows, lastNumber } from './group-rows.ts';
import { accountThatIs, type IdentityParts } from './identity-parts.ts';
import * as rows from './identity-rows.ts';
import { senderRemovals } from './senders.ts';

const noBytes = new Uint8Array(0);

export interface GroupParts extends IdentityParts {
  readonly groupRows: GroupRows;
  readonly name: (name: SplitAddress) => NameRow | undefined;
  /** @throws MailError where the name is taken, or of no domain of the tenant. */
  readonly freeName: (address: string, tenant: TenantId) => SplitAddress;
}

export class TableGroups implements GroupStore {
  readonly #parts: GroupParts;

  constructor(parts: GroupParts) {
    this.#parts = parts;
  }

  groups(tenant: TenantId): readonly Group[] {
    const { table, groupRows } = this.#parts;
    return table
      .range(rows.groupsOfTenant(tenant))
      .map(({ key }) => groupRows.group(lastNumber(key) as GroupId))
      .filter((group) => group !== undefined)
      .sort((a, b) => (a.address < b.address ? -1 : 1));
  }

  group({ tenant, id }: GroupOf): Group | undefined {
    const found = this.#parts.groupRows.group(id);
    return found?.tenant === tenant ? found : undefined;
  }

  groupByAddress(tenant: TenantId, address: string): Group | undefined {
    const name = splitAddress(address);
    const row = name === undefined ? undefined : this.#parts.name(name);
    if (row === undefined || !('group' in row)) return undefined;
    return this.group({ tenant, id: row.group });
  }

  members(of: GroupOf): readonly GroupMember[] {
    if (this.group(of) === undefined) return [];
    return this.#parts.groupRows.members(of.id).map(memberOf);
  }

  lineOf(of: GroupOf): readonly GroupId[] {
    if (this.group(of) === undefined) return [];
    return [of.id, ...this.#parts.groupRows.above(identifierOf(of.id))];
  }

  createGroup(group: Omit<Group, 'id'>): Promise<Group> {
    const { table, turns, freeName } = this.#parts;
    return turns.create(() => {
      const name = freeName(group.address, group.tenant);
      const known = table.range({
        ...rows.groupsOfTenant(group.tenant),
        limit: groupsPerTenantMax,
      });
      if (known.length === groupsPerTenantMax) {
        throw tooMuch(`a tenant has at most ${groupsPerTenantMax} groups`);
      }
      const [number, spent] = rows.nextNumber(table, rows.nextGroupKey);
      const id = groupId(number);
      const made: Group = { ...group, id, address: joined(name) };
      const changes = [
        rows.put(rows.groupKey(id), made),
        rows.put(nameKey(name), { group: id }),
        { put: rows.tenantGroupKey(group.tenant, id), value: noBytes },
        spent,
      ];
      return { made, changes, change: { kind: 'group', id } };
    });
  }

  setSenders(of: GroupOf, senders: GroupSenders): Promise<void> {
    return this.#write(of, (group) => [rows.put(rows.groupKey(of.id), { ...group, senders })]);
  }

  deleteGroup(of: GroupOf, judge?: Judge): Promise<void> {
    return this.#write(of, ({ address }) => {
      judge?.();
      const { groupRows } = this.#parts;
      const self = identifierOf(of.id);
      const name = splitAddress(address)!;
      return [
        { remove: rows.groupKey(of.id) },
        { remove: nameKey(name) },
        { remove: rows.tenantGroupKey(of.tenant, of.id) },
        { remove: rows.grantsKey(of.tenant, self) },
        ...groupRows.members(of.id).map((member) => ({ remove: rows.groupOfKey(member, of.id) })),
        rows.removal(rows.groupMembers(of.id)),
        ...memberRemovals(this.#parts.table, self),
        ...senderRemovals(this.#parts.table, self),
      ];
    });
  }

  addMembers(of: GroupOf, members: readonly GroupMember[], judge?: Judge): Promise<void> {
    return this.#write(of, () => {
      judge?.();
      const known = new Set(this.#parts.groupRows.members(of.id));
      const wanted = new Set(members.map((member) => this.#memberThatIs(of.tenant, member)));
      const fresh = [...wanted].filter((member) => !known.has(member));
      if (known.size + fresh.length > groupMembersMax) {
        throw tooMuch(`a group has at most ${groupMembersMax} members`);
      }
      this.#refuseShape(of.id, fresh);
      return fresh.flatMap((member) => [
        { put: rows.groupMemberKey(of.id, member), value: noBytes },
        { put: rows.groupOfKey(member, of.id), value: noBytes },
      ]);
    });
  }

  removeMember(of: GroupOf, member: GroupMember, judge?: Judge): Promise<void> {
    return this.#write(of, () => {
      judge?.();
      const identifier = numberOf(member);
      if (!this.#parts.groupRows.members(of.id).includes(identifier)) {
        throw new MailError('not-found', 'it is no member by itself');
      }
      return [
        { remove: rows.groupMemberKey(of.id, identifier) },
        { remove: rows.groupOfKey(identifier, of.id) },
      ];
    });
  }

  #memberThatIs(tenant: TenantId, member: GroupMember): number {
    if (member.group === undefined) accountThatIs(this.#parts, { tenant, id: member.account });
    else if (this.group({ tenant, id: member.group }) === undefined) {
      throw new MailError('not-found', `group ${member.group}`);
    }
    return numberOf(member);
  }

  /** With these in it: no circle, no deeper and no larger than may be, it and all that it is in. */
  #refuseShape(id: GroupId, fresh: readonly number[]): void {
    const { groupRows } = this.#parts;
    const above = groupRows.above(identifierOf(id));
    const levels = groupRows.levelsAbove(id);
    const accounts = new Set<number>();
    for (const member of fresh) {
      const group = groupIn(member);
      if (group === undefined) {
        accounts.add(member);
        continue;
      }
      if (group === id || above.includes(group)) {
        throw new MailError('argument-invalid', 'the group would be in itself');
      }
      if (levels + groupRows.levelsBelow(group) > groupDepthMax) {
        throw tooMuch(`groups nest at most ${groupDepthMax} deep`);
      }
      for (const account of groupRows.accountsIn(group)) accounts.add(account);
    }
    for (const one of [id, ...above]) {
      if (new Set([...groupRows.accountsIn(one), ...accounts]).size > groupAccountsMax) {
        throw tooMuch(`a group leads to at most ${groupAccountsMax} accounts`);
      }
    }
  }

  #write(of: GroupOf, decide: (group: Group) => readonly IndexChange[]): Promise<void> {
    return this.#parts.turns.write(() => {
      const group = this.group(of);
      if (group === undefined) throw new MailError('not-found', `group ${of.id}`);
      return { changes: decide(group), change: { kind: 'group', id: of.id } };
    });
  }
}

/** An account or a group that goes is in no group any more. */
export function memberRemovals(table: ShardIndex, identifier: number): IndexChange[] {
  const range = rows.groupsOfMember(identifier);
  const out = table.range(range).map(({ key }) => ({
    remove: rows.groupMemberKey(lastNumber(key) as GroupId, identifier),
  }));
  return [...out, rows.removal(range)];
}

function memberOf(identifier: number): GroupMember {
  const group = groupIn(identifier);
  return group === undefined
    ? { account: identifier as Exclude<GroupMember['account'], undefined> }
    : { group };
}

function numberOf(member: GroupMember): number {
  return member.group === undefined ? member.account : identifierOf(member.group);
}

function tooMuch(words: string): MailError {
  return new MailError('not-possible-now', words);
}
