/**
 * Finds where mail for an address goes: names, subaddresses, aliases, fallbacks.
 *
 * Runs in:   the main thread; reads only, at once.
 * Specs:     RFC 5321 §3.9 (aliases), §4.5.1 (postmaster); RFC 2142 §4 (abuse); RFC 5233 (subaddress).
 * Limits:    aliases nest `aliasDepthMax` deep and lead to `aliasTargetsMax` targets; what is past that is left out.
 */

import type { AccountId, TenantId } from '../../base/ids.ts';
import type { Account, Domain, Resolution, ResolvedTarget } from '../../ports/account-directory.ts';
import { joined, type SplitAddress, splitAddress, subaddressUser } from './addresses.ts';
import type { NameRow } from './directory-rows.ts';

const aliasDepthMax = 10;
export const aliasTargetsMax = 1_000;

/** What the resolver may read. Arguments are normalised. */
export interface DirectoryReader {
  domain(name: string): Domain | undefined;
  name(name: SplitAddress): NameRow | undefined;
  account(id: AccountId): Account | undefined;
  firstAccountOf(domain: string): AccountId | undefined;
  /** Who gets postmaster's mail where a domain has nobody. */
  fallbackPostmaster(): string | undefined;
  isOverQuota(id: AccountId): boolean;
}

interface Search {
  readonly reader: DirectoryReader;
  readonly targets: ResolvedTarget[];
  /** Addresses and accounts met: an alias loop and a double target end here. */
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
    met: new Set(),
    tenant: domain.tenant,
    hasDisabled: false,
    hasOverQuota: false,
  };
  follow(search, name, 0);
  if (search.targets.length > 0) {
    return { kind: 'resolved', tenant: search.tenant, targets: search.targets };
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
  for (const target of row.alias.targets) followAddress(search, target, depth + 1);
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
