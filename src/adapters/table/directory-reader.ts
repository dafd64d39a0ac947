/**
 * The reads of a table directory, with their caches.
 *
 * Runs in:   the main thread.
 * Limits:    each cache holds `cachedNamesMax` entries, so a flood of made-up names costs look-ups, not memory.
 * Invariant: `forget` is called after every commit: a cache never outlives what it was made from.
 */

import type { AccountId, GroupId } from '../../base/ids.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { Account, DkimKey, Domain, Resolution } from '../../ports/account-directory.ts';
import type { Group } from '../../ports/groups.ts';
import type { ShardIndex } from '../../ports/shard-index.ts';
import { normalDomain, normalLocalPart, type SplitAddress, splitAddress } from './addresses.ts';
import * as rows from './directory-rows.ts';
import type { GroupRows } from './group-rows.ts';
import type { Levels } from './levels.ts';
import { type DirectoryReader, resolveName } from './resolver.ts';

const cachedNamesMax = 100_000;
const cachedDomainsMax = 20_000;
/** How many of a domain's accounts are looked at for one that is enabled and may be its postmaster. */
const postmastersMax = 100;

const remote: Resolution = { kind: 'remote' };
const missing: Resolution = { kind: 'missing' };

export class DirectoryRows implements DirectoryReader {
  readonly #table: ShardIndex;
  readonly #postmaster: string | undefined;
  readonly #groups: GroupRows;
  readonly #levels: Pick<Levels, 'effective'>;
  readonly #overQuota = new Set<AccountId>();
  readonly #accounts = new RecentMap<AccountId, Account>(cachedNamesMax);
  /** By the name as given; null: no domain of ours. */
  readonly #domains = new RecentMap<string, Domain | null>(cachedDomainsMax);
  readonly #keys = new RecentMap<string, readonly DkimKey[]>(cachedDomainsMax);
  readonly #resolutions = new RecentMap<string, Resolution>(cachedNamesMax);

  /** The same reads for who a name belongs to: room is not asked about, and a group lends its name to nobody in it. */
  readonly regardlessOfQuota: DirectoryReader = {
    domain: (name) => this.domain(name),
    name: (name) => this.name(name),
    account: (id) => this.account(id),
    group: () => undefined,
    groupMembers: () => [],
    firstAccountOf: (domain) => this.firstAccountOf(domain),
    fallbackPostmaster: () => this.#postmaster,
    isOverQuota: () => false,
  };

  constructor(
    table: ShardIndex,
    postmaster: string | undefined,
    groups: GroupRows,
    levels: Pick<Levels, 'effective'>,
  ) {
    this.#table = table;
    this.#levels = levels;
    this.#groups = groups;
    this.#postmaster = postmaster;
  }

  forget(): void {
    this.#accounts.clear();
    this.#domains.clear();
    this.#keys.clear();
    this.#resolutions.clear();
    this.#groups.forget();
  }

  resolve(localPart: string, domain: string): Resolution {
    const found = this.domainAsGiven(domain);
    if (found === undefined) return domain === '' ? this.#resolveBare(localPart) : remote;
    const key = `${localPart}@${domain}`;
    const known = this.#resolutions.get(key);
    if (known !== undefined) return known;
    const name = { localPart: normalLocalPart(localPart), domain: found.name };
    const resolution = resolveName(this, name, found);
    this.#resolutions.set(key, resolution);
    return resolution;
  }

  /** RFC 5321 §4.5.1: `<postmaster>` without a domain is served too. */
  #resolveBare(localPart: string): Resolution {
    if (localPart.toLowerCase() !== 'postmaster') return missing;
    const fallback = this.fallbackPostmaster();
    const name = fallback === undefined ? undefined : splitAddress(fallback);
    if (name !== undefined) return this.resolve(name.localPart, name.domain);
    const [first] = this.#table.range({ ...rows.everyDomain, limit: 1 });
    if (first === undefined) return missing;
    return this.resolve('postmaster', rows.decodeRow<Domain>(first.value).name);
  }

  domainAsGiven(domain: string): Domain | undefined {
    let found = this.#domains.get(domain);
    if (found === undefined) {
      const name = normalDomain(domain);
      const value = name === '' ? undefined : this.#table.get(rows.domainKey(name));
      found = value === undefined ? null : rows.decodeRow<Domain>(value);
      this.#domains.set(domain, found);
    }
    return found ?? undefined;
  }

  domain(name: string): Domain | undefined {
    return this.domainAsGiven(name);
  }

  name(name: SplitAddress): rows.NameRow | undefined {
    const value = this.#table.get(rows.nameKey(name));
    return value === undefined ? undefined : rows.decodeRow<rows.NameRow>(value);
  }

  account(id: AccountId): Account | undefined {
    const known = this.#accounts.get(id);
    if (known !== undefined) return known;
    const value = this.#table.get(rows.accountKey(id));
    if (value === undefined) return undefined;
    const account = this.#levels.effective(rows.decodeRow<Account>(value));
    this.#accounts.set(id, account);
    return account;
  }

  group(id: GroupId): Group | undefined {
    return this.#groups.group(id);
  }

  groupMembers(id: GroupId): readonly number[] {
    return this.#groups.members(id);
  }

  dkimKeys(domain: string): readonly DkimKey[] {
    const known = this.#keys.get(domain);
    if (known !== undefined) return known;
    const value = this.#table.get(rows.dkimKey(domain));
    const keys = value === undefined ? [] : rows.decodeRow<readonly DkimKey[]>(value);
    this.#keys.set(domain, keys);
    return keys;
  }

  firstAccountOf(domain: string): AccountId | undefined {
    const members = this.#table.range({ ...rows.membersOf(domain), limit: postmastersMax });
    const ids = members.map((entry) => rows.idOfKey(entry.key));
    return ids.find((id) => this.account(id)?.isEnabled === true);
  }

  fallbackPostmaster(): string | undefined {
    return this.#postmaster;
  }

  isOverQuota(id: AccountId): boolean {
    return this.#overQuota.has(id);
  }

  noteOverQuota(id: AccountId, isOver: boolean): void {
    if (this.#overQuota.has(id) === isOver) return;
    if (isOver) this.#overQuota.add(id);
    else this.#overQuota.delete(id);
    this.#resolutions.clear();
  }
}
