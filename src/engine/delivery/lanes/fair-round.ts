/**
 * Shares a site between those who have mail for it: each in turn, by what its messages cost, not by how many there are.
 *
 * Runs in:   engine threads; pure.
 * Limits:    as many children as keys with messages.
 * Invariant: of two that always have mail waiting, neither gets more than the other by more than one quantum and one
 *            message (deficit round robin whose last message may overdraw).
 */

import { kibibyte } from '../../../base/units.ts';
import type { Transaction } from '../transaction.ts';
import { costOf, oldestOf, type Waiting } from './waiting.ts';

/** No more than the smallest message costs: small ones alternate. */
const quantum = 8 * kibibyte;

interface Sharer<Key> {
  readonly key: Key;
  readonly queue: Waiting;
  /** What it may still spend this round; below 0 after a message that cost more than was left. */
  credit: number;
}

export class FairRound<Key> implements Waiting {
  readonly #keyOf: (transaction: Transaction) => Key;
  readonly #create: () => Waiting;
  readonly #byKey = new Map<Key, Sharer<Key>>();
  readonly #sharers: Sharer<Key>[] = [];
  #turn = 0;
  #count = 0;

  constructor(keyOf: (transaction: Transaction) => Key, create: () => Waiting) {
    this.#keyOf = keyOf;
    this.#create = create;
  }

  get count(): number {
    return this.#count;
  }

  get headMs(): number | undefined {
    const { length } = this.#sharers;
    for (let passed = 0; passed < length; passed++) {
      // One may stay that is empty: it is not next.
      const { queue } = this.#sharers[(this.#turn + passed) % length]!;
      if (queue.count > 0) return queue.headMs;
    }
    return undefined;
  }

  get oldestMs(): number | undefined {
    return oldestOf(this.#sharers);
  }

  /** How many wait under this key. */
  countOf(key: Key): number {
    return this.#byKey.get(key)?.queue.count ?? 0;
  }

  push(transaction: Transaction): void {
    const key = this.#keyOf(transaction);
    let sharer = this.#byKey.get(key);
    if (sharer === undefined) {
      sharer = { key, queue: this.#create(), credit: quantum };
      this.#byKey.set(key, sharer);
      this.#sharers.push(sharer);
    }
    sharer.queue.push(transaction);
    this.#count++;
  }

  shift(nowMs: number): Transaction | undefined {
    if (this.#count === 0) return undefined;
    const sharer = this.#nextSharer();
    const transaction = sharer.queue.shift(nowMs)!;
    this.#count--;
    sharer.credit -= costOf(transaction);
    // The last one stays, empty: most likely it is used again. Debts end with it: nobody waited for them.
    if (sharer.queue.count === 0) {
      if (this.#sharers.length > 1) this.#remove(sharer);
      else sharer.credit = quantum;
    } else if (sharer.credit <= 0) this.#advance();
    return transaction;
  }

  #nextSharer(): Sharer<Key> {
    for (;;) {
      for (let passed = 0; passed < this.#sharers.length; passed++) {
        const sharer = this.#sharers[this.#turn]!;
        if (sharer.queue.count === 0) {
          this.#remove(sharer);
          passed = -1;
        } else if (sharer.credit > 0) return sharer;
        else this.#advance();
      }
      this.#credit();
    }
  }

  /** As many rounds at once as bring somebody above nothing: one large message must not cost a walk for each. */
  #credit(): void {
    let rounds = Number.POSITIVE_INFINITY;
    for (const { credit } of this.#sharers) {
      rounds = Math.min(rounds, Math.floor(-credit / quantum) + 1);
    }
    for (const sharer of this.#sharers) sharer.credit += rounds * quantum;
  }

  #advance(): void {
    this.#turn = (this.#turn + 1) % this.#sharers.length;
  }

  #remove(sharer: Sharer<Key>): void {
    this.#sharers.splice(this.#turn, 1);
    this.#byKey.delete(sharer.key);
    if (this.#turn >= this.#sharers.length) this.#turn = 0;
  }
}
