/**
 * Who is in which group, read from a directory's table.
 *
 * Runs in:   the main thread.
 * Limits:    each cache holds `cachedMax` entries; `forget` empties them after every commit.
 * Invariant: what is asked of accounts at each ask of a session costs a look into a map.
 */

import { Buffer } from 'node:buffer';
import type { AccountId, GroupId } from '../../base/ids.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { type Group, groupIn, identifierOf } from '../../ports/groups.ts';
import type { ShardIndex } from '../../ports/shard-index.ts';
import type { KeyRange } from './directory-rows.ts';
import * as rows from './identity-rows.ts';

const cachedMax = 20_000;
const noGroups: readonly GroupId[] = [];

export class GroupRows {
  readonly #table: ShardIndex;
  readonly #groups = new RecentMap<GroupId, Group>(cachedMax);
  readonly #members = new RecentMap<GroupId, readonly number[]>(cachedMax);
  readonly #lines = new RecentMap<number, readonly GroupId[]>(cachedMax);

  constructor(table: ShardIndex) {
    this.#table = table;
  }

  forget(): void {
    this.#groups.clear();
    this.#members.clear();
    this.#lines.clear();
  }

  group(id: GroupId): Group | undefined {
    const known = this.#groups.get(id);
    if (known !== undefined) return known;
    const found = rows.readRow<Group>(this.#table, rows.groupKey(id));
    if (found !== undefined) this.#groups.set(id, found);
    return found;
  }

  /** Identifiers of those that stand in it by themselves: accounts, then groups. */
  members(id: GroupId): readonly number[] {
    const known = this.#members.get(id);
    if (known !== undefined) return known;
    const found = this.#numbers(rows.groupMembers(id));
    this.#members.set(id, found);
    return found;
  }

  /** Groups that the account or group stands in by itself. */
  groupsWith(identifier: number): readonly GroupId[] {
    return this.#numbers(rows.groupsOfMember(identifier)) as GroupId[];
  }

  /** All groups that the account or group is in, by whatever way, by number. */
  above(identifier: number): readonly GroupId[] {
    const known = this.#lines.get(identifier);
    if (known !== undefined) return known;
    const met = new Set<GroupId>();
    const open = [...this.groupsWith(identifier)];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (met.has(next)) continue;
      met.add(next);
      open.push(...this.groupsWith(identifierOf(next)));
    }
    const line = met.size === 0 ? noGroups : [...met].sort((a, b) => a - b);
    this.#lines.set(identifier, line);
    return line;
  }

  accountsIn(id: GroupId): ReadonlySet<AccountId> {
    const accounts = new Set<AccountId>();
    const met = new Set<GroupId>();
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (met.has(next)) continue;
      met.add(next);
      for (const member of this.members(next)) {
        const group = groupIn(member);
        if (group === undefined) accounts.add(member as AccountId);
        else open.push(group);
      }
    }
    return accounts;
  }

  /** How many groups stand above each other, this one counted. */
  levelsAbove(id: GroupId): number {
    const above = this.groupsWith(identifierOf(id)).map((group) => this.levelsAbove(group));
    return 1 + Math.max(0, ...above);
  }

  levelsBelow(id: GroupId): number {
    let most = 0;
    for (const member of this.members(id)) {
      const group = groupIn(member);
      if (group !== undefined) most = Math.max(most, this.levelsBelow(group));
    }
    return 1 + most;
  }

  /** The numbers that keys of a range end with. */
  #numbers(range: KeyRange): number[] {
    return this.#table.range(range).map(({ key }) => lastNumber(key));
  }
}

export function lastNumber(key: Uint8Array): number {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return bytes.readUInt32BE(bytes.length - 4);
}
