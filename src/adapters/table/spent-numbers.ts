/**
 * The numbers a directory gave, remembered beside its rows: rows may come back from an older state, and mail
 * and access lists of the newer ones are still there.
 *
 * Runs in:   the main thread.
 * Invariant: each write first puts right what the table says of the next numbers, in a commit of its own: no number
 *            that this process knows to be given is given again.
 */

import type { AccountId } from '../../base/ids.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import * as rows from './directory-rows.ts';
import * as identity from './identity-rows.ts';

const counters = [
  ...[rows.nextIdKey, rows.nextTenantKey, rows.nextApiKeyKey, rows.nextHoldRuleKey],
  ...[identity.nextGroupKey, identity.nextAppPasswordKey, identity.nextSessionKey],
  ...[identity.nextRequestKey, identity.nextSpreadKey],
];

/** The next numbers by place in `counters`, as a table has them; 1: none was given. */
export function nextNumbers(table: Pick<ShardIndex, 'get'>): readonly number[] {
  return counters.map((key) => {
    const value = table.get(key);
    return value === undefined ? 1 : rows.decodeRow<number>(value);
  });
}

export class SpentNumbers {
  readonly #table: ShardIndex;
  #next: readonly number[];

  /** `known`: what an older state of the table said. */
  constructor(table: ShardIndex, known: readonly number[] = []) {
    this.#table = table;
    this.#next = nextNumbers(table).map((next, place) => Math.max(next, known[place] ?? 1));
  }

  /** Accounts up to it are somewhere. */
  spend(upTo: AccountId | 0): void {
    const [accounts = 1, ...others] = this.#next;
    this.#next = [Math.max(accounts, upTo + 1), ...others];
  }

  /** What puts the table right; [] where nothing is lost. */
  lost(): readonly IndexChange[] {
    const there = nextNumbers(this.#table);
    this.#next = this.#next.map((next, place) => Math.max(next, there[place]!));
    return this.#next.flatMap((next, place) =>
      next > there[place]! ? [identity.put(counters[place]!, next)] : [],
    );
  }
}
