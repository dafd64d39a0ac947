/**
 * What a write of an account or an alias changes in a directory's table: names are one or the other, in one domain of
 * their tenant.
 *
 * Runs in:   the main thread, in a turn of the directory's writes.
 * Invariant: an account goes with all that stands under its number.
 */

import { domainOf } from '../../base/address-parts.ts';
import { assert } from '../../base/assert.ts';
import { MailError } from '../../base/errors.ts';
import { type AccountId, accountId, type ShardId, type TenantId } from '../../base/ids.ts';
import type { Account, AccountDeletion, Alias, Domain } from '../../ports/account-directory.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import { joined, type SplitAddress, splitAddress } from './addresses.ts';
import { findLoop } from './alias-loops.ts';
import { credentialRemovals, withoutVerifiers } from './credentials.ts';
import type { DirectoryRows } from './directory-reader.ts';
import * as rows from './directory-rows.ts';
import { memberRemovals } from './groups.ts';
import { refuseShared } from './identity-parts.ts';
import { deletionKey, put as putRow, readRow } from './identity-rows.ts';
import { type Levels, normalInherits } from './levels.ts';
import { ownerRemovals } from './owners.ts';
import { aliasTargetsMax, type DirectoryReader } from './resolver.ts';
import { roleRemovals } from './roles.ts';
import { factorRemovals } from './second-factors.ts';
import { senderRemovals } from './senders.ts';
import type { Decided } from './write-turns.ts';

export class NameWrites {
  readonly #table: ShardIndex;
  readonly #rows: DirectoryRows;
  readonly #levels: Levels;

  constructor(table: ShardIndex, reader: DirectoryRows, levels: Levels) {
    this.#table = table;
    this.#levels = levels;
    this.#rows = reader;
  }

  createAccount(
    account: Omit<Account, 'id' | 'shard'>,
    shards: number,
  ): Decided & { readonly made: Account } {
    const name = this.freeName(account.address, account.tenant);
    this.#levels.refuseOneMore(domainThatIs(this.#rows, name.domain), true);
    const stored = this.#table.get(rows.nextIdKey);
    const next = stored === undefined ? 1 : rows.decodeRow<number>(stored);
    const id = accountId(next);
    // Above are the identifiers of groups.
    assert(next < 0x8000_0000, 'numbers of accounts are used up');
    const shard = ((next - 1) % shards) as ShardId;
    const made = this.#levels.effective(normalAccount({ ...account, id, shard }, name));
    return {
      made,
      changes: [...accountRows(made, name), put(rows.nextIdKey, next + 1)],
      change: { kind: 'account', id },
    };
  }

