/**
 * Whose access lists name whom: read once, then kept with every write.
 *
 * Runs in:   the main thread.
 * Limits:    a few bytes for each pair of accounts that share.
 * Invariant: memory and rows change together: `note` is called after the row is on disk.
 */

import type { AccountId } from '../../base/ids.ts';
import type { ShardIndex } from '../../ports/shard-index.ts';
import * as rows from './directory-rows.ts';

const pageRows = 1_000;
/** In place of an account: all of them. */
const anyone = 0;

export class Sharings {
  readonly #table: ShardIndex;
  /** By the identifier named: whose lists name it. */
  #owners: Map<number, Set<AccountId>> | undefined;

  constructor(table: ShardIndex) {
    this.#table = table;
  }

  ownersFor(reader: AccountId): readonly AccountId[] {
    const owners = this.#read();
    const found = new Set([...(owners.get(reader) ?? []), ...(owners.get(anyone) ?? [])]);
    return [...found].sort((a, b) => a - b);
  }

  has(owner: AccountId, identifier: number): boolean {
    return this.#read().get(identifier)?.has(owner) === true;
  }

  note(owner: AccountId, identifier: number, isNamed: boolean): void {
    const owners = this.#read();
    const known = owners.get(identifier);
    if (isNamed) owners.set(identifier, (known ?? new Set()).add(owner));
    else if (known?.delete(owner) === true && known.size === 0) owners.delete(identifier);
  }

  /** The account is gone. */
  forget(owner: AccountId): void {
    for (const identifier of [...this.#read().keys()]) this.note(owner, identifier, false);
  }

  #read(): Map<number, Set<AccountId>> {
    if (this.#owners !== undefined) return this.#owners;
    const owners = new Map<number, Set<AccountId>>();
    let { from } = rows.everySharing;
    for (;;) {
      const page = this.#table.range({ from, to: rows.everySharing.to, limit: pageRows });
      for (const { key } of page) {
        const [owner, identifier] = rows.sharingOfKey(key);
        owners.set(identifier, (owners.get(identifier) ?? new Set()).add(owner));
      }
      if (page.length < pageRows) break;
      from = rows.after(page.at(-1)!.key);
    }
    this.#owners = owners;
    return owners;
  }
}
