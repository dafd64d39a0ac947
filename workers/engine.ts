/**
 * Entry of every engine thread.
 *
 * Duty:   builds what its number says: the first threads own shards, the others take jobs and load no more than those
 *         need.
 * Trust:  takes parcels from the main thread only.
 * Limits: none of its own.
 */

import { workerData } from 'node:worker_threads';
import type { ThreadData } from '../src/actors/asks/thread-data.ts';
import { threadEntry } from '../src/actors/thread-entry.ts';

export default threadEntry(async (start) => {
  const data = workerData as ThreadData;
  if (start.thread < data.workers) return (await import('./shards.ts')).buildShards(start, data);
  return (await import('./jobs.ts')).buildJobs(start, data);
});
