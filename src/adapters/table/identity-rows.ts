/**
 * Keys of what an account logs in with and what it may do, in the table of the directory.
 *
 * Runs in:   the main thread; pure.
 * Invariant: all of an account stands under its number, all of a tenant under the tenant's: each goes by ranges when
 *            its account or tenant does. `directory-rows.ts` has the other letters.
 *
 *   b·account·id             AppPassword
 *   c·account                FactorsRow
 *   e·account·id             SessionRow
 *   g·tenant·account         Grant[]; in the account's place a group's identifier
 *   i·group                  Group
 *   j·group·identifier       its members: accounts, and groups by `identifierOf`
 *   l·tenant                 TenantPolicy
 *   o·account                OwnerRow
 *   p·account                PasswordRow
 *   q·tenant·name            CustomRole
 *   r·tenant·group           a tenant's groups
 *   x·credential             whose passkey it is
 *   y·tenant·account         RequestsRow
 *   z·identifier·group       the groups that an account or a group is in
 *   A·account·identifier     who may send in its name; B has the same the other way round (`senders.ts`)
 *   P·account                AccountDeletion: its mail is to be deleted on its shard
 *   Q·number                 Spread: shards are to be told what accounts inherit
 *   mlevel                   AccountLevel of the server
 *   mapp, msession, mrequest, mgroup, mspread the next numbers of these
 *   mtoken                   TokenKey[]
 */

import { Buffer } from 'node:buffer';
import type { AccountId, GroupId, TenantId } from '../../base/ids.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import type { KeyRange } from './directory-rows.ts';

export const nextAppPasswordKey = Buffer.from('mapp');
export const nextSessionKey = Buffer.from('msession');
export const nextRequestKey = Buffer.from('mrequest');
export const nextSpreadKey = Buffer.from('mspread');
export const serverLevelKey = Buffer.from('mlevel');
export const nextGroupKey = Buffer.from('mgroup');
export const tokenKeysKey = Buffer.from('mtoken');

export const appPasswordKey = (account: AccountId, id: number) => keyOf('b', account, id);
export const factorsKey = (account: AccountId) => keyOf('c', account);
export const sessionKey = (account: AccountId, id: number) => keyOf('e', account, id);
/** Of an account, or of a group by its identifier. */
export const grantsKey = (tenant: TenantId, holder: number) => keyOf('g', tenant, holder);
export const groupKey = (group: GroupId) => keyOf('i', group);
export const groupMemberKey = (group: GroupId, member: number) => keyOf('j', group, member);
export const groupOfKey = (member: number, group: GroupId) => keyOf('z', member, group);
export const tenantGroupKey = (tenant: TenantId, group: GroupId) => keyOf('r', tenant, group);
export const policyKey = (tenant: TenantId) => keyOf('l', tenant);
export const ownerKey = (account: AccountId) => keyOf('o', account);
export const passwordKey = (account: AccountId) => keyOf('p', account);
export const roleKey = (tenant: TenantId, name: string) =>
  Buffer.concat([keyOf('q', tenant), Buffer.from(name)]);
export const credentialKey = (credential: string) => Buffer.from(`x${credential}`);
export const requestsKey = (tenant: TenantId, account: AccountId) => keyOf('y', tenant, account);

export const appPasswordsOf = (account: AccountId) => under(keyOf('b', account));
export const sessionsOf = (account: AccountId) => under(keyOf('e', account));
export const grantsOfTenant = (tenant: TenantId) => under(keyOf('g', tenant));
export const deletionKey = (account: AccountId) => keyOf('P', account);
export const everyDeletion: KeyRange = { from: Buffer.from('P'), to: Buffer.from('Q') };
export const spreadKey = (id: number) => keyOf('Q', id);
export const everySpread: KeyRange = { from: Buffer.from('Q'), to: Buffer.from('R') };
export const groupMembers = (group: GroupId) => under(keyOf('j', group));
export const groupsOfMember = (member: number) => under(keyOf('z', member));
export const groupsOfTenant = (tenant: TenantId) => under(keyOf('r', tenant));
export const rolesOf = (tenant: TenantId) => under(keyOf('q', tenant));

function encode(row: object | number): Buffer {
  return Buffer.from(JSON.stringify(row));
}

function decode<Row>(value: Uint8Array): Row {
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
  return JSON.parse(text) as Row;
}

export function readRow<Row>(table: ShardIndex, key: Uint8Array): Row | undefined {
  const value = table.get(key);
  return value === undefined ? undefined : decode<Row>(value);
}

export function readRows<Row>(table: ShardIndex, range: KeyRange): Row[] {
  return table.range(range).map(({ value }) => decode<Row>(value));
}

export function put(key: Uint8Array, row: object | number): IndexChange {
  return { put: key, value: encode(row) };
}

export function removal({ from, to }: KeyRange): IndexChange {
  return { removeFrom: from, to };
}

/** What stands under a tenant's number. */
export function tenantRemovals(tenant: TenantId): IndexChange[] {
  return [
    { remove: policyKey(tenant) },
    removal(rolesOf(tenant)),
    removal(grantsOfTenant(tenant)),
    removal(under(keyOf('y', tenant))),
  ];
}

/** The next number under `key`, and the change that spends it. */
export function nextNumber(table: ShardIndex, key: Uint8Array): readonly [number, IndexChange] {
  const next = readRow<number>(table, key) ?? 1;
  return [next, put(key, next + 1)];
}

function keyOf(prefix: string, ...numbers: readonly number[]): Buffer {
  const key = Buffer.alloc(1 + 4 * numbers.length);
  key.write(prefix);
  for (const [place, number] of numbers.entries()) key.writeUInt32BE(number, 1 + 4 * place);
  return key;
}

function under(from: Buffer): KeyRange {
  // Longer than any key under it, all ones: names under a tenant are lower-case letters.
  return { from, to: Buffer.concat([from, Buffer.alloc(5, 0xff)]) };
}
