/**
 * How many messages of each tenant wait in each shard's queue, known to all threads without a question.
 *
 * Runs in:   a shard's thread writes its counts, the main thread adds them up.
 * Limits:    tenants of numbers below `countedTenantsMax`; others are not counted.
 * Invariant: a shard's counts have one writer, who begins at nought when the shard opens.
 */

import type { ShardId, TenantId } from './ids.ts';

export const countedTenantsMax = 16_384;

export function waitingWords(shards: number): SharedArrayBuffer {
  return new SharedArrayBuffer(shards * countedTenantsMax * Int32Array.BYTES_PER_ELEMENT);
}

/** Of one shard. */
export class ShardWaiting {
  readonly #words: Int32Array;

  constructor(words: SharedArrayBuffer, shard: ShardId) {
    const bytes = countedTenantsMax * Int32Array.BYTES_PER_ELEMENT;
    this.#words = new Int32Array(words, shard * bytes, countedTenantsMax);
    for (let i = 0; i < countedTenantsMax; i++) if (this.#words[i] !== 0) this.#words[i] = 0;
  }

  readonly add = (tenant: TenantId, by: 1 | -1): void => {
    if (tenant < countedTenantsMax) Atomics.add(this.#words, tenant, by);
  };
}

/** Of all shards together. */
export function waitingOf(words: Int32Array, tenant: TenantId): number {
  let sum = 0;
  if (tenant >= countedTenantsMax) return 0;
  for (let at: number = tenant; at < words.length; at += countedTenantsMax) {
    sum += Atomics.load(words, at);
  }
  return sum;
}
