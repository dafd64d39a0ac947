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
import {
  type AccountId,
  type ApiKeyId,
  accountId,
  type ShardId,
  type TenantId,
} from '../../base/ids.ts';
import type {
  Account,
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
import type { HoldRule } from '../../ports/hold-rule.ts';
import type { IndexChange, IndexEntry, ShardIndex } from '../../ports/shard-index.ts';
import { joined, normalDomain, type SplitAddress, splitAddress } from './addresses.ts';
import { findLoop } from './alias-loops.ts';
import { DirectoryRows } from './directory-reader.ts';
import * as rows from './directory-rows.ts';
import { listHoldRules, newHoldRule, withoutHoldRule } from './hold-rules.ts';
import { aliasTargetsMax, type DirectoryReader, findName, resolveName } from './resolver.ts';
import { Sharings } from './sharings.ts';
import { Tenants } from './tenants.ts';

const pageRows = 500;

export interface DirectoryOptions {
  readonly table: ShardIndex;
  /** How many shards accounts are spread over. */
  readonly shards: number;
  /** Gets postmaster's mail of domains that have nobody, and mail for a bare `<postmaster>`. */
  readonly postmaster?: string;
}

/** What a write does, and what its listeners hear. */
interface Decided {
  readonly changes: readonly IndexChange[];
  readonly change: DirectoryChange;
}

export class TableDirectory implements AccountDirectory {
  readonly #table: ShardIndex;
  readonly #shards: number;
  readonly #rows: DirectoryRows;
  readonly #sharings: Sharings;
  readonly #tenants: Tenants;
  readonly #listeners = new Set<(change: DirectoryChange) => void>();
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor(options: DirectoryOptions) {
    assert(options.shards >= 1, 'a directory spreads accounts over at least one shard');
    this.#table = options.table;
    this.#shards = options.shards;
    this.#rows = new DirectoryRows(options.table, options.postmaster);
    this.#tenants = new Tenants(options.table);
    this.#sharings = new Sharings(options.table, (id) => this.#rows.account(id)?.tenant);
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
    if (account.sendAs.includes(whole) || account.sendAs.includes(`*@${name.domain}`)) return true;
    const domain = this.#rows.domain(name.domain);
    // Only a name that stands in the directory: fallbacks and catch-alls receive mail, they do not lend a sender.
    if (domain === undefined || findName(this.#rows, name) === undefined) return false;
    const resolution = resolveName(this.#rows.regardlessOfQuota, name, domain);
    if (resolution.kind !== 'resolved') return false;
    return resolution.targets.some((t) => t.kind === 'account' && t.account === account.id);
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
    return this.#create(() => {
      const { made, changes } = this.#tenants.create(tenant);
      return { made, changes, change: { kind: 'tenant', id: made.id } };
    });
  }

  putTenant(tenant: Tenant): Promise<void> {
    const { id } = tenant;
    return this.#write(() => {
      return { changes: this.#tenants.replace(tenant), change: { kind: 'tenant', id } };
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
    return this.#create(() => {
      const { made, changes } = this.#tenants.createKey(key);
      return { made, changes, change: { kind: 'api-key', id: made.id } };
    });
  }

  deleteApiKey(id: ApiKeyId): Promise<void> {
    return this.#write(() => {
      return { changes: this.#tenants.deleteKey(id), change: { kind: 'api-key', id } };
    });
  }

  async holdRules(): Promise<readonly HoldRule[]> {
    return listHoldRules(this.#table);
  }

  createHoldRule(rule: Omit<HoldRule, 'id'>): Promise<HoldRule> {
    return this.#create(() => {
      const { made, changes } = newHoldRule(this.#table, rule);
      return { made, changes, change: { kind: 'hold-rule', id: made.id } };
    });
  }

  deleteHoldRule(id: number): Promise<void> {
    return this.#write(() => {
      const changes = withoutHoldRule(this.#table, id);
      return { changes, change: { kind: 'hold-rule', id } };
    });
  }

  async domains(): Promise<readonly Domain[]> {
    return this.#list(rows.everyDomain, (entry) => rows.decodeRow<Domain>(entry.value));
  }

  async accounts(domain?: string): Promise<readonly Account[]> {
    if (domain === undefined) {
      return this.#list(rows.everyAccount, (entry) => rows.decodeRow<Account>(entry.value));
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
    return this.#write(() => {
      const name = normalDomain(domain.name);
      if (name === '') throw new MailError('argument-invalid', `no domain name: ${domain.name}`);
      const { catchAll, postmaster, ...rest } = domain;
      const row: Domain = {
        ...rest,
        name,
        ...(catchAll === undefined ? {} : { catchAll: normalTarget(catchAll) }),
        ...(postmaster === undefined ? {} : { postmaster: normalTarget(postmaster) }),
      };
      const reader: DirectoryReader = {
        ...this.#rows.regardlessOfQuota,
        domain: (other) => (other === name ? row : this.#rows.domain(other)),
      };
      refuseLoop(reader, `*@${name}`, row.catchAll);
      refuseLoop(reader, `postmaster@${name}`, row.postmaster);
      return { changes: [put(rows.domainKey(name), row)], change: { kind: 'domain', name } };
    });
  }

  deleteDomain(domain: string): Promise<void> {
    return this.#write(() => {
      const { name } = this.#domainThatIs(domain);
      if (this.#table.range({ ...rows.namesOf(name), limit: 1 }).length > 0) {
        throw new MailError('not-possible-now', `${name} still has accounts or aliases`);
      }
      const changes = [{ remove: rows.domainKey(name) }, { remove: rows.dkimKey(name) }];
      return { changes, change: { kind: 'domain', name } };
    });
  }

  putDkimKeys(domain: string, keys: readonly DkimKey[]): Promise<void> {
    return this.#write(() => {
      const { name } = this.#domainThatIs(domain);
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
    return this.#write(() => ({
      changes: [put(rows.srsSecretsKey, sorted)],
      change: { kind: 'srs-secrets' },
    }));
  }

  createAccount(account: Omit<Account, 'id' | 'shard'>): Promise<Account> {
    return this.#create(() => {
      const name = this.#freeName(account.address, account.tenant);
      const stored = this.#table.get(rows.nextIdKey);
      const next = stored === undefined ? 1 : rows.decodeRow<number>(stored);
      const id = accountId(next);
      const shard = ((next - 1) % this.#shards) as ShardId;
      const made = normalAccount({ ...account, id, shard }, name);
      return {
        made,
        changes: [...this.#accountRows(made, name), put(rows.nextIdKey, next + 1)],
        change: { kind: 'account', id },
      };
    });
  }

  putAccount(account: Account): Promise<void> {
    return this.#write(() => {
      const before = this.#rows.account(account.id);
      if (before === undefined) throw new MailError('not-found', `no account ${account.id}`);
      if (before.shard !== account.shard || before.tenant !== account.tenant) {
        throw new MailError('argument-invalid', 'an account keeps its shard and its tenant');
      }
      const name = nameOf(account.address);
      const isMoved = joined(name) !== before.address;
      if (isMoved) this.#freeName(account.address, account.tenant);
      const removals = isMoved ? accountRemovals(before) : [];
      return {
        changes: [...removals, ...this.#accountRows(normalAccount(account, name), name)],
        change: { kind: 'account', id: account.id },
      };
    });
  }

  async deleteAccount(id: AccountId): Promise<void> {
    await this.#write(() => {
      const account = this.#rows.account(id);
      if (account === undefined) throw new MailError('not-found', `no account ${id}`);
      const { from, to } = rows.sharingsOf(id);
      const changes = [...accountRemovals(account), { remove: rows.accountKey(id) }];
      return { changes: [...changes, { removeFrom: from, to }], change: { kind: 'account', id } };
    });
    this.#sharings.forget(id);
  }

  sharersFor(reader: AccountId): readonly AccountId[] {
    return this.#sharings.ownersFor(reader);
  }

  noteSharing(owner: AccountId, identifier: number, isNamed: boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#sharings.has(owner, identifier) === isNamed) return;
      if (this.#rows.account(owner) === undefined) {
        throw new MailError('not-found', `no account ${owner}`);
      }
      const key = rows.sharingKey(owner, identifier);
      const change = isNamed ? { put: key, value: new Uint8Array(0) } : { remove: key };
      await this.#table.commit([change]);
      this.#sharings.note(owner, identifier, isNamed);
    });
  }

  putAlias(alias: Alias): Promise<void> {
    return this.#write(() => {
      const name = nameOf(alias.address);
      const before = this.#rows.name(name);
      if (before === undefined) this.#freeName(alias.address, alias.tenant);
      else if ('account' in before) {
        throw new MailError('already-exists', `${alias.address} is an account`);
      }
      const targets = [...new Set(alias.targets.map(normalTarget))];
      if (targets.length === 0 || targets.length > aliasTargetsMax) {
        throw new MailError('argument-invalid', `an alias has 1 to ${aliasTargetsMax} targets`);
      }
      const row = { alias: { tenant: alias.tenant, targets } };
      const own = joined(name);
      const reader: DirectoryReader = {
        ...this.#rows.regardlessOfQuota,
        name: (other) => (joined(other) === own ? row : this.#rows.name(other)),
      };
      refuseLoop(reader, own, ...targets);
      return {
        changes: [put(rows.nameKey(name), row)],
        change: { kind: 'alias', address: joined(name) },
      };
    });
  }

  deleteAlias(address: string): Promise<void> {
    return this.#write(() => {
      const name = nameOf(address);
      const row = this.#rows.name(name);
      if (row === undefined || !('alias' in row)) {
        throw new MailError('not-found', `no alias ${address}`);
      }
      const changes = [{ remove: rows.nameKey(name) }];
      return { changes, change: { kind: 'alias', address: joined(name) } };
    });
  }

  noteOverQuota(id: AccountId, isOver: boolean): void {
    this.#rows.noteOverQuota(id, isOver);
  }

  subscribe(listener: (change: DirectoryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    await this.#lastWrite;
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

  /** `decide` runs alone: no other write is between its reads and its commit. */
  async #create<Made extends object>(
    decide: () => Decided & { readonly made: Made },
  ): Promise<Made> {
    let made: Made | undefined;
    await this.#write(() => {
      const decided = decide();
      ({ made } = decided);
      return decided;
    });
    assert(made !== undefined, 'a write that resolved made its row');
    return made;
  }

  #write(decide: () => Decided): Promise<void> {
    return this.#inTurn(async () => {
      const { changes, change } = decide();
      await this.#table.commit(changes);
      this.#rows.forget();
      this.#tenants.forget();
      for (const listener of this.#listeners) listener(change);
    });
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    const done = this.#lastWrite.then(write);
    this.#lastWrite = done.catch(() => {});
    return done;
  }

  #domainThatIs(domain: string): Domain {
    const found = this.#rows.domainAsGiven(domain);
    if (found === undefined) throw new MailError('domain-missing', domain);
    return found;
  }

  #freeName(address: string, tenant: number): SplitAddress {
    const name = nameOf(address);
    const domain = this.#domainThatIs(name.domain);
    if (domain.tenant !== tenant) {
      throw new MailError('argument-invalid', `${name.domain} belongs to another tenant`);
    }
    if (this.#rows.name(name) !== undefined) throw new MailError('already-exists', joined(name));
    return name;
  }

  #accountRows(account: Account, name: SplitAddress): IndexChange[] {
    return [
      put(rows.accountKey(account.id), account),
      put(rows.nameKey(name), { account: account.id }),
      { put: rows.memberKey(name.domain, account.id), value: new Uint8Array(0) },
    ];
  }
}

