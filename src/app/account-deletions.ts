/**
 * Deletes the mail and the key of accounts that are gone from the directory.
 *
 * Runs in:   main thread.
 * Limits:    one account at a time; what failed is tried again as `Settling` says, the others go on.
 * Invariant: the directory marks an account when it takes it out, and the mark goes once its shard has deleted all: a
 *            kill between loses no deletion. Deleting twice changes nothing.
 */

import { mailboxAsks } from '../actors/asks/mailbox-asks.ts';
import type { AccountId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { AccountDeletion, AccountDirectory } from '../ports/account-directory.ts';
import { type AccountAskParts, askAccount } from './control/account-asks.ts';
import { Settling } from './settling.ts';

export interface AccountDeletionsParts extends AccountAskParts {
  readonly directory: Pick<AccountDirectory, 'deletions' | 'endDeletion'>;
  readonly log: Log;
}

export class AccountDeletions {
  readonly #parts: AccountDeletionsParts;
  readonly #settling: Settling;

  constructor(parts: AccountDeletionsParts) {
    this.#parts = parts;
    this.#settling = new Settling(parts.clock, () => this.#run());
  }

  /** Resolves when all marked now are deleted, or have to be tried again. */
  settle(): Promise<void> {
    return this.#settling.settle();
  }

  /** As `settle`, where there is something to do. */
  async settleMarked(): Promise<void> {
    const marked = await this.#parts.directory.deletions();
    if (marked.length > 0) await this.settle();
  }

  /** Whether its mail is there still, as far as is known. */
  async isLeft(account: AccountId): Promise<boolean> {
    const left = await this.#parts.directory.deletions();
    return left.some(({ id }) => id === account);
  }

  close(): Promise<void> {
    return this.#settling.close();
  }

  async #run(): Promise<boolean> {
    const { directory, log } = this.#parts;
    let isDone = true;
    try {
      for (const deletion of await directory.deletions()) {
        if (this.#settling.isClosed) return false;
        if (!(await this.#delete(deletion))) isDone = false;
      }
    } catch (error) {
      log.warn({ error: String(error) }, 'deletions of accounts could not be read or ended');
      return false;
    }
    return isDone;
  }

  async #delete(deletion: AccountDeletion): Promise<boolean> {
    const { directory, log } = this.#parts;
    const { id, tenant, address } = deletion;
    try {
      await askAccount(this.#parts, deletion, mailboxAsks.delete, [id, tenant]);
    } catch (error) {
      const words = 'the mail of an account that is gone could not be deleted: it is tried again';
      log.warn({ account: address, error: String(error) }, words);
      return false;
    }
    await directory.endDeletion(id);
    return true;
  }
}
