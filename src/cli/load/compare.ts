/**
 * `chaski load compare`: one load against several servers in turn, round by round.
 *
 * Runs in: load generator. Exit code: 0 every round of every server was without loss, 1 not so.
 */

import { parseHostPort } from '../../harness/addresses.ts';
import type { RunReport } from '../../harness/measure/run-report.ts';
import type { Spread } from '../../harness/measure/spread.ts';
import { isWithoutLoss, totalsOf } from '../../harness/measure/totals.ts';
import { type Comparison, compare, turnOrder } from '../../harness/run/compare.ts';
import type { LoadRun } from '../../harness/run/load-run.ts';
import type { RunPlan } from '../../harness/run/run-plan.ts';
import { numberOr } from './numbers.ts';
import type { LoadValues } from './usage.ts';

const roundsDefault = 5;

interface Server {
  readonly name: string;
  readonly plan: RunPlan;
  readonly rounds: RunReport[];
}

/** `servers` are written as NAME=HOST:PORT; the first is the one the others are measured against. */
export async function compareServers(
  plan: RunPlan,
  servers: readonly string[],
  values: LoadValues,
  create: (plan: RunPlan) => LoadRun,
): Promise<number> {
  if (servers.length < 2) throw new Error('compare wants --against NAME=HOST:PORT at least twice');
  for (const { arrivals, durationMs, countMax } of plan.groups) {
    if (arrivals === undefined && Math.min(durationMs, countMax) === Infinity) {
      throw new Error('compare wants a load that ends: write --duration or --count');
    }
  }
  const compared = servers.map((text) => serverOf(plan, text));
  const rounds = numberOr('rounds', values.rounds, roundsDefault);
  for (let round = 0; round < rounds; round++) {
    for (const server of turnOrder(compared, round)) {
      const report = await create(server.plan).run();
      server.rounds.push(report);
      const { okPerSecond, latency } = totalsOf(report);
      process.stderr.write(
        `round ${round + 1} ${server.name}: ${okPerSecond}/s, p99 ${latency.p99Ms} ms\n`,
      );
    }
  }
  const found = compare(compared);
  process.stdout.write(values.json === true ? `${JSON.stringify(found)}\n` : describe(found));
  return compared.every((each) => each.rounds.every(isWithoutLoss)) ? 0 : 1;
}

function serverOf(plan: RunPlan, text: string): Server {
  const [, name, address] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined) throw new Error(`--against "${text}": write NAME=HOST:PORT`);
  const target = parseHostPort(address!);
  const groups = plan.groups.map((group) => ({ ...group, target }));
  return { name, plan: { ...plan, groups }, rounds: [] };
}

function describe(all: readonly Comparison[]): string {
  const rows = [
    ['server', 'per second', 'times the first', 'p50 ms', 'p99 ms', 'p99, times the first'],
    ...all.map(({ name, perSecond, rateRatio, p50Ms, p99Ms, p99Ratio }) => [
      name,
      ...[perSecond, rateRatio, p50Ms, p99Ms, p99Ratio].map(spreadText),
    ]),
  ];
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const lines = rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at]!)).join('  '));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

/** The median, and between what the rounds lay. */
function spreadText({ median, min, max }: Spread): string {
  return `${digits(median)} (${digits(min)}–${digits(max)})`;
}

function digits(value: number): string {
  // Of a server that did nothing there is no ratio.
  if (!Number.isFinite(value)) return '–';
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
