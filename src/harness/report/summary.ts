/**
 * What every form of a report says first: the run in a few lines, and one row for each operation and phase.
 *
 * Runs in: reports; pure.
 */

import { findings } from '../ledger/account.ts';
import type { LatencySummary } from '../measure/histogram.ts';
import type {
  GroupReport,
  OperationReport,
  RecountReport,
  RunReport,
} from '../measure/run-report.ts';
import { totalsOf } from '../measure/totals.ts';
import { bytes, count, ms, perSecond, seconds } from './figures.ts';

export interface OperationRow {
  readonly group: GroupReport;
  readonly operation: string;
  /** Absent: the whole operation. */
  readonly phase?: string;
  readonly report: OperationReport;
  readonly latency: LatencySummary;
}

export function rowsOf({ groups }: RunReport): readonly OperationRow[] {
  return groups.flatMap((group) =>
    Object.entries(group.operations).flatMap(([operation, report]) => {
      const whole: OperationRow = { group, operation, report, latency: report.latency };
      const phases = Object.entries(report.phases)
        .filter(([, latency]) => latency.count > 0)
        .map(([phase, latency]): OperationRow => ({ group, operation, phase, report, latency }));
      return [whole, ...phases];
    }),
  );
}

export function factsOf(run: RunReport): readonly (readonly [name: string, value: string])[] {
  const { machine, generator, groups } = run;
  const { ok, okPerSecond } = totalsOf(run);
  const sent = sum(groups, ({ bytesSent }) => bytesSent);
  const received = sum(groups, ({ bytesReceived }) => bytesReceived);
  const clients = groups.flatMap(({ name, client }) =>
    client === undefined ? [] : [groups.length === 1 ? client : `${name} by ${client}`],
  );
  return [
    ['target', run.target],
    ...(clients.length === 0 ? [] : ([['sent by', clients.join(', ')]] as const)),
    ['began', `${run.beganAt}, for ${seconds(run.seconds)}`],
    ['operations ok', `${count(ok)}, ${perSecond(okPerSecond)}`],
    ['bytes', `${bytes(sent)} sent, ${bytes(received)} received`],
    [
      'generator',
      `${generator.threads} ${generator.threads === 1 ? 'thread' : 'threads'}, ${seconds(generator.cpuSeconds)} of CPU`,
    ],
    ['machine', `${machine.host}: ${machine.cpu}, ${machine.cores} cores, ${machine.kernel}`],
    ['seed', `${run.seed}`],
  ];
}

/** Sentences about what went wrong; none is the good answer. */
export function troublesOf(run: RunReport): readonly string[] {
  const troubles = run.thresholds
    .filter(({ isMet }) => !isMet)
    .map(({ text, value }) => `not met: ${text} (it was ${value})`);
  for (const fault of run.recount?.faults ?? []) troubles.push(`ledger: ${fault}`);
  for (const { group, operation, phase, report } of rowsOf(run)) {
    if (phase !== undefined) continue;
    for (const outcome of ['refused', 'unknown', 'unsent'] as const) {
      if (report[outcome] > 0) {
        troubles.push(`${group.name}, ${operation}: ${count(report[outcome])} ${outcome}`);
      }
    }
  }
  if (run.unstarted > 0) troubles.push(`${count(run.unstarted)} were due and never started`);
  return troubles;
}

/** What the ledger says, in the order of its account. */
export function ledgerFacts({ account }: RecountReport): readonly (readonly [string, string])[] {
  const names = [
    ...(['acknowledged', 'refused', 'unknown', 'unknownArrived', 'arrived', 'bounced'] as const),
    ...findings,
  ];
  return names.map((name) => [
    name === 'unknownArrived' ? 'unknown and arrived' : name,
    count(account[name]),
  ]);
}

export function markSpan(second: number, endSecond: number | undefined): string {
  return endSecond === undefined ? `${second} s` : `${second} s to ${endSecond} s`;
}

/** The columns of a row that are latencies. */
export function latencyCells(latency: LatencySummary): readonly string[] {
  const { meanMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = latency;
  const times = [meanMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs];
  return [count(latency.count), ...times.map((each) => ms(latency.count === 0 ? undefined : each))];
}

export const latencyColumns = ['count', 'mean', 'p50', 'p90', 'p99', 'p99.9', 'max'] as const;

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((all, item) => all + of(item), 0);
}