/** @throws MailError `argument-invalid` that names the way round. */
function refuseLoop(reader: DirectoryReader, start: string, ...targets: (string | undefined)[]) {
  const loop = findLoop(
    reader,
    start,
    targets.filter((target) => target !== undefined),
  );
  if (loop === undefined) return;
  throw new MailError('argument-invalid', `mail would go round: ${loop.join(' → ')}`);
}

function accountRemovals(account: Account): IndexChange[] {
  const name = nameOf(account.address);
  return [{ remove: rows.nameKey(name) }, { remove: rows.memberKey(name.domain, account.id) }];
}

function put(key: Uint8Array, row: Parameters<typeof rows.encodeRow>[0]): IndexChange {
  return { put: key, value: rows.encodeRow(row) };
}

function nameOf(address: string): SplitAddress {
  const name = splitAddress(address);
  if (name === undefined) throw new MailError('argument-invalid', `no address: ${address}`);
  return name;
}

function normalAccount(account: Account, name: SplitAddress): Account {
  const sendAs = account.sendAs.map((address) => joined(nameOf(address)));
  return { ...account, address: joined(name), sendAs: [...new Set(sendAs)] };
}

/** The domain folded; the local part as given, for it may be another server's. */
function normalTarget(address: string): string {
  const name = nameOf(address);
  return `${address.slice(0, address.lastIndexOf('@'))}@${name.domain}`;
}
