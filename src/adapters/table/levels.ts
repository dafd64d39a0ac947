/**
 * What accounts of a table directory inherit, and what was set and has to be told to shards.
 *
 * Runs in:   the main thread.
 * Limits:    a limit is a whole number of at most `limitMax`.
 * Invariant: what is inherited is worked out when an account is read, so a level counts for all below it with its own
 *            commit, which also marks that shards are to be told. A mark goes when they were, and not before.
 */

import { domainOf } from '../../base/address-parts.ts';
import { MailError } from '../../base/errors.ts';
import type { TenantId } from '../../base/ids.ts';
import type { Account, Domain, Tenant } from '../../ports/account-directory.ts';
import {
  type AccountLevel,
  type Ceilings,
  type Inheritable,
  inheritables,
  inherited,
  type Level,
  type Spread,
  underCeiling,
} from '../../ports/levels.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import { type KeyRange, membersOf } from './directory-rows.ts';
import * as rows from './identity-rows.ts';

const limitMax = Number.MAX_SAFE_INTEGER;

interface LevelParts {
  readonly table: ShardIndex;
  readonly domain: (name: string) => Domain | undefined;
  readonly tenant: (id: TenantId) => Tenant | undefined;
  readonly domainsOf: (tenant: TenantId) => readonly string[];
}

export class Levels {
  readonly #parts: LevelParts;
  #server: AccountLevel | undefined;

  constructor(parts: LevelParts) {
    this.#parts = parts;
  }

  forget(): void {
    this.#server = undefined;
  }

  server(): AccountLevel {
    this.#server ??= rows.readRow<AccountLevel>(this.#parts.table, rows.serverLevelKey) ?? {};
    return this.#server;
  }

  /** The account as its row and the levels above it make it. */
  effective(account: Account): Account {
    const { inherits = [], tenant, address } = account;
    const above = this.#parts.tenant(tenant);
    if (inherits.length === 0 && !hasCeiling(above)) return account;
    const levels = [
      ['domain', this.#parts.domain(domainOf(address))],
      ['tenant', above],
      ['server', this.server()],
    ] as const;
    const named = hasCeiling(above) ? inheritables : inherits;
    const values = named.map((name): [Inheritable, number] => {
      const own = [account[name] ?? 0, 'account'] as const;
      const said = inherits.includes(name) ? inherited(name, levels) : own;
      return [name, underCeiling(name, said, above)[0]];
    });
    return { ...account, ...Object.fromEntries(values) };
  }

  /** What writing a level changes besides its row; [] where accounts have what they had. */
  spread(
    before: (AccountLevel & Ceilings) | undefined,
    now: AccountLevel & Ceilings,
    where: Omit<Spread, 'id'>,
  ) {
    const isSame = spreadNames.every((name) => before?.[name] === now[name]);
    if (isSame) return [];
    const [id, spent] = rows.nextNumber(this.#parts.table, rows.nextSpreadKey);
    const mark: Spread = { id, ...where };
    return [rows.put(rows.spreadKey(id), mark), spent];
  }

  setServer(level: AccountLevel): readonly IndexChange[] {
    refuseLevel(level);
    const changes = this.spread(this.server(), level, {});
    return changes.length === 0 ? [] : [rows.put(rows.serverLevelKey, level), ...changes];
  }

  /** From the oldest on. */
  spreads(): readonly Spread[] {
    return rows.readRows<Spread>(this.#parts.table, rows.everySpread);
  }

  /**
   * For a new account, or one that comes from another domain of the tenant.
   * @throws MailError `not-possible-now` where one more would be too many.
   */
  refuseOneMore(domain: Domain, isNew: boolean): void {
    const { tenant, domainsOf } = this.#parts;
    const { accountsMax = 0 } = domain;
    if (accountsMax > 0 && this.#accountsIn([domain.name], accountsMax) >= accountsMax) {
      throw new MailError('not-possible-now', `${domain.name} has ${accountsMax} accounts at most`);
    }
    const most = tenant(domain.tenant)?.accountsMax ?? 0;
    if (isNew && most > 0 && this.#accountsIn(domainsOf(domain.tenant), most) >= most) {
      throw new MailError('not-possible-now', `its tenant has ${most} accounts at most`);
    }
  }

  #accountsIn(domains: readonly string[], enough: number): number {
    let count = 0;
    for (const domain of domains) {
      const { from, to }: KeyRange = membersOf(domain);
      this.#parts.table.each(from, to, () => ++count < enough);
      if (count >= enough) break;
    }
    return count;
  }
}

/** What a change of has shards told. */
const spreadNames = [
  ...(['accountQuotaBytes', 'accountQuotaMessages'] as const),
  ...(['accountQuotaBytesMax', 'accountQuotaMessagesMax'] as const),
] as const;

function hasCeiling({ accountQuotaBytesMax = 0, accountQuotaMessagesMax = 0 }: Ceilings = {}) {
  return accountQuotaBytesMax > 0 || accountQuotaMessagesMax > 0;
}

/** @throws MailError `argument-invalid` */
export function refuseLevel(level: Level & Ceilings): void {
  const values = [...spreadNames, 'accountsMax' as const].map((name) => level[name] ?? 0);
  const isGood = values.every(
    (value) => Number.isSafeInteger(value) && value >= 0 && value <= limitMax,
  );
  if (!isGood) throw new MailError('argument-invalid', 'a limit is a whole number, 0 for none');
}

/** Each once, and none that is not. @throws MailError `argument-invalid` */
export function normalInherits(names: readonly string[] = []): readonly Inheritable[] {
  const unknown = names.find((name) => !inheritables.some((each) => each === name));
  if (unknown !== undefined) throw new MailError('argument-invalid', `nobody inherits ${unknown}`);
  return inheritables.filter((name) => names.includes(name));
}
