/**
 * What a queue of messages before a site is, whatever its order, and what sending one counts.
 *
 * Runs in: engine threads; pure.
 */

import { BoundedQueue } from '../../../base/bounded-queue.ts';
import { kibibyte, mebibyte } from '../../../base/units.ts';
import type { Transaction } from '../transaction.ts';

export interface Waiting {
  readonly count: number;
  /** When the message that would go next came; undefined when none waits. */
  readonly headMs: number | undefined;
  /** When the message that waits longest came. */
  readonly oldestMs: number | undefined;
  push(transaction: Transaction): void;
  shift(nowMs: number): Transaction | undefined;
}

const transactionCost = 8 * kibibyte;
const recipientCost = kibibyte;
/** A larger message counts no more: its sender would be out of turn for minutes. */
const bytesCostMax = mebibyte;

/** What a message takes of a site: a transaction, its recipients, its bytes. */
export function costOf({ message }: Transaction): number {
  const { recipients, bytes } = message;
  return transactionCost + recipients.length * recipientCost + Math.min(bytes, bytesCostMax);
}

/** First in, first out. */
export class InOrder implements Waiting {
  readonly #queue: BoundedQueue<Transaction>;

  constructor(countMax: number) {
    this.#queue = new BoundedQueue(countMax);
  }

  get count(): number {
    return this.#queue.count;
  }

  get headMs(): number | undefined {
    return this.#queue.peek()?.sinceMs;
  }

  get oldestMs(): number | undefined {
    return this.headMs;
  }

  push(transaction: Transaction): void {
    this.#queue.push(transaction);
  }

  shift(): Transaction | undefined {
    return this.#queue.shift();
  }
}

/** When the message came that waits longest in any of these. */
export function oldestOf(all: Iterable<{ readonly queue: Waiting }>): number | undefined {
  let oldest: number | undefined;
  for (const { queue } of all) {
    const sinceMs = queue.oldestMs;
    if (sinceMs !== undefined && (oldest === undefined || sinceMs < oldest)) oldest = sinceMs;
  }
  return oldest;
}
