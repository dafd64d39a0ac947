/**
 * What a thread that owns no shards runs.
 *
 * Duty:   does jobs: passwords, keys, messages built of their parts.
 * Trust:  takes parcels from the main thread only; passwords and texts of strangers are bytes inside them.
 * Limits: none of its own: the main thread gives it a job at a time.
 */

import type { ThreadData } from '../src/actors/asks/thread-data.ts';
import type { ThreadPart, ThreadStart } from '../src/actors/channel.ts';
import { nodeClock as clock } from '../src/adapters/node/clock.ts';
import { nodeRandom as random } from '../src/adapters/node/random.ts';
import { lowerThreadPriority } from '../src/adapters/node/thread-priority.ts';
import { createLog } from '../src/base/log.ts';
import { jobHandlers } from '../src/engine/jobs/handlers.ts';
import { createServer } from '../src/engine/serve.ts';

export function buildJobs(
  { thread, post, end }: ThreadStart,
  { settings, workers }: ThreadData,
): ThreadPart {
  if (thread > workers) lowerThreadPriority(); // patient jobs: passwords must not make mail late
  const log = createLog(settings.log.level, { thread }, { gatherBytes: 8_192 });
  const server = createServer({ handlers: jobHandlers(random), clock, log, post, end });
  return { serve: (parcel) => server.serve(parcel) };
}
