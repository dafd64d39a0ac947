/**
 * The account directory over any ordered table with durable commits: LMDB's, or one in memory.
 *
 * Runs in:   the main thread, the only writer.
 * Limits:    caches hold `cachedNamesMax` resolutions and as many accounts; a write empties them (writes are rare,
 *            and one row can change what many names lead to), but for a note of who shares: any user makes those.
 *            Lists are read in pages of `pageRows`.
 * Invariant: writes run one after the other, each as one commit: what a write checked still holds when it commits.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../../base/assert.ts';
import { MailError } from '../../base/errors.ts';
import type { AccountId, ApiKeyId, GroupId, TenantId } from '../../base/ids.ts';
import type {
  Account,
  AccountDeletion,
  AccountDirectory,
  Alias,
  ApiKey,
  DirectoryChange,
  DkimKey,
  Domain,
  Resolution,
  SrsSecret,
  Tenant,
} from '../../ports/account-directory.ts';
import { groupIn, identifierOf } from '../../ports/groups.ts';
import type { HoldRule } from '../../ports/hold-rule.ts';
import type { Identity } from '../../ports/identity.ts';
import type { AccountLevel, Spread } from '../../ports/levels.ts';
import type { IndexChange, IndexEntry, ShardIndex } from '../../ports/shard-index.ts';
import { joined, normalDomain, splitAddress } from './addresses.ts';
import { TableCredentials } from './credentials.ts';
import { DirectoryRows } from './directory-reader.ts';
import * as rows from './directory-rows.ts';
import { DomainWrites } from './domain-writes.ts';
import { GroupRows } from './group-rows.ts';
import { TableGroups } from './groups.ts';
import { listHoldRules, newHoldRule, withoutHoldRule } from './hold-rules.ts';
import { deletionKey, everyDeletion, readRows, spreadKey } from './identity-rows.ts';
import { Levels, refuseLevel } from './levels.ts';
import { domainThatIs, NameWrites, put } from './name-writes.ts';
import { TableOwners } from './owners.ts';
import { findName, resolveName } from './resolver.ts';
import { TableRoles } from './roles.ts';
import { TableSecondFactors } from './second-factors.ts';
import { Senders } from './senders.ts';
import { Sharings } from './sharings.ts';
import { SpentNumbers } from './spent-numbers.ts';
import { Tenants } from './tenants.ts';
import { toldBy } from './told-by.ts';
import { type Decided, WriteTurns } from './write-turns.ts';

const pageRows = 500;

export interface DirectoryOptions {
  readonly table: ShardIndex;
  /** How many shards accounts are spread over. */
  readonly shards: number;
  /** Gets postmaster's mail of domains that have nobody, and mail for a bare `<postmaster>`. */
  readonly postmaster?: string;
  /** Calls `listener` after rows were changed by others than this directory; absent: nobody else writes the table. */
  readonly hearOthers?: (listener: (changes: readonly IndexChange[]) => void) => void;
  /** What the table said before it was brought up to date: `nextNumbers`. */
  readonly known?: readonly number[];
}

export function openTableIdentity(options: DirectoryOptions): Identity {
  const directory = new TableDirectory(options);
  const { credentials, secondFactors, roles, owners, groups } = directory;
  return { directory, credentials, secondFactors, roles, owners, groups };
}

class TableDirectory implements AccountDirectory {
  readonly #table: ShardIndex;
  readonly #shards: number;
  readonly #rows: DirectoryRows;
  readonly #groupRows: GroupRows;
  readonly #levels: Levels;
  readonly #senders: Senders;
  readonly #sharings: Sharings;
  readonly #tenants: Tenants;
  readonly #turns: WriteTurns;
  readonly #spent: SpentNumbers;
  readonly #names: NameWrites;
  readonly #domainWrites: DomainWrites;
  readonly credentials: TableCredentials;
  readonly secondFactors: TableSecondFactors;
  readonly owners: TableOwners;
  readonly roles: TableRoles;
  readonly groups: TableGroups;

