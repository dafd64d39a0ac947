/**
 * Tells shards the quotas that accounts inherit, when a level above them was set.
 *
 * Runs in:   main thread.
 * Limits:    `atOnceMax` accounts are told at a time; what failed is tried again as `Settling` says.
 * Invariant: a level that was set is marked in the directory until all shards know: a kill between loses nothing. What
 *            a shard was told is looked at again afterwards, so an older word never stands last.
 */

import type { Log } from '../base/log.ts';
import type { Account, AccountDirectory } from '../ports/account-directory.ts';
import type { Spread } from '../ports/levels.ts';
import { type AccountAskParts, putAccount } from './control/account-asks.ts';
import { Settling } from './settling.ts';

const atOnceMax = 16;

export interface QuotaSpreadParts extends AccountAskParts {
  readonly directory: AccountDirectory;
  readonly log: Log;
}

export class QuotaSpread {
  readonly #parts: QuotaSpreadParts;
  readonly #settling: Settling;

  constructor(parts: QuotaSpreadParts) {
    this.#parts = parts;
    this.#settling = new Settling(parts.clock, () => this.#run());
  }

  /** Resolves when shards know what is marked now, or when it has to be tried again. */
  settle(): Promise<void> {
    return this.#settling.settle();
  }

  close(): Promise<void> {
    return this.#settling.close();
  }

  async #run(): Promise<boolean> {
    const { directory, log } = this.#parts;
    try {
      for (const spread of await directory.spreads()) {
        if (this.#settling.isClosed) return false;
        await this.#tellAll(spread);
        await directory.endSpread(spread);
      }
      return true;
    } catch (error) {
      if (this.#settling.isClosed) return false;
      log.warn({ error: String(error) }, 'shards could not be told a quota: it is tried again');
      return false;
    }
  }

  async #tellAll({ tenant, domain }: Spread): Promise<void> {
    const all = await this.#parts.directory.accounts(domain);
    const open = all.filter((account) => {
      const isBelow = tenant === undefined || account.tenant === tenant;
      // A ceiling of a tenant bounds what accounts say of their own, too.
      return isBelow && (tenant !== undefined || (account.inherits ?? []).length > 0);
    });
    const tell = async () => {
      for (
        let next = open.pop();
        next !== undefined && !this.#settling.isClosed;
        next = open.pop()
      ) {
        await this.#tell(next);
      }
    };
    await Promise.all(Array.from({ length: atOnceMax }, tell));
    if (this.#settling.isClosed) throw new Error('closed before all were told');
  }

  async #tell(account: Account): Promise<void> {
    let wanted: Account | undefined = await this.#parts.directory.accountById(account.id);
    while (wanted !== undefined) {
      const told: Account = wanted;
      await putAccount(this.#parts, told);
      wanted = await this.#parts.directory.accountById(told.id);
      const hasSame =
        wanted?.quotaBytes === told.quotaBytes && wanted.quotaMessages === told.quotaMessages;
      if (hasSame) return;
    }
  }
}
