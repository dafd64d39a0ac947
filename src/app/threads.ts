/**
 * How many engine threads there are.
 *
 * Runs in:   main thread.
 */

import { availableParallelism } from 'node:os';
import type { Settings } from '../settings/schema.ts';

export function epochWords(shards: number): SharedArrayBuffer {
  return new SharedArrayBuffer(shards * Int32Array.BYTES_PER_ELEMENT);
}

export function undeliveredWords(shards: number): SharedArrayBuffer {
  return new SharedArrayBuffer(shards * Int32Array.BYTES_PER_ELEMENT);
}

/**
 * Threads that own shards. The edge takes a core of its own, so with two cores one engine thread is all that can run
 * beside it; above, a quarter of the rest is left for jobs and the kernel (docs/decisions/0050).
 */
export function workerCount(
  settings: Pick<Settings, 'workers'>,
  shards: number,
  cores = availableParallelism(),
): number {
  if (settings.workers !== 0) return settings.workers;
  // A data folder may come from a smaller machine: a thread without a shard would do nothing.
  return Math.min(shards, Math.max(1, Math.floor((cores - 1) * 0.75)));
}
