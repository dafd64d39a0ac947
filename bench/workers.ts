/**
 * `node bench/workers.ts`: the same server with one thread that owns shards and with two, in turn.
 *
 * Runs in:   a process of its own.
 * Invariant: both are up all the time and idle while the other is measured; the order turns.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ratios, type Spread, spread } from '../src/harness/measure/spread.ts';
import { measure, readDelivery, startOwn } from './lmtp/delivery.ts';
import { describeMachine, machineLine } from './machine.ts';
import { cells, type Row } from './relay/cells.ts';
import { readLoad } from './relay/drivers.ts';
import { makeWork, Rig } from './relay/rig.ts';
import type { ServerUnderTest } from './servers/server.ts';

const workers = [1, 2] as const;
const relayCells = ['1kB/20', '1kB/100'] as const;
const warmUpMessages = 8_000;

/** One side of a comparison: a server, and how it is measured. */
interface Side {
  measure(messages: number): Promise<Result>;
  stop(): Promise<void>;
}

interface Result {
  readonly messagesPerSecond: number;
  readonly cpuSecondsPer1000: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    work: { type: 'string', default: tmpdir() },
  },
});

const machine = describeMachine('no peer');
const work = makeWork(values.work);
try {
  const lines: string[] = [];
  for (const name of relayCells) {
    const load = await readLoad(cells.find((each) => each.name === name)!.scenario);
    const sides = await startBoth(async (count) => {
      const rig = await Rig.start(rowOf(count), work);
      return { measure: (messages) => rig.measure({ ...load, messages }), stop: () => rig.stop() };
    });
    lines.push(await compare(`relay ${name}`, sides, load.messages));
  }
  const delivery = await readDelivery('lmtp-3kB');
  const accounts = await startBoth(async (count) => {
    const folder = mkdtempSync(join(work, 'server-'));
    const server: ServerUnderTest = await startOwn(rowOf(count).name, folder, environmentOf(count));
    return {
      measure: (messages) => measure(server, delivery, messages),
      stop: () => server.stop(),
    };
  });
  lines.push(await compare('LMTP 3kB/10', accounts, delivery.messages));
  const head = [
    '| load | 1 worker: messages/s | CPU s/1000 | 2 workers: messages/s | CPU s/1000 | rate 2 : 1 | CPU 2 : 1 |',
    '|---|---|---|---|---|---|---|',
  ];
  process.stdout.write(`${machineLine(machine)}\n\n${[...head, ...lines].join('\n')}\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

function environmentOf(count: number) {
  return { CHASKI_WORKERS: `${count}` };
}

function rowOf(count: number): Row {
  return { name: `${count} workers`, kind: 'chaski', environment: environmentOf(count) };
}

async function startBoth(start: (count: number) => Promise<Side>): Promise<readonly Side[]> {
  const sides: Side[] = [];
  for (const count of workers) sides.push(await start(count));
  return sides;
}

async function compare(name: string, sides: readonly Side[], messages: number): Promise<string> {
  const results: readonly Result[][] = sides.map(() => []);
  try {
    for (const side of sides) await side.measure(warmUpMessages);
    for (let round = 0; round < Number(values.rounds); round++) {
      for (let i = 0; i < sides.length; i++) {
        const at = (i + round) % sides.length;
        const result = await sides[at]!.measure(messages);
        results[at]!.push(result);
        const { messagesPerSecond, cpuSecondsPer1000 } = result;
        process.stderr.write(
          `${name} round ${round + 1}, ${workers[at]} workers: ${messagesPerSecond.toFixed(0)}/s, ` +
            `${cpuSecondsPer1000.toFixed(3)} CPU s/1000\n`,
        );
      }
    }
  } finally {
    for (const side of sides) await side.stop();
  }
  const figures = (pick: (result: Result) => number) => results.map((side) => side.map(pick));
  const rates = figures((result) => result.messagesPerSecond);
  const cpu = figures((result) => result.cpuSecondsPer1000);
  const columns = [
    ...[range(spread(rates[0]!), 0), range(spread(cpu[0]!), 3)],
    ...[range(spread(rates[1]!), 0), range(spread(cpu[1]!), 3)],
    ...[range(spread(ratios(rates[1]!, rates[0]!)), 2), range(spread(ratios(cpu[1]!, cpu[0]!)), 2)],
  ];
  return `| ${name} | ${columns.join(' | ')} |`;
}

function range(figures: Spread, digits: number): string {
  const { median, min, max } = figures;
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}
