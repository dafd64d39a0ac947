/**
 * Whose mailboxes a load opens: each session is one account's, in turn, so that all get the same share.
 *
 * Runs in:   load generator; pure.
 */

import type { Share } from '../schedule/arrivals.ts';
import type { Credentials } from './smtp/authentication.ts';

export class AccountDealer {
  readonly #accounts: readonly Credentials[];
  #next: number;

  /** Threads begin at different accounts. */
  constructor(accounts: readonly Credentials[], share: Share) {
    this.#accounts = accounts;
    this.#next = Math.floor((accounts.length * share.index) / share.count);
  }

  deal(): Credentials {
    const account = this.#accounts[this.#next]!;
    this.#next = (this.#next + 1) % this.#accounts.length;
    return account;
  }
}
