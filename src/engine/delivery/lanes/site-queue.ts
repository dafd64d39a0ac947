/**
 * What waits for one site: tenants share it, within a tenant the most urgent goes first, within a priority campaigns
 * share, and a campaign's messages go in their order.
 *
 * Runs in:   engine threads.
 * Limits:    `countMax` messages and `bytesMax` bytes over all tenants, and of them no tenant has more than twice what
 *            is left: whoever comes later finds room. What comes back (`unshift`) was counted before and is always taken.
 */

import type { Gate } from '../../../actors/site-lease.ts';
import type { TenantId } from '../../../base/ids.ts';
import { blockBytesMax } from '../limits.ts';
import type { Transaction } from '../transaction.ts';
import { FairRound } from './fair-round.ts';
import { PriorityLanes } from './priority-lanes.ts';
import { costOf, costOfMany, InOrder, mayBegin } from './waiting.ts';

const shareOfRest = 2;

export class SiteQueue {
  readonly #countMax: number;
  readonly #bytesMax: number;
  readonly #tenants: FairRound<TenantId>;
  readonly #bytesByTenant = new Map<TenantId, number>();
  /** Goes first: it has waited its turn already. */
  readonly #returned: Transaction[] = [];
  /** Cost of what was sent since it was asked for, by tenant; counted once somebody asks. */
  #served: Map<TenantId, number> | undefined;
  #bytes = 0;

  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
    const inOrder = () => new InOrder(countMax);
    const campaigns = () => new FairRound(campaignOf, inOrder);
    this.#tenants = new FairRound(tenantOf, () => new PriorityLanes(campaigns));
  }

  get count(): number {
    return this.#tenants.count + this.#returned.length;
  }

  /** When the message that waits longest came; undefined when none waits. */
  get oldestMs(): number | undefined {
    const waiting = this.#tenants.oldestMs;
    const returned = this.#returned.at(-1)?.sinceMs;
    if (waiting === undefined || returned === undefined) return waiting ?? returned;
    return Math.min(waiting, returned);
  }

  /** False when full, for this tenant. One message always fits an empty queue, however large it is. */
  push(transaction: Transaction): boolean {
    if (!this.hasRoom(transaction.message.tenant, memoryOf(transaction))) return false;
    this.#tenants.push(transaction);
    this.#add(transaction, memoryOf(transaction));
    return true;
  }

  unshift(transaction: Transaction): void {
    this.#returned.push(transaction);
    this.#add(transaction, memoryOf(transaction));
  }

  /** The next one that may begin, to be sent. */
  shift(nowMs: number, gate?: Gate): Transaction | undefined {
    const returned = this.#returned.at(-1);
    if (returned !== undefined && (gate === undefined || mayBegin(returned, gate))) {
      this.#returned.pop();
      this.#add(returned, -memoryOf(returned));
      return returned;
    }
    const transaction = this.#tenants.shift(nowMs, gate);
    if (transaction !== undefined) {
      this.#add(transaction, -memoryOf(transaction));
      if (this.#served !== undefined) this.#count(transaction, this.#served);
    }
    return transaction;
  }

  mayShift(gate: Gate): boolean {
    const returned = this.#returned.at(-1);
    return (returned !== undefined && mayBegin(returned, gate)) || this.#tenants.mayShift(gate);
  }

  /** One that will not be sent. */
  pull(nowMs: number): Transaction | undefined {
    const transaction = this.#returned.pop() ?? this.#tenants.shift(nowMs);
    if (transaction !== undefined) this.#add(transaction, -memoryOf(transaction));
    return transaction;
  }

  /** Adds what waits and what was sent since the last call, by tenant, as its cost. */
  tell(told: Map<number, { waiting: number; served: number }>): void {
    const of = (tenant: number) => {
      let each = told.get(tenant);
      if (each === undefined) {
        each = { waiting: 0, served: 0 };
        told.set(tenant, each);
      }
      return each;
    };
    for (const [tenant, bytes] of this.#bytesByTenant) {
      of(tenant).waiting += costOfMany(this.#tenants.countOf(tenant), bytes);
    }
    for (const [tenant, cost] of this.#served ?? []) of(tenant).served += cost;
    this.#served = new Map();
  }

  weigh(weights: ReadonlyMap<number, number>): void {
    this.#tenants.weigh(weights as ReadonlyMap<TenantId, number>);
  }

  #count(transaction: Transaction, served: Map<TenantId, number>): void {
    const { tenant } = transaction.message;
    served.set(tenant, (served.get(tenant) ?? 0) + costOf(transaction));
  }

  /** For one message more, with `coming` others about to be pushed. */
  hasRoom(tenant: TenantId, bytes: number, coming = 0): boolean {
    if (this.count + coming === 0) return true;
    const countLeft = this.#countMax - this.count - coming;
    const bytesLeft = this.#bytesMax - this.#bytes;
    if (countLeft <= 0 || bytes > bytesLeft) return false;
    const ownBytes = this.#bytesByTenant.get(tenant) ?? 0;
    const isCountFair = this.#tenants.countOf(tenant) < shareOfRest * countLeft;
    return isCountFair && ownBytes + bytes <= shareOfRest * (bytesLeft - bytes) + bytes;
  }

  countOf(tenant: TenantId): number {
    return this.#tenants.countOf(tenant);
  }

  /** How many more of a tenant's it would take, as far as their number goes. */
  roomOf(tenant: TenantId, coming: number): number {
    const left = this.#countMax - this.count - coming;
    const own = this.#tenants.countOf(tenant);
    return Math.max(0, Math.min(left, Math.ceil((shareOfRest * left - own) / (shareOfRest + 1))));
  }

  #add({ message }: Transaction, bytes: number): void {
    const { tenant } = message;
    this.#bytes += bytes;
    const own = (this.#bytesByTenant.get(tenant) ?? 0) + bytes;
    if (own > 0) this.#bytesByTenant.set(tenant, own);
    else this.#bytesByTenant.delete(tenant);
  }
}

function tenantOf({ message }: Transaction): TenantId {
  return message.tenant;
}

function campaignOf({ message }: Transaction): string {
  return message.terms?.campaign ?? '';
}

/** A large message is read from its file when it is sent, block by block. */
function memoryOf({ message }: Transaction): number {
  return message.source === undefined ? message.bytes : blockBytesMax;
}
