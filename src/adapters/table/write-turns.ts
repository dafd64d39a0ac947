/**
 * The writes of a directory's table: one after the other, each as one commit, then told.
 *
 * Runs in:   the main thread, the only writer.
 * Limits:    `waitingMax` writes wait for their turn; past it one is `store-busy` at once, and nothing of it is done. A
 *            database that is slow to be known away holds no more than those.
 * Invariant: what a write checked still holds when it commits. A decision that throws changes nothing and is told to
 *            nobody. Where others write the table too, a decision that they overtook is made again.
 */

import { assert } from '../../base/assert.ts';
import { MailError } from '../../base/errors.ts';
import type { DirectoryChange } from '../../ports/account-directory.ts';
import { type IndexChange, IndexMoved, type ShardIndex } from '../../ports/shard-index.ts';

/** Others may write the same table: so often a write is decided again before its caller is told to come later. */
const decisionsMax = 16;
/** Under way and waiting: half a second of log-ins that note something, and more. */
export const waitingMax = 1_000;

/** What a write does, and what its listeners hear. */
export interface Decided {
  readonly changes: readonly IndexChange[];
  readonly change?: DirectoryChange;
}

export class WriteTurns {
  readonly #table: ShardIndex;
  readonly #forget: () => void;
  readonly #lost: () => readonly IndexChange[];
  readonly #listeners = new Set<(change: DirectoryChange) => void>();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** `forget` empties the directory's caches; `lost` is what has to be in the table before anything is decided. */
  constructor(
    table: ShardIndex,
    forget: () => void,
    lost: () => readonly IndexChange[] = () => [],
  ) {
    this.#table = table;
    this.#forget = forget;
    this.#lost = lost;
  }

  subscribe(listener: (change: DirectoryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** All writes that were asked for are done. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** `decide` runs alone: no other write is between its reads and its commit. */
  write(decide: () => Decided): Promise<void> {
    return this.inTurn(async () => {
      const { change } = await this.#commit(decide);
      this.#forget();
      this.tell(change);
    });
  }

  async create<Made extends object>(
    decide: () => Decided & { readonly made: Made },
  ): Promise<Made> {
    let made: Made | undefined;
    await this.write(() => {
      const decided = decide();
      ({ made } = decided);
      return decided;
    });
    assert(made !== undefined, 'a write that resolved made its row');
    return made;
  }

  /**
   * A write of rows that the directory's caches hold nothing of: they stay. Without changes nothing is told; with some,
   * `committed` is called in the same turn.
   */
  aside<Answer>(
    decide: () => Decided & { readonly answer: Answer },
    committed?: () => void,
  ): Promise<Answer> {
    return this.inTurn(async () => {
      const { changes, change, answer } = await this.#commit(decide);
      if (changes.length === 0) return answer;
      committed?.();
      this.tell(change);
      return answer;
    });
  }

  /** Puts right what is lost, without another write. */
  async mend(): Promise<void> {
    await this.inTurn(() => this.#commit(() => ({ changes: [] })));
  }

  async inTurn<Answer>(write: () => Promise<Answer>): Promise<Answer> {
    if (this.#waiting >= waitingMax) {
      throw new MailError('store-busy', 'too many writes wait for the directory, try again later');
    }
    this.#waiting++;
    const done = this.#last.then(write).finally(() => this.#waiting--);
    this.#last = done.catch(() => {});
    return await done;
  }

  async #commit<D extends Decided>(decide: () => D): Promise<D> {
    for (let times = 1; times <= decisionsMax; times++) {
      try {
        const lost = this.#lost();
        if (lost.length > 0) await this.#table.commit(lost);
        const decided = decide();
        if (decided.changes.length > 0) await this.#table.commit(decided.changes);
        return decided;
      } catch (error) {
        if (!(error instanceof IndexMoved)) throw error;
      }
    }
    throw new MailError('store-busy', 'others change the directory without a pause');
  }

  tell(change: DirectoryChange | undefined): void {
    if (change === undefined) return;
    for (const listener of this.#listeners) listener(change);
  }
}
