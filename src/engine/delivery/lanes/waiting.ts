/**
 * What a queue of messages before a site is, whatever its order, and what sending one counts.
 *
 * Runs in: engine threads; pure.
 */

import type { Gate } from '../../../actors/site-lease.ts';
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
  /** The next one that may begin. */
  shift(nowMs: number, gate?: Gate): Transaction | undefined;
  /** Whether one may begin. */
  mayShift(gate: Gate): boolean;
}

export function mayBegin({ message }: Transaction, gate: Gate): boolean {
  return gate.isOpen(message.tenant, message.terms?.campaign ?? '');
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

/** About the same for many, most of them for one recipient. */
export function costOfMany(count: number, bytes: number): number {
  return count * (transactionCost + recipientCost) + bytes;
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

  shift(_nowMs: number, gate?: Gate): Transaction | undefined {
    if (gate !== undefined && !this.mayShift(gate)) return undefined;
    return this.#queue.shift();
  }

  mayShift(gate: Gate): boolean {
    const head = this.#queue.peek();
    return head !== undefined && mayBegin(head, gate);
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