  constructor(options: DirectoryOptions) {
    assert(options.shards >= 1, 'a directory spreads accounts over at least one shard');
    this.#table = options.table;
    this.#shards = options.shards;
    this.#groupRows = new GroupRows(options.table);
    this.#tenants = new Tenants(options.table);
    this.#levels = new Levels({
      table: options.table,
      domain: (name) => this.#rows.domain(name),
      tenant: (id) => this.#tenants.byId(id),
      domainsOf: (tenant) => this.#namesOfDomains(tenant),
    });
    const { table, postmaster } = options;
    this.#rows = new DirectoryRows(table, postmaster, this.#groupRows, this.#levels);
    this.#names = new NameWrites(table, this.#rows, this.#levels);
    this.#domainWrites = new DomainWrites({
      ...{ table, rows: this.#rows, levels: this.#levels },
      hasTenant: (id) => this.#tenants.byId(id) !== undefined,
    });
    this.#sharings = new Sharings(options.table, (id) => this.#rows.account(id)?.tenant);
    this.#spent = new SpentNumbers(table, options.known);
    const forget = () => {
      this.#rows.forget();
      this.#tenants.forget();
      this.#levels.forget();
    };
    this.#turns = new WriteTurns(table, forget, () => this.#spent.lost());
    const parts = {
      table: options.table,
      turns: this.#turns,
      account: (id: AccountId) => this.#rows.account(id),
      hasTenant: (id: TenantId) => this.#tenants.byId(id) !== undefined,
      domain: (name: string) => this.#rows.domain(name),
    };
    this.credentials = new TableCredentials(parts);
    this.secondFactors = new TableSecondFactors(parts);
    this.owners = new TableOwners(parts);
    this.#senders = new Senders({ ...parts, groupRows: this.#groupRows });
    this.groups = new TableGroups({
      ...parts,
      groupRows: this.#groupRows,
      name: (name) => this.#rows.name(name),
      freeName: (address, tenant) => this.#names.freeName(address, tenant),
    });
    this.roles = new TableRoles({ ...parts, group: (of) => this.groups.group(of) });
    options.hearOthers?.((changes) => {
      forget();
      this.#sharings.readAgain();
      // Others are to know too; where it cannot be written yet, the next write does it.
      if (this.#spent.lost().length > 0) void this.#turns.mend().catch(() => {});
      for (const change of toldBy(changes)) this.#turns.tell(change);
    });
  }

  isLocalDomain(domain: string): boolean {
    return this.#rows.domainAsGiven(domain) !== undefined;
  }

  resolve(localPart: string, domain: string): Resolution {
    return this.#rows.resolve(localPart, domain);
  }

  accountByAddress(address: string): Account | undefined {
    const name = splitAddress(address);
    const row = name === undefined ? undefined : this.#rows.name(name);
    return row !== undefined && 'account' in row ? this.#rows.account(row.account) : undefined;
  }

  accountById(id: AccountId): Account | undefined {
    return this.#rows.account(id);
  }

  maySendAs(account: Account, address: string): boolean {
    const name = splitAddress(address);
    if (name === undefined) return false;
    const whole = joined(name);
    if (whole === account.address) return true;
    const domain = this.#rows.domain(name.domain);
    // Nobody lends a sender over a tenant's wall, whatever an account's row says.
    if (domain !== undefined && domain.tenant !== account.tenant) return false;
    if (account.sendAs.includes(whole) || account.sendAs.includes(`*@${name.domain}`)) return true;
    // Only a name that stands in the directory: fallbacks and catch-alls receive mail, they do not lend a sender.
    if (domain === undefined || findName(this.#rows, name) === undefined) return false;
    const resolution = resolveName(this.#rows.regardlessOfQuota, name, domain);
    if (resolution.kind !== 'resolved') return false;
    return resolution.targets.some(
      (t) =>
        t.kind === 'account' &&
        (t.account === account.id || this.#senders.may(t.account, account.id)),
    );
  }

  dkimKeys(domain: string): readonly DkimKey[] {
    return this.#rows.dkimKeys(normalDomain(domain));
  }

  domain(name: string): Domain | undefined {
    return this.#rows.domainAsGiven(name);
  }

  tenantById(id: TenantId): Tenant | undefined {
    return this.#tenants.byId(id);
  }

  tenantByName(name: string): Tenant | undefined {
    return this.#tenants.byName(name);
  }

  async tenants(): Promise<readonly Tenant[]> {
    const made = await this.#list(rows.everyTenant, (entry) => rows.decodeRow<Tenant>(entry.value));
    return [this.#tenants.withoutRow, ...made];
  }

  createTenant(tenant: Omit<Tenant, 'id'>): Promise<Tenant> {
    return this.#turns.create(() => {
      const { made, changes } = this.#tenants.create(tenant);
      return { made, changes, change: { kind: 'tenant', id: made.id } };
    });
  }

  putTenant(tenant: Tenant): Promise<void> {
    return this.#turns.write(() => this.#replaceTenant(tenant));
  }

  changeTenant(id: TenantId, change: (tenant: Tenant) => Tenant): Promise<Tenant> {
    return this.#turns.create(() => {
      const before = this.#tenants.byId(id);
      if (before === undefined) throw new MailError('not-found', `tenant ${id}`);
      const made = change(before);
      return { made, ...this.#replaceTenant(made) };
    });
  }

  #replaceTenant(tenant: Tenant): Decided {
    const { id } = tenant;
    refuseLevel(tenant);
    const spread = this.#levels.spread(this.#tenants.byId(id), tenant, { tenant: id });
    return {
      changes: [...this.#tenants.replace(tenant), ...spread],
      change: { kind: 'tenant', id },
    };
  }

  deleteTenant(id: TenantId): Promise<void> {
    return this.#turns.write(() => {
      return { changes: this.#tenants.remove(id), change: { kind: 'tenant', id } };
    });
  }

  apiKey(id: ApiKeyId): ApiKey | undefined {
    return this.#tenants.key(id);
  }

  async apiKeys(tenant?: TenantId): Promise<readonly ApiKey[]> {
    if (tenant === undefined) {
      return this.#list(rows.everyApiKey, (entry) => rows.decodeRow<ApiKey>(entry.value));
    }
    return this.#list(rows.apiKeysOf(tenant), (entry) =>
      this.#tenants.key(rows.idOfKey(entry.key) as number as ApiKeyId),
    );
  }

  createApiKey(key: Omit<ApiKey, 'id'>): Promise<ApiKey> {
    return this.#turns.create(() => {
      const { made, changes } = this.#tenants.createKey(key);
      return { made, changes, change: { kind: 'api-key', id: made.id } };
    });
  }

  deleteApiKey(id: ApiKeyId): Promise<void> {
    return this.#turns.write(() => {
      return { changes: this.#tenants.deleteKey(id), change: { kind: 'api-key', id } };
    });
  }

  async holdRules(): Promise<readonly HoldRule[]> {
    return listHoldRules(this.#table);
  }

  createHoldRule(rule: Omit<HoldRule, 'id'>): Promise<HoldRule> {
    return this.#turns.create(() => {
      const { made, changes } = newHoldRule(this.#table, rule);
      return { made, changes, change: { kind: 'hold-rule', id: made.id } };
    });
  }

  deleteHoldRule(id: number): Promise<void> {
    return this.#turns.write(() => {
      const changes = withoutHoldRule(this.#table, id);
      return { changes, change: { kind: 'hold-rule', id } };
    });
  }

  serverLevel(): AccountLevel {
    return this.#levels.server();
  }

  async putServerLevel(level: AccountLevel): Promise<void> {
    // At each start: mostly there is nothing to write.
    if (this.#levels.setServer(level).length === 0) return;
    await this.#turns.write(() => ({ changes: this.#levels.setServer(level) }));
  }

  spreads(): readonly Spread[] {
    return this.#levels.spreads();
  }

  endSpread({ id }: Spread): Promise<void> {
    return this.#turns.write(() => ({ changes: [{ remove: spreadKey(id) }] }));
  }

  async domains(): Promise<readonly Domain[]> {
    return this.#list(rows.everyDomain, (entry) => rows.decodeRow<Domain>(entry.value));
  }

  async accounts(domain?: string): Promise<readonly Account[]> {
    if (domain === undefined) {
      return this.#list(rows.everyAccount, (entry) =>
        this.#levels.effective(rows.decodeRow<Account>(entry.value)),
      );
    }
    const members = rows.membersOf(normalDomain(domain));
    return this.#list(members, (entry) => this.#rows.account(rows.idOfKey(entry.key)));
  }

  async aliases(domain?: string): Promise<readonly Alias[]> {
    const range = domain === undefined ? rows.everyName : rows.namesOf(normalDomain(domain));
    return this.#list(range, (entry) => {
      const row = rows.decodeRow<rows.NameRow>(entry.value);
      if (!('alias' in row)) return undefined;
      return { address: joined(rows.nameOfKey(entry.key)), ...row.alias };
    });
  }

  putDomain(domain: Domain): Promise<void> {
    return this.#turns.write(() => this.#domainWrites.put(domain));
  }

  async changeDomain(name: string, change: (domain: Domain) => Domain): Promise<Domain> {
    await this.#turns.write(() => this.#domainWrites.put(change(domainThatIs(this.#rows, name))));
    return domainThatIs(this.#rows, name);
  }

  deleteDomain(domain: string): Promise<void> {
    return this.#turns.write(() => this.#domainWrites.remove(domain));
  }

  putDkimKeys(domain: string, keys: readonly DkimKey[]): Promise<void> {
    return this.#turns.write(() => {
      const { name } = domainThatIs(this.#rows, domain);
      const sorted = [...keys].sort((a, b) => a.createdMs - b.createdMs);
      const key = rows.dkimKey(name);
      const change = sorted.length === 0 ? { remove: key } : put(key, sorted);
      return { changes: [change], change: { kind: 'domain', name } };
    });
  }

  srsSecrets(): readonly SrsSecret[] {
    const value = this.#table.get(rows.srsSecretsKey);
    return value === undefined ? [] : rows.decodeRow<readonly SrsSecret[]>(value);
  }

  putSrsSecrets(secrets: readonly SrsSecret[]): Promise<void> {
    const sorted = [...secrets].sort((a, b) => b.createdMs - a.createdMs);
    return this.#turns.write(() => ({
      changes: [put(rows.srsSecretsKey, sorted)],
      change: { kind: 'srs-secrets' },
    }));
  }

  createAccount(account: Omit<Account, 'id' | 'shard'>): Promise<Account> {
    return this.#turns.create(() => this.#names.createAccount(account, this.#shards));
  }

  spendNumbers(upTo: AccountId | 0): void {
    this.#spent.spend(upTo);
  }

  putAccount(account: Account): Promise<void> {
    return this.#turns.write(() => this.#names.putAccount(account));
  }

  async changeAccount(id: AccountId, change: (account: Account) => Account): Promise<Account> {
    await this.#turns.write(() => this.#names.changeAccount(id, change));
    const account = this.accountById(id);
    if (account === undefined) throw new MailError('not-found', `no account ${id}`);
    return account;
  }

  async deleteAccount(id: AccountId): Promise<void> {
    await this.#turns.write(() => this.#names.deleteAccount(id));
    this.#sharings.forget(id);
  }

  deletions(): readonly AccountDeletion[] {
    return readRows<AccountDeletion>(this.#table, everyDeletion);
  }

  endDeletion(id: AccountId): Promise<void> {
    return this.#turns.write(() => ({ changes: [{ remove: deletionKey(id) }] }));
  }

  sendersOf(owner: AccountId): readonly number[] {
    return this.#senders.of(owner);
  }

  ownersSentFor(sender: AccountId): readonly AccountId[] {
    return this.#senders.ownersFor(sender);
  }

  putSender(owner: AccountId, identifier: number, isNamed: boolean): Promise<void> {
    return this.#turns.write(() => {
      const changes = this.#senders.put(owner, identifier, isNamed);
      return { changes, change: { kind: 'account', id: owner } };
    });
  }

  groupsOf(account: AccountId): readonly GroupId[] {
    return this.#groupRows.above(account);
  }

  sharersFor(reader: AccountId): readonly AccountId[] {
    return this.#sharings.ownersFor(reader, this.#groupRows.above(reader).map(identifierOf));
  }

  /** Of the account or group that an access list names so. */
  #tenantOf(identifier: number): TenantId | undefined {
    const group = groupIn(identifier);
    if (group !== undefined) return this.#groupRows.group(group)?.tenant;
    return this.#rows.account(identifier as AccountId)?.tenant;
  }

  noteSharing(owner: AccountId, identifier: number, isNamed: boolean): Promise<void> {
    const nothing = { changes: [], answer: undefined };
    return this.#turns.aside(
      () => {
        if (this.#sharings.has(owner, identifier) === isNamed) return nothing;
        const tenant = this.#rows.account(owner)?.tenant;
        if (tenant === undefined) throw new MailError('not-found', `no account ${owner}`);
        // What no list may name is never noted; what is gone may be taken out.
        if (isNamed && identifier !== 0 && this.#tenantOf(identifier) !== tenant) {
          throw new MailError('not-found', `no account or group ${identifier}`);
        }
        const key = rows.sharingKey(owner, identifier);
        const change = isNamed ? { put: key, value: new Uint8Array(0) } : { remove: key };
        return { changes: [change], answer: undefined };
      },
      () => this.#sharings.note(owner, identifier, isNamed),
    );
  }

  putAlias(alias: Alias): Promise<void> {
    return this.#turns.write(() => this.#names.putAlias(alias));
  }

  deleteAlias(address: string): Promise<void> {
    return this.#turns.write(() => this.#names.deleteAlias(address));
  }

  noteOverQuota(id: AccountId, isOver: boolean): void {
    this.#rows.noteOverQuota(id, isOver);
  }

  subscribe(listener: (change: DirectoryChange) => void): () => void {
    return this.#turns.subscribe(listener);
  }

  async close(): Promise<void> {
    // What is not written of last uses is lost; the table is closed all the same.
    await this.credentials.settleUses().catch(() => {});
    await this.#turns.settled();
    await this.#table.close();
  }

  async #list<Row>(
    range: rows.KeyRange,
    read: (entry: IndexEntry) => Row | undefined,
  ): Promise<readonly Row[]> {
    const list: Row[] = [];
    let from = range.from;
    for (;;) {
      const page = this.#table.range({ from, to: range.to, limit: pageRows });
      for (const entry of page) {
        const row = read(entry);
        if (row !== undefined) list.push(row);
      }
      if (page.length < pageRows) return list;
      from = rows.after(page.at(-1)!.key);
      // A long list must not hold up the sessions of this thread.
      await nextTurn();
    }
  }

  #namesOfDomains(tenant: TenantId): readonly string[] {
    const all = this.#table.range(rows.everyDomain);
    return all
      .map(({ value }) => rows.decodeRow<Domain>(value))
      .filter((domain) => domain.tenant === tenant)
      .map(({ name }) => name);
  }
}
