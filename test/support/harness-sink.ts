/**
 * A sink of the harness on a port of its own, for as long as a test runs.
 */

import type { TestContext } from 'node:test';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { SeededRandom } from '../../src/harness/seeded-random.ts';
import { FaultSource } from '../../src/harness/sink/fault-source.ts';
import { Sink } from '../../src/harness/sink/sink.ts';

export async function startSink(context: TestContext, lmtp = false) {
  const model = { name: 'test', rules: [] };
  const sink = new Sink({
    listen: [{ host: '127.0.0.1', port: 0 }],
    ...{ hostName: 'sink.test', lmtp, chunking: true, auth: true },
    ...{ clock: nodeClock, ledger: undefined },
    faults: new FaultSource(model, new SeededRandom(5), nodeClock.monotonicMs),
  });
  const [bound] = await sink.start();
  context.after(() => sink.stop());
  return { sink, target: `${bound!.host}:${bound!.port}` };
}
