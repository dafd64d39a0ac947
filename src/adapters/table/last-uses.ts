/**
 * When credentials were last used, held in memory and put into their rows together.
 *
 * Runs in:   the main thread.
 * Limits:    `usesHeldMax` accounts; at that many it settles by itself. Of one credential the last use is held.
 * Invariant: a use never makes a row: what was deleted meanwhile stays deleted. Nobody is told of it.
 */

import type { AccountId } from '../../base/ids.ts';
import { type Use, type Used, usesHeldMax } from '../../ports/credentials.ts';
import type { IndexChange } from '../../ports/shard-index.ts';
import type { IdentityParts } from './identity-parts.ts';
import * as rows from './identity-rows.ts';

interface Held {
  readonly what: Used;
  readonly use: Use;
}

export class LastUses {
  readonly #parts: Pick<IdentityParts, 'table' | 'turns'>;
  /** Of an account, by the name of the credential. */
  #held = new Map<AccountId, Map<string, Held>>();
  /** On their way into rows. */
  #leaving = new Map<AccountId, Map<string, Held>>();
  /** A write was asked for that takes all that is held. */
  #isLeaving = false;

  constructor(parts: Pick<IdentityParts, 'table' | 'turns'>) {
    this.#parts = parts;
  }

  note(account: AccountId, what: Used, use: Use): void {
    let own = this.#held.get(account);
    if (own === undefined) {
      if (this.#held.size >= usesHeldMax) this.#drop();
      own = new Map();
      this.#held.set(account, own);
    }
    own.set(nameOf(what), { what, use });
    if (this.#held.size < usesHeldMax || this.#isLeaving) return;
    // What does not get into its rows is lost, and no more than a note.
    void this.settle().catch(() => {});
  }

  /** The row with the use that is newer than its own. */
  joinedTo<Row extends { readonly lastUse?: Use }>(account: AccountId, what: Used, row: Row): Row {
    const name = nameOf(what);
    const { use } =
      this.#held.get(account)?.get(name) ?? this.#leaving.get(account)?.get(name) ?? {};
    return use === undefined ? row : { ...row, lastUse: use };
  }

  /** The disk is slower than those who log in: the account noted first is forgotten. */
  #drop(): void {
    for (const account of this.#held.keys()) {
      this.#held.delete(account);
      return;
    }
  }

  async settle(): Promise<void> {
    this.#isLeaving = true;
    try {
      await this.#write();
    } finally {
      // It may have found no place to wait: the next use asks again.
      this.#isLeaving = false;
    }
  }

  #write(): Promise<void> {
    return this.#parts.turns.aside(() => {
      this.#isLeaving = false;
      this.#leaving = this.#held;
      this.#held = new Map();
      const changes: IndexChange[] = [];
      for (const [account, own] of this.#leaving) {
        for (const { what, use } of own.values())
          changes.push(...this.#changeFor(account, what, use));
      }
      return { changes, answer: undefined };
    });
  }

  #changeFor(account: AccountId, what: Used, lastUse: Use): IndexChange[] {
    const key =
      'session' in what
        ? rows.sessionKey(account, what.session)
        : rows.appPasswordKey(account, what.appPassword);
    const row = rows.readRow<object>(this.#parts.table, key);
    return row === undefined ? [] : [rows.put(key, { ...row, lastUse })];
  }
}

function nameOf(what: Used): string {
  return 'session' in what ? `s${what.session}` : `a${what.appPassword}`;
}
