/**
 * Shares a site between those who have mail for it: each in turn, by what its messages cost, not by how many there are.
 *
 * Runs in:   engine threads; pure.
 * Limits:    as many children as keys with messages.
 * Invariant: of two that always have mail waiting, neither gets more than its weight allows by more than one quantum
 *            and one message (deficit round robin whose last message may overdraw).
 */

import type { Gate } from '../../../actors/site-lease.ts';
import { kibibyte } from '../../../base/units.ts';
import type { Transaction } from '../transaction.ts';
import { costOf, oldestOf, type Waiting } from './waiting.ts';

/** No more than the smallest message costs: small ones alternate. */
const quantum = 8 * kibibyte;

interface Sharer<Key> {
  readonly key: Key;
  readonly queue: Waiting;
  /** Of a quantum, what it is given in each round. */
  weight: number;
  /** What it may still spend this round; below 0 after a message that cost more than was left. */
  credit: number;
}

export class FairRound<Key> implements Waiting {
  readonly #keyOf: (transaction: Transaction) => Key;
  readonly #create: () => Waiting;
  readonly #byKey = new Map<Key, Sharer<Key>>();
  readonly #sharers: Sharer<Key>[] = [];
  /** Of keys that are not as heavy as can be. */
  #weights: ReadonlyMap<Key, number> = new Map();
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
      const weight = this.#weights.get(key) ?? 1;
      sharer = { key, queue: this.#create(), weight, credit: quantum };
      this.#byKey.set(key, sharer);
      this.#sharers.push(sharer);
    }
    sharer.queue.push(transaction);
    this.#count++;
  }

  /** Parts of a full share from now on, above 0; keys that are not named have a whole one. */
  weigh(weights: ReadonlyMap<Key, number>): void {
    this.#weights = weights;
    for (const sharer of this.#sharers) sharer.weight = weights.get(sharer.key) ?? 1;
  }

  mayShift(gate: Gate): boolean {
    return this.#sharers.some(({ queue }) => queue.mayShift(gate));
  }

  shift(nowMs: number, gate?: Gate): Transaction | undefined {
    if (this.#count === 0 || (gate !== undefined && !this.mayShift(gate))) return undefined;
    const sharer = this.#nextSharer(gate);
    // A gate may close at any moment, when a lease is over.
    const transaction = sharer?.queue.shift(nowMs, gate);
    if (sharer === undefined || transaction === undefined) return undefined;
    this.#count--;
    sharer.credit -= costOf(transaction);
    // The last one stays, empty: most likely it is used again. Debts end with it: nobody waited for them.
    if (sharer.queue.count === 0) {
      if (this.#sharers.length > 1) this.#remove(sharer);
      else sharer.credit = quantum;
    } else if (sharer.credit <= 0) this.#advance();
    return transaction;
  }

  /** With a gate, one of those that may go now: the others lose no credit, and are given none. */
  #nextSharer(gate: Gate | undefined): Sharer<Key> | undefined {
    for (;;) {
      for (let passed = 0; passed < this.#sharers.length; passed++) {
        const sharer = this.#sharers[this.#turn]!;
        if (sharer.queue.count === 0) {
          this.#remove(sharer);
          passed = -1;
        } else if (sharer.credit > 0 && (gate === undefined || sharer.queue.mayShift(gate)))
          return sharer;
        else this.#advance();
      }
      if (!this.#credit(gate)) return undefined;
    }
  }

  /** As many rounds at once as bring somebody above nothing: one large message must not cost a walk for each. */
  #credit(gate: Gate | undefined): boolean {
    const open =
      gate === undefined
        ? this.#sharers
        : this.#sharers.filter(({ queue }) => queue.mayShift(gate));
    let rounds = Number.POSITIVE_INFINITY;
    for (const { credit, weight } of open) {
      rounds = Math.min(rounds, Math.floor(-credit / (quantum * weight)) + 1);
    }
    for (const sharer of open) sharer.credit += rounds * quantum * sharer.weight;
    return open.length > 0;
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
