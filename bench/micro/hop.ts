/**
 * What one ask costs from `router.ask` through a thread and back: CPU of all threads, with N askers in a closed loop.
 *
 * Prints one JSON object a case. Run: `node bench/micro/hop.ts`. Budget: 10 µs an ask at load.
 */

import type { Ask } from '../../src/actors/ask.ts';
import { PiscinaChannel } from '../../src/actors/piscina-channel.ts';
import { Runtime } from '../../src/actors/runtime.ts';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import type { ShardId } from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';

const roundsMs = 1_500;
const entry = new URL('hop-worker.ts', import.meta.url).href;

const ask: Ask = {
  shard: 0 as ShardId,
  actor: '',
  name: 'accept',
  key: '01J9Z3K4M5N00000',
  class: 'short',
  lane: 'normal',
  deadlineMs: 0,
  meta: [['sender@example.org', [['user@example.net', 0, 0, 0, '']], 0, false, 0, '']],
  body: [Buffer.alloc(1_000, 0x61)],
};

for (const askers of [1, 20, 100, 500]) {
  const channel = new PiscinaChannel({ entry, threads: 1, log: silentLog });
  const runtime = new Runtime({ channel, shards: 1, workers: 1, clock: nodeClock, log: silentLog });
  await runtime.start();
  let count = 0;
  let untilMs = performance.now() + 500;
  const loop = async () => {
    while (performance.now() < untilMs) {
      await runtime.ask(ask);
      count++;
    }
  };
  const round = () => Promise.all(Array.from({ length: askers }, loop));
  await round();
  count = 0;
  untilMs = performance.now() + roundsMs;
  const used = process.cpuUsage();
  await round();
  const { user, system } = process.cpuUsage(used);
  const cpuUsPerAsk = Number(((user + system) / count).toFixed(1));
  const asksPerSecond = Math.round((count * 1_000) / roundsMs);
  console.log(JSON.stringify({ bench: 'hop', askers, cpuUsPerAsk, asksPerSecond }));
  await runtime.close();
}
