/**
 * One tenant's mail before a site: the most urgent first, and what waits grows more urgent.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 6710 §4.3 (a higher priority goes first; none is starved).
 * Limits:    a lane for each of the 19 priorities at most.
 */

import type { Gate } from '../../../actors/site-lease.ts';
import { minuteMs } from '../../../base/units.ts';
import type { Transaction } from '../transaction.ts';
import { oldestOf, type Waiting } from './waiting.ts';

/** Waiting so long is worth one step of priority: by the hour, a newsletter overtakes what was urgent just now. */
const stepMs = 5 * minuteMs;

interface Lane {
  readonly priority: number;
  readonly queue: Waiting;
}

export class PriorityLanes implements Waiting {
  readonly #create: () => Waiting;
  readonly #lanes: Lane[] = [];

  constructor(create: () => Waiting) {
    this.#create = create;
  }

  get count(): number {
    let count = 0;
    for (const { queue } of this.#lanes) count += queue.count;
    return count;
  }

  get headMs(): number | undefined {
    return this.oldestMs;
  }

  get oldestMs(): number | undefined {
    return oldestOf(this.#lanes);
  }

  push(transaction: Transaction): void {
    const priority = transaction.message.terms?.priority ?? 0;
    let lane = this.#lanes.find((each) => each.priority === priority);
    if (lane === undefined) {
      lane = { priority, queue: this.#create() };
      this.#lanes.push(lane);
    }
    lane.queue.push(transaction);
  }

  shift(nowMs: number, gate?: Gate): Transaction | undefined {
    const lane = this.#lanes.length === 1 ? this.#lanes[0] : this.#mostUrgent(nowMs, gate);
    if (lane === undefined) return undefined;
    const transaction = lane.queue.shift(nowMs, gate);
    if (lane.queue.count === 0 && this.#lanes.length > 1) {
      this.#lanes.splice(this.#lanes.indexOf(lane), 1);
    }
    return transaction;
  }

  mayShift(gate: Gate): boolean {
    return this.#lanes.some(({ queue }) => queue.mayShift(gate));
  }

  #mostUrgent(nowMs: number, gate: Gate | undefined): Lane | undefined {
    let found: Lane | undefined;
    let most = Number.NEGATIVE_INFINITY;
    for (const lane of this.#lanes) {
      if (gate !== undefined && !lane.queue.mayShift(gate)) continue;
      const { headMs } = lane.queue;
      if (headMs === undefined) continue;
      const urgency = lane.priority + (nowMs - headMs) / stepMs;
      if (urgency > most) [found, most] = [lane, urgency];
    }
    return found;
  }
}
