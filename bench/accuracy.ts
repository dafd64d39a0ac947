/**
 * `node bench/accuracy.ts`: whether the load generator tells the truth of a server that stalls 200 ms each second.
 *
 * Runs in:   a process of its own. Exit code: 0 the best of the open-loop runs is within the bound, and the closed loop
 *            hides the stall; 1 not so.
 * Invariant: what is expected is computed from the stall alone: of constant arrivals a fifth waits, evenly from 200 ms
 *            down to nothing.
 */

import { parseArgs } from 'node:util';
import { Child } from '../src/harness/child.ts';
import { Histogram } from '../src/harness/measure/histogram.ts';
import { parseReport } from '../src/harness/measure/run-report.ts';
import { describeMachine, machineLine } from './machine.ts';
import { launcher } from './servers/chaski.ts';

const stallMs = 200;
/** So few that those held up are all answered within a moment of the stall's end. */
const perSecond = 100;
const percentiles = [85, 90, 95, 99] as const;
const errorMax = 0.1;
/** Of a closed loop: what a stalling server seems to take. */
const hiddenMsMax = 20;

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, seconds: { type: 'string', default: '10' } },
});

const server = new Child({
  command: process.execPath,
  args: [new URL('./accuracy/stalling-server.ts', import.meta.url).pathname, `${stallMs}`],
});
const [, port] = await server.until(/port (\d+)/, 20_000);
try {
  process.exitCode = await compare();
} finally {
  await server.stop('SIGKILL');
}

async function compare(): Promise<number> {
  say(machineLine(describeMachine('stub')));
  say(
    `computed: ${percentiles.map((each) => `p${each} ${expectedMs(each).toFixed(1)} ms`).join(', ')}`,
  );
  const errors: number[] = [];
  for (let run = 1; run <= Number(values.runs); run++) {
    const histogram = await load(['--rate', `${perSecond}`, '--arrival', 'constant']);
    // The server's own time comes on top of every wait.
    const serviceMs = histogram.percentileMs(50);
    const found = percentiles.map((each) => histogram.percentileMs(each));
    const relative = percentiles.map((each, at) => {
      const expected = expectedMs(each) + serviceMs;
      return Math.abs(found[at]! - expected) / expected;
    });
    errors.push(Math.max(...relative));
    const shown = percentiles.map((each, at) => `p${each} ${found[at]!.toFixed(1)}`).join(', ');
    say(`open loop ${run}: ${shown} ms; furthest off ${(errors.at(-1)! * 100).toFixed(1)} %`);
  }
  const closed = await load(['--sessions', '1']);
  const hiddenMs = closed.percentileMs(99);
  say(
    `closed loop: p99 ${hiddenMs.toFixed(1)} ms of ${closed.count} messages: the stall is hidden`,
  );
  const best = Math.min(...errors);
  const isTrue = best <= errorMax && hiddenMs < hiddenMsMax;
  say(
    `best of ${errors.length}: ${(best * 100).toFixed(1)} %, at most ${errorMax * 100} % allowed`,
  );
  return isTrue ? 0 : 1;
}

function expectedMs(percentile: number): number {
  const waiting = stallMs / 1_000;
  return stallMs * (1 - (1 - percentile / 100) / waiting);
}

async function load(how: readonly string[]): Promise<Histogram> {
  const target = ['--target', `127.0.0.1:${port}`, '--duration', values.seconds];
  const child = new Child({
    command: launcher,
    args: ['load', 'smtp', ...target, ...how, '--pipeline', '--json'],
  });
  const { code } = await child.ended;
  if (code !== 0) throw new Error(`chaski load ended with ${code}: ${child.stderr}`);
  const { groups } = parseReport(child.stdout, 'chaski load');
  return Histogram.decode(groups[0]!.operations.message!.latency.histogram);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
