/**
 * A message that ends the thread that takes it, sent into the middle of other mail.
 *
 * Runs in:   bench.
 * Invariant: the server is as it is, but for the entry of its threads: `poisoned-engine.ts` stands before it.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SmtpSink } from '../servers/smtp-sink.ts';
import { Load, runLoad, type SteadyReport } from './load.ts';
import { poisonLine } from './poison-line.ts';
import { startRig } from './rig.ts';
import type { Scene, SceneOptions, SceneResult } from './scene.ts';
import { sendOne } from './send-one.ts';

const sessions = 50;
const warmUpSeconds = 4;
const gapMsMax = 5_000;
const hook = fileURLToPath(new URL('./poisoned-hook.ts', import.meta.url));

interface Figures {
  readonly name: string;
  readonly report: SteadyReport;
  readonly poisonReply: string;
  readonly poisonMs: number;
  readonly deliveredAll: boolean;
}

export const poisonScene: Scene = {
  name: 'poison',
  title: 'A message ends the thread that takes it',
  seconds: 30,
  secondsShort: 8,
  async run(options) {
    const without = await measure('without', false, options);
    const poisoned = await measure('with the poison', true, options);
    return describe(poisoned, without);
  },
};

async function measure(
  name: string,
  isPoisoned: boolean,
  { work, seconds, say }: SceneOptions,
): Promise<Figures> {
  const sink = await SmtpSink.start();
  const rig = await startRig(work, sink.port, { NODE_OPTIONS: `--import=${hook}` });
  try {
    const closed = { port: rig.server.port, sessions, to: 'sink@example.com' };
    await runLoad({ ...closed, seconds: warmUpSeconds });
    await sleep(1_000);
    const before = sink.count;
    const load = new Load({ ...closed, seconds });
    await sleep((seconds * 1_000) / 2);
    const beganMs = performance.now();
    const lines = [...(isPoisoned ? [poisonLine] : []), 'Subject: one more', '', 'text'];
    const poisonReply = await sendOne(rig.server.port, 'sink@example.com', lines);
    const poisonMs = performance.now() - beganMs;
    say(`poison, ${name}: ${poisonReply}`);
    const report = await load.report();
    const expected = before + report.messages + (poisonReply.startsWith('2') ? 1 : 0);
    const deliveredAll = await sink.until(expected, 20_000).then(
      () => true,
      () => false,
    );
    return { name, report, poisonReply, poisonMs, deliveredAll };
  } finally {
    await rig.stop();
    await sink.stop();
  }
}

function describe(poisoned: Figures, without: Figures): SceneResult {
  const { report } = poisoned;
  const refused = report.refused + report.unknown + report.unsent;
  return {
    columns: [
      ...['', 'messages/s', 'p50 / p99 / longest ms', 'longest time without a 250, ms'],
      ...['others not accepted', 'the message’s reply', 'its reply took, ms'],
    ],
    rows: [poisoned, without].map((each) => [
      each.name,
      each.report.messagesPerSecond.toFixed(0),
      [each.report.latency.p50Ms, each.report.latency.p99Ms, each.report.latency.maxMs]
        .map((ms) => ms.toFixed(1))
        .join(' / '),
      each.report.gapMsMax.toFixed(0),
      `${each.report.refused + each.report.unknown + each.report.unsent}`,
      each.poisonReply,
      each.poisonMs.toFixed(0),
    ]),
    checks: [
      {
        what: 'the poison message is refused with 4xx, and is a good one without the poison',
        isReached: poisoned.poisonReply.startsWith('4') && without.poisonReply.startsWith('250'),
        measured: `${poisoned.poisonReply} | ${without.poisonReply}`,
      },
      {
        what: 'all others are accepted, those of its parcel too',
        isReached: refused === 0 && report.messages > 0,
        measured: `${refused} of ${report.messages + refused} were not`,
      },
      {
        what: 'and delivered',
        isReached: poisoned.deliveredAll,
        measured: poisoned.deliveredAll ? 'as many as were acknowledged' : 'fewer',
      },
      {
        what: `service is back within ${gapMsMax / 1_000} s`,
        isReached: report.gapMsMax < gapMsMax,
        measured: `${report.gapMsMax.toFixed(0)} ms`,
      },
    ],
    notes: [
      `${sessions} sessions, each sending when it is free; the thread dies twice of the message: once with others, once alone.`,
    ],
    figures: { poisoned, without },
  };
}
