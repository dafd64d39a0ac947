/**
 * Whose access lists name whom: read once, then kept with every write.
 *
 * Runs in:   the main thread.
 * Limits:    a few bytes for each pair of accounts that share.
 * Invariant: memory and rows change together: `note` is called after the row is on disk. `anyone` is anyone of the
 *            owner's tenant: what other tenants share costs a reader nothing, and hides nothing.
 */

import type { AccountId, TenantId } from '../../base/ids.ts';
import type { ShardIndex } from '../../ports/shard-index.ts';
import * as rows from './directory-rows.ts';

const pageRows = 1_000;
/** In place of an account: all of the owner's tenant. */
const anyone = 0;

export class Sharings {
  readonly #table: ShardIndex;
  readonly #tenantOf: (account: AccountId) => TenantId | undefined;
  /** By the account named, or by whose `anyone` it is: whose lists name it; groups by their identifiers. */
  #owners: Map<string, Set<AccountId>> | undefined;

  /** An account keeps its tenant. */
  constructor(table: ShardIndex, tenantOf: (account: AccountId) => TenantId | undefined) {
    this.#table = table;
    this.#tenantOf = tenantOf;
  }

  /** `groups`: the identifiers of those that the reader is in. */
  ownersFor(reader: AccountId, groups: readonly number[]): readonly AccountId[] {
    const owners = this.#read();
    const found = new Set<AccountId>();
    for (const identifier of [reader, anyone, ...groups]) {
      for (const owner of owners.get(this.#nameOf(reader, identifier)) ?? []) found.add(owner);
    }
    return [...found].sort((a, b) => a - b);
  }

  has(owner: AccountId, identifier: number): boolean {
    return this.#read().get(this.#nameOf(owner, identifier))?.has(owner) === true;
  }

  note(owner: AccountId, identifier: number, isNamed: boolean): void {
    const owners = this.#read();
    const name = this.#nameOf(owner, identifier);
    if (isNamed) owners.set(name, (owners.get(name) ?? new Set()).add(owner));
    else this.#drop(owner, name);
  }

  /** The account is gone. */
  forget(owner: AccountId): void {
    for (const name of [...this.#read().keys()]) this.#drop(owner, name);
  }

  /** Others changed rows. */
  readAgain(): void {
    this.#owners = undefined;
  }

  #drop(owner: AccountId, name: string): void {
    const owners = this.#read();
    const known = owners.get(name);
    if (known?.delete(owner) === true && known.size === 0) owners.delete(name);
  }

  #nameOf(of: AccountId, identifier: number): string {
    return identifier === anyone ? `anyone of ${this.#tenantOf(of)}` : `${identifier}`;
  }

  #read(): Map<string, Set<AccountId>> {
    if (this.#owners !== undefined) return this.#owners;
    const owners = new Map<string, Set<AccountId>>();
    let { from } = rows.everySharing;
    for (;;) {
      const page = this.#table.range({ from, to: rows.everySharing.to, limit: pageRows });
      for (const { key } of page) {
        const [owner, identifier] = rows.sharingOfKey(key);
        const name = this.#nameOf(owner, identifier);
        owners.set(name, (owners.get(name) ?? new Set()).add(owner));
      }
      if (page.length < pageRows) break;
      from = rows.after(page.at(-1)!.key);
    }
    this.#owners = owners;
    return owners;
  }
}
