/**
 * Tells once when an account's quota is used up, and once when it has room again.
 *
 * Runs in:   the engine thread that owns the accounts' shard.
 * Limits:    an account is full when less than `ordinaryBytes` is left, or room for no message: one large message refused says nothing of
 *            the small ones to come.
 */

import type { AccountId } from '../../base/ids.ts';
import { kibibyte } from '../../base/units.ts';
import type { AccountActor } from './account-actor.ts';
import type { AccountRow } from './rows/account-row.ts';

const ordinaryBytes = 4 * kibibyte;

export class Fullness {
  readonly #full = new Set<number>();
  readonly #tell: (account: AccountId, isFull: boolean) => void;

  constructor(tell: (account: AccountId, isFull: boolean) => void) {
    this.#tell = tell;
  }

  /** After a decision about the account, or a change of its quota. */
  look(actor: AccountActor, row: AccountRow | undefined = actor.row()): void {
    const { account } = actor;
    const isFull = actor.roomBytes(row) < ordinaryBytes || actor.roomMessages(row) < 1;
    if (isFull === this.#full.has(account)) return;
    if (isFull) this.#full.add(account);
    else this.#full.delete(account);
    this.#tell(account as AccountId, isFull);
  }
}
