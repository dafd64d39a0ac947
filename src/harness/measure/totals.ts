/**
 * A report in a few numbers: what the terminal says at the end, and what benches and crash runs compare.
 *
 * Runs in: load generator, benches, crash runs; pure.
 */

import type { LatencySummary } from './histogram.ts';
import { mergeGroups, mergeTimed } from './merge.ts';
import { sessionOperation } from './recorder.ts';
import type { RunReport, TimedReport } from './run-report.ts';

export interface Totals {
  readonly seconds: number;
  /** Operations (for mail: messages with at least one recipient acknowledged). */
  readonly ok: number;
  readonly okPerSecond: number;
  readonly refused: number;
  readonly unknown: number;
  readonly unsent: number;
  readonly unstarted: number;
  readonly connections: number;
  readonly gapMsMax: number;
  readonly latency: LatencySummary;
  /** Mail: the same for each recipient of each message. */
  readonly copies: RunReport['groups'][number]['copies'];
  readonly replies: Readonly<Record<string, number>>;
  readonly closings: Readonly<Record<string, number>>;
}

/** Of all groups together. */
export function totalsOf(report: RunReport): Totals {
  const [all] = mergeGroups([report.groups.map((group) => ({ ...group, name: 'all' }))]);
  if (all === undefined) throw new Error('a report without groups');
  const entries = Object.entries(all.operations).filter(([name]) => name !== sessionOperation);
  const operations = entries.map(([, operation]) => operation);
  const sum = (name: 'ok' | 'refused' | 'unknown' | 'unsent') =>
    operations.reduce((count, operation) => count + operation[name], 0);
  const replies: Record<string, number> = {};
  for (const operation of operations) {
    for (const [text, count] of Object.entries(operation.replies)) {
      replies[text] = (replies[text] ?? 0) + count;
    }
  }
  const ok = sum('ok');
  return {
    seconds: report.seconds,
    ok,
    okPerSecond: report.seconds > 0 ? Math.round((ok / report.seconds) * 10) / 10 : 0,
    ...{ refused: sum('refused'), unknown: sum('unknown'), unsent: sum('unsent') },
    unstarted: report.unstarted,
    connections: all.connections,
    gapMsMax: all.gapMsMax,
    latency: withoutHistogram(mergeTimed(operations.map(({ latency }) => latency))),
    copies: all.copies,
    replies,
    closings: all.closings,
  };
}

/** Something was done, and all that was due was done for every recipient. */
export function isWithoutLoss(report: RunReport): boolean {
  const { ok, refused, unknown, unsent, unstarted, copies } = totalsOf(report);
  const faults = refused + unknown + unsent + unstarted;
  return ok > 0 && faults + copies.refused + copies.unknown + copies.unsent === 0;
}

/**
 * Its thresholds are met and its ledger is right. Where it has neither, nothing was lost: what trouble interrupts is
 * unknown to the load, and only a ledger knows its fate.
 */
export function isGood(report: RunReport): boolean {
  const { thresholds, recount } = report;
  if (thresholds.length === 0 && recount === undefined) return isWithoutLoss(report);
  return thresholds.every(({ isMet }) => isMet) && (recount?.faults.length ?? 0) === 0;
}

function withoutHistogram({ histogram: _, ...summary }: TimedReport): LatencySummary {
  return summary;
}
