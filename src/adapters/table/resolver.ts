/**
 * Finds where mail for an address goes: names, subaddresses, aliases, fallbacks.
 *
 * Runs in:   the main thread; reads only, at once.
 * Specs:     RFC 5321 §3.9 (aliases), §4.5.1 (postmaster); RFC 2142 §4 (abuse); RFC 5233 (subaddress).
 * Limits:    aliases nest `aliasDepthMax` deep and lead to `aliasTargetsMax` targets; what is past that is left out.
 */

import type { AccountId, GroupId, TenantId } from '../../base/ids.ts';
import type {
  Account,
  ClosedGroup,
  Domain,
  Resolution,
  ResolvedTarget,
} from '../../ports/account-directory.ts';
import { type Group, groupIn } from '../../ports/groups.ts';
import { joined, type SplitAddress, splitAddress, subaddressUser } from './addresses.ts';
import type { NameRow } from './directory-rows.ts';

const aliasDepthMax = 10;
export const aliasTargetsMax = 1_000;

/** What the resolver may read. Arguments are normalised. */
export interface DirectoryReader {
  domain(name: string): Domain | undefined;
  name(name: SplitAddress): NameRow | undefined;
  account(id: AccountId): Account | undefined;
  /** Undefined too where it is not asked who is in it. */
  group(id: GroupId): Group | undefined;
  /** By number: accounts, and groups by `identifierOf`. */
  groupMembers(id: GroupId): readonly number[];
  firstAccountOf(domain: string): AccountId | undefined;
  /** Who gets postmaster's mail where a domain has nobody. */
  fallbackPostmaster(): string | undefined;
  isOverQuota(id: AccountId): boolean;
}

interface Search {
  readonly reader: DirectoryReader;
  readonly targets: ResolvedTarget[];
  readonly closed: ClosedGroup[];
  /** Of groups, and full: they are told of where others are not. */
  readonly full: ResolvedTarget[];
  /** Addresses, accounts and groups met: an alias loop and a double target end here. */
  readonly met: Set<string | number>;
  tenant: TenantId;
  hasDisabled: boolean;
  hasOverQuota: boolean;
}

export function resolveName(
  reader: DirectoryReader,
  name: SplitAddress,
  domain: Domain,
): Resolution {
  const search: Search = {
    reader,
    targets: [],
    closed: [],
    full: [],
    met: new Set(),
    tenant: domain.tenant,
    hasDisabled: false,
    hasOverQuota: false,
  };
  follow(search, name, 0);
  if (search.targets.length > 0) {
    const { tenant, closed } = search;
    for (const target of search.full) addTarget(search, target);
    const of = closed.length === 0 ? {} : { closed };
    return { kind: 'resolved', tenant, targets: search.targets, ...of };
  }
  if (search.hasOverQuota) return { kind: 'over-quota' };
  return { kind: search.hasDisabled ? 'disabled' : 'missing' };
}

/** The name that mail for `name` goes by, before any fallback: exact, or without its tag. */
export function findName(reader: DirectoryReader, name: SplitAddress): NameRow | undefined {
  const exact = reader.name(name);
  if (exact !== undefined) return exact;
  const localPart = subaddressUser(name.localPart);
  return localPart === undefined ? undefined : reader.name({ localPart, domain: name.domain });
}

function follow(search: Search, name: SplitAddress, depth: number): void {
  const address = joined(name);
  if (depth > aliasDepthMax || search.met.has(address)) return;
  search.met.add(address);
  const domain = search.reader.domain(name.domain);
  if (domain === undefined) {
    addTarget(search, { kind: 'remote', address });
    return;
  }
  const row = findName(search.reader, name);
  if (row !== undefined) {
    followRow(search, row, address, depth);
    return;
  }
  const { next } = fallbackOf(search.reader, domain, name.localPart);
  if (typeof next === 'string') followAddress(search, next, depth + 1);
  else if (next !== undefined) addAccount(search, next, address);
}

/** Where mail for a name without a row goes, and whether by its role. */
export function fallbackOf(reader: DirectoryReader, domain: Domain, localPart: string) {
  const role = isRoleName(localPart) ? rolesFallback(reader, domain) : undefined;
  return { isRole: role !== undefined, next: role ?? domain.catchAll };
}

function followRow(search: Search, row: NameRow, address: string, depth: number): void {
  if ('account' in row) {
    addAccount(search, row.account, address);
    return;
  }
  if ('group' in row) {
    followGroup(search, row.group);
    return;
  }
  for (const target of row.alias.targets) followAddress(search, target, depth + 1);
}

/** Written to by its name. */
function followGroup(search: Search, id: GroupId): void {
  const group = search.reader.group(id);
  if (group === undefined || group.senders === 'nobody') return;
  if (group.senders !== 'anybody') {
    search.closed.push({ group: id, tenant: group.tenant, senders: group.senders });
  }
  addMembers(search, id);
}

/** Who may write to groups within it is not asked: they only say who is in this one. */
function addMembers(search: Search, id: GroupId): void {
  if (search.met.has(`group ${id}`)) return;
  search.met.add(`group ${id}`);
  for (const member of search.reader.groupMembers(id)) {
    const group = groupIn(member);
    if (group === undefined) addGroupAccount(search, member as AccountId);
    else addMembers(search, group);
  }
}

function addGroupAccount(search: Search, id: AccountId): void {
  const account = search.reader.account(id);
  if (account === undefined) return;
  const { address, shard, isEnabled } = account;
  if (isEnabled && search.reader.isOverQuota(id) && !search.met.has(id)) {
    search.full.push({ kind: 'account', address, account: id, shard });
  }
  addAccount(search, id, address);
}

function followAddress(search: Search, address: string, depth: number): void {
  const name = splitAddress(address);
  if (name === undefined) return;
  if (search.reader.domain(name.domain) !== undefined) follow(search, name, depth);
  // The local part of an outside address is not ours to fold (RFC 5321 §2.4).
  else addTarget(search, { kind: 'remote', address });
}

function addAccount(search: Search, id: AccountId, address: string): void {
  if (search.met.has(id)) return;
  search.met.add(id);
  const account = search.reader.account(id);
  if (account === undefined) return;
  if (!account.isEnabled) search.hasDisabled = true;
  else if (search.reader.isOverQuota(id)) search.hasOverQuota = true;
  else addTarget(search, { kind: 'account', address, account: id, shard: account.shard });
}

function addTarget(search: Search, target: ResolvedTarget): void {
  if (search.targets.length >= aliasTargetsMax) return;
  if (target.kind === 'remote') {
    const key = `remote ${target.address}`;
    if (search.met.has(key)) return;
    search.met.add(key);
  }
  search.targets.push(target);
}

function isRoleName(localPart: string): boolean {
  return localPart === 'postmaster' || localPart === 'abuse';
}

function rolesFallback(reader: DirectoryReader, domain: Domain): string | AccountId | undefined {
  return domain.postmaster ?? reader.firstAccountOf(domain.name) ?? reader.fallbackPostmaster();
}
