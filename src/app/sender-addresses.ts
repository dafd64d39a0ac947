/**
 * The addresses a logged-in account may put into From: its own, its aliases, what it was granted, and those of accounts
 * it may send for.
 *
 * Runs in:   main thread.
 * Limits:    `entriesMax` accounts remembered; all are forgotten when the directory changes.
 * Invariant: an address is here only where the directory lets the account send as it now, so none of another tenant is,
 *            whatever an account's row says. What was read before a change is not remembered after it.
 */

import type { Account, AccountDirectory } from '../ports/account-directory.ts';

const entriesMax = 10_000;

export class SenderAddresses {
  readonly #directory: AccountDirectory;
  readonly #known = new Map<string, readonly string[]>();
  #changes = 0;

  constructor(directory: AccountDirectory) {
    this.#directory = directory;
    directory.subscribe(() => {
      this.#changes++;
      this.#known.clear();
    });
  }

  /** In lower case; `*@domain` stands for a whole domain. */
  async of(user: string): Promise<readonly string[]> {
    const known = this.#known.get(user);
    if (known !== undefined) return known;
    const changes = this.#changes;
    const addresses = await this.#read(user);
    if (changes !== this.#changes) return addresses;
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
    const allowed = await Promise.all(all.map((address) => this.#may(account, address)));
    return all.filter((_, at) => allowed[at]).map((address) => address.toLowerCase());
  }

  async #may(account: Account, address: string): Promise<boolean> {
    if (!address.startsWith('*@')) return await this.#directory.maySendAs(account, address);
    const domain = await this.#directory.domain(address.slice(2));
    return domain === undefined || domain.tenant === account.tenant;
  }
}
