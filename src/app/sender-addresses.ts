/**
 * The addresses a logged-in account may put into From: its own, its aliases, what it was granted, and those of accounts
 * it may send for.
 *
 * Runs in:   main thread.
 * Limits:    `entriesMax` accounts remembered; all are forgotten when the directory changes.
 */

import type { AccountDirectory } from '../ports/account-directory.ts';

const entriesMax = 10_000;

export class SenderAddresses {
  readonly #directory: AccountDirectory;
  readonly #known = new Map<string, readonly string[]>();

  constructor(directory: AccountDirectory) {
    this.#directory = directory;
    directory.subscribe(() => this.#known.clear());
  }

  /** In lower case; `*@domain` stands for a whole domain. */
  async of(user: string): Promise<readonly string[]> {
    const known = this.#known.get(user);
    if (known !== undefined) return known;
    const addresses = await this.#read(user);
    if (this.#known.size >= entriesMax) this.#known.clear();
    this.#known.set(user, addresses);
    return addresses;
  }

  async #read(user: string): Promise<readonly string[]> {
    const account = await this.#directory.accountByAddress(user);
    if (account === undefined) return [];
    const aliases = await this.#directory.aliases();
    const lent = (await this.#directory.ownersSentFor(account.id)).map(
      async (id) => (await this.#directory.accountById(id))?.address,
    );
    const owners = (await Promise.all(lent)).filter((address) => address !== undefined);
    const names = new Set([account.address, ...owners]);
    const own = aliases.filter(({ targets }) => targets.some((target) => names.has(target)));
    const all = [...names, ...own.map(({ address }) => address), ...account.sendAs];
    return all.map((address) => address.toLowerCase());
  }
}
