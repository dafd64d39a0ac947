/**
 * Entry of each thread of a load that has several.
 *
 * Duty:   plays one share of a run and tells of it every second.
 * Trust:  takes a plan from the main thread; what servers answer is bytes.
 * Limits: those of the plan's groups (`src/harness/schedule/scheduler.ts`).
 * Roles:  none: all threads of a load are alike.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { nodeClock as clock } from '../src/adapters/node/clock.ts';
import { nodeRandom as random } from '../src/adapters/node/random.ts';
import { ShareRun } from '../src/harness/run/share-run.ts';
import type { FromThread, HarnessData, ToThread } from '../src/harness/run/worker-share.ts';

const liveEveryMs = 1_000;
const { plan, share } = workerData as HarnessData;
const run = new ShareRun(plan, share, { clock, random, epochMs: performance.timeOrigin });

function tell(message: FromThread): void {
  parentPort!.postMessage(message);
}

async function play(): Promise<void> {
  const telling = setInterval(() => tell({ kind: 'live', live: run.live() }), liveEveryMs);
  const report = await run.run();
  clearInterval(telling);
  tell({ kind: 'ended', report });
  parentPort!.close();
}

parentPort!.on('message', (what: ToThread) => {
  if (what === 'stop') run.stop();
  else void play();
});
tell({ kind: 'ready' });
