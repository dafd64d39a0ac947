/**
 * The report of a whole run, made of its threads' shares and of what stood beside them.
 *
 * Runs in: load generator, main thread.
 */

import { cpus, hostname, release } from 'node:os';
import type { Counted } from '../ledger/recount.ts';
import { mergeGroups, mergeSeries } from '../measure/merge.ts';
import {
  type MarkReport,
  type RecountReport,
  type RunReport,
  reportFormat,
  reportVersion,
} from '../measure/run-report.ts';
import type { ServerWatch } from '../observe/server-watch.ts';
import type { RunPlan } from './run-plan.ts';
import type { ShareReport } from './share-run.ts';
import { judgeThresholds, unjudgedFindings } from './thresholds.ts';

export interface Played {
  readonly shares: readonly ShareReport[];
  readonly cpuSeconds: number;
  readonly watch: ServerWatch | undefined;
  readonly marks: readonly MarkReport[];
  readonly counted: Counted | undefined;
}

export function finalReport(plan: RunPlan, played: Played): RunReport {
  const { scenario, seed, threads, groups: plans, thresholds } = plan;
  const { shares, cpuSeconds, watch, marks, counted } = played;
  const groups = mergeGroups(shares.map(({ groups: each }) => each));
  const beganMs = Math.min(...shares.map((share) => share.beganMs));
  const series = mergeSeries(shares);
  const targets = new Set(plans.map(({ target }) => `${target.host}:${target.port}`));
  const report: RunReport = {
    format: reportFormat,
    version: reportVersion,
    ...{ scenario, seed, target: [...targets].join(', ') },
    machine: {
      host: hostname(),
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      kernel: release(),
      runtime: `Node ${process.version}`,
    },
    generator: { threads, cpuSeconds },
    beganAt: new Date(beganMs).toISOString(),
    seconds: Math.max(0, ...groups.map(({ seconds }) => seconds)),
    groups,
    series: watch?.within(beganMs, series) ?? series,
    unstarted: groups.reduce((all, { unstarted }) => all + unstarted, 0),
    thresholds: [],
    ...(marks.length === 0 ? {} : { marks }),
    ...(counted === undefined ? {} : { recount: recountReport(plan, counted) }),
  };
  return { ...report, thresholds: judgeThresholds(thresholds, report) };
}

function recountReport({ thresholds }: RunPlan, counted: Counted): RecountReport {
  const { account, waitedSeconds, problem } = counted;
  const faults = unjudgedFindings(thresholds, account);
  if (problem === undefined) return { account, waitedSeconds, faults };
  const sentence = `the ledger could not be read to its end: ${problem}`;
  return { account, waitedSeconds, faults: [...faults, sentence] };
}
