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
 * beside it; above, a quarter of the rest is left for jobs and the kernel.
 */
export function workerCount(settings: Settings): number {
  if (settings.workers !== 0) return settings.workers;
  return Math.max(1, Math.floor((availableParallelism() - 1) * 0.75));
}