  changeAccount(id: AccountId, change: (account: Account) => Account): Decided {
    // As its row is, not as levels make it: a ceiling that binds now would stay as its own limit.
    const account = readRow<Account>(this.#table, rows.accountKey(id));
    if (account === undefined) throw new MailError('not-found', `no account ${id}`);
    return this.putAccount(change(account));
  }

  putAccount(account: Account): Decided {
    const { id } = account;
    const before = this.#rows.account(id);
    if (before === undefined) throw new MailError('not-found', `no account ${id}`);
    if (before.shard !== account.shard || before.tenant !== account.tenant) {
      throw new MailError('argument-invalid', 'an account keeps its shard and its tenant');
    }
    if (before.isShared !== account.isShared) {
      throw new MailError('argument-invalid', 'an account is shared for life or never');
    }
    const name = nameOf(account.address);
    const isMoved = joined(name) !== before.address;
    if (isMoved) this.freeName(account.address, account.tenant);
    if (domainOf(before.address) !== name.domain) {
      this.#levels.refuseOneMore(domainThatIs(this.#rows, name.domain), false);
    }
    const removals = isMoved ? accountRemovals(before) : [];
    const isNewHash = before.passwordHash !== account.passwordHash;
    const stale = isNewHash ? withoutVerifiers(this.#table, id) : [];
    const own = accountRows(normalAccount(account, name), name);
    return { changes: [...removals, ...own, ...stale], change: { kind: 'account', id } };
  }

  deleteAccount(id: AccountId): Decided {
    const account = this.#rows.account(id);
    if (account === undefined) throw new MailError('not-found', `no account ${id}`);
    const { from, to } = rows.sharingsOf(id);
    const { tenant, shard, address } = account;
    const mark: AccountDeletion = { id, tenant, shard, address };
    const changes = [
      putRow(deletionKey(id), mark),
      ...accountRemovals(account),
      { remove: rows.accountKey(id) },
      { removeFrom: from, to },
      ...credentialRemovals(id),
      ...factorRemovals(this.#table, id),
      ...ownerRemovals(id),
      ...roleRemovals(account),
      ...memberRemovals(this.#table, id),
      ...senderRemovals(this.#table, id),
    ];
    return { changes, change: { kind: 'account', id } };
  }

  putAlias(alias: Alias): Decided {
    const name = nameOf(alias.address);
    const before = this.#rows.name(name);
    if (before === undefined) this.freeName(alias.address, alias.tenant);
    else if (!('alias' in before)) {
      const what = 'account' in before ? 'an account' : 'a group';
      throw new MailError('already-exists', `${alias.address} is ${what}`);
    } else if (before.alias.tenant !== alias.tenant) {
      throw new MailError('argument-invalid', `${alias.address} belongs to another tenant`);
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
    return { changes: [put(rows.nameKey(name), row)], change: { kind: 'alias', address: own } };
  }

  deleteAlias(address: string): Decided {
    const name = nameOf(address);
    const row = this.#rows.name(name);
    if (row === undefined || !('alias' in row)) {
      throw new MailError('not-found', `no alias ${address}`);
    }
    const changes = [{ remove: rows.nameKey(name) }];
    return { changes, change: { kind: 'alias', address: joined(name) } };
  }

  /** @throws MailError where the name is taken, or of no domain of the tenant. */
  freeName(address: string, tenant: TenantId): SplitAddress {
    const name = nameOf(address);
    const domain = domainThatIs(this.#rows, name.domain);
    if (domain.tenant !== tenant) {
      throw new MailError('argument-invalid', `${name.domain} belongs to another tenant`);
    }
    if (this.#rows.name(name) !== undefined) throw new MailError('already-exists', joined(name));
    return name;
  }
}

/** @throws MailError `domain-missing` */
export function domainThatIs(reader: DirectoryRows, domain: string): Domain {
  const found = reader.domainAsGiven(domain);
  if (found === undefined) throw new MailError('domain-missing', domain);
  return found;
}

/** @throws MailError `argument-invalid` that names the way round. */
export function refuseLoop(
  reader: DirectoryReader,
  start: string,
  ...targets: (string | undefined)[]
): void {
  const loop = findLoop(
    reader,
    start,
    targets.filter((target) => target !== undefined),
  );
  if (loop === undefined) return;
  throw new MailError('argument-invalid', `mail would go round: ${loop.join(' → ')}`);
}

export function put(key: Uint8Array, row: Parameters<typeof rows.encodeRow>[0]): IndexChange {
  return { put: key, value: rows.encodeRow(row) };
}

/** The domain folded; the local part as given, for it may be another server's. */
export function normalTarget(address: string): string {
  const name = nameOf(address);
  return `${address.slice(0, address.lastIndexOf('@'))}@${name.domain}`;
}

function accountRows(account: Account, name: SplitAddress): IndexChange[] {
  return [
    put(rows.accountKey(account.id), account),
    put(rows.nameKey(name), { account: account.id }),
    { put: rows.memberKey(name.domain, account.id), value: new Uint8Array(0) },
  ];
}

function accountRemovals(account: Account): IndexChange[] {
  const name = nameOf(account.address);
  return [{ remove: rows.nameKey(name) }, { remove: rows.memberKey(name.domain, account.id) }];
}

function nameOf(address: string): SplitAddress {
  const name = splitAddress(address);
  if (name === undefined) throw new MailError('argument-invalid', `no address: ${address}`);
  return name;
}

function normalAccount(account: Account, name: SplitAddress): Account {
  if (account.passwordHash !== undefined) refuseShared(account);
  const inherits = normalInherits(account.inherits);
  const sendAs = account.sendAs.map((address) => joined(nameOf(address)));
  const { inherits: _, ...own } = account;
  const more = inherits.length === 0 ? {} : { inherits };
  return { ...own, ...more, address: joined(name), sendAs: [...new Set(sendAs)] };
}
