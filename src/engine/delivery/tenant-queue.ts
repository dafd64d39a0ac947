/**
 * What waits for one site: first in, first out for each tenant, tenants in turn.
 *
 * Runs in:   engine threads.
 * Limits:    `countMax` messages and `bytesMax` bytes over all tenants. What comes back (`unshift`) was counted
 *            before and is always taken.
 */

import { BoundedQueue } from '../../base/bounded-queue.ts';
import type { TenantId } from '../../base/ids.ts';
import { blockBytesMax } from './limits.ts';
import type { Transaction } from './transaction.ts';

interface Lane {
  readonly tenant: TenantId;
  readonly queue: BoundedQueue<Transaction>;
}

export class TenantQueue {
  readonly #countMax: number;
  readonly #bytesMax: number;
  readonly #lanes: Lane[] = [];
  /** Goes first: it has waited its turn already. */
  readonly #returned: Transaction[] = [];
  #turn = 0;
  #count = 0;
  #bytes = 0;

  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#count;
  }

  /** When the message that waits longest at the head of its lane came; undefined when none waits. */
  get oldestMs(): number | undefined {
    let oldest = this.#returned.at(-1)?.sinceMs;
    for (const lane of this.#lanes) {
      const sinceMs = lane.queue.peek()?.sinceMs;
      if (sinceMs !== undefined && (oldest === undefined || sinceMs < oldest)) oldest = sinceMs;
    }
    return oldest;
  }

  /** False when full. One message always fits an empty queue, however large it is. */
  push(transaction: Transaction): boolean {
    const { tenant } = transaction.message;
    const bytes = memoryOf(transaction);
    if (this.#count >= this.#countMax) return false;
    if (this.#count > 0 && this.#bytes + bytes > this.#bytesMax) return false;
    let lane = this.#lanes.find((each) => each.tenant === tenant);
    if (lane === undefined) {
      lane = { tenant, queue: new BoundedQueue(this.#countMax) };
      this.#lanes.push(lane);
    }
    lane.queue.push(transaction);
    this.#count++;
    this.#bytes += bytes;
    return true;
  }

  unshift(transaction: Transaction): void {
    this.#returned.push(transaction);
    this.#count++;
    this.#bytes += memoryOf(transaction);
  }

  shift(): Transaction | undefined {
    const transaction = this.#returned.pop() ?? this.#shiftLane();
    if (transaction !== undefined) {
      this.#count--;
      this.#bytes -= memoryOf(transaction);
    }
    return transaction;
  }

  #shiftLane(): Transaction | undefined {
    if (this.#lanes.length === 0) return undefined;
    if (this.#turn >= this.#lanes.length) this.#turn = 0;
    const lane = this.#lanes[this.#turn]!;
    const transaction = lane.queue.shift();
    // Tenants come and go: a lane goes when it is empty, but for the last one, which most likely is used again.
    if (lane.queue.count === 0 && this.#lanes.length > 1) this.#lanes.splice(this.#turn, 1);
    else this.#turn++;
    return transaction;
  }
}

/** A large message is read from its file when it is sent, block by block. */
function memoryOf({ message }: Transaction): number {
  return message.source === undefined ? message.bytes : blockBytesMax;
}
