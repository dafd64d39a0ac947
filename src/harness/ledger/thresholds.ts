/**
 * What a ledger's account is held against: the metrics a threshold may name, and those that stand when it names none.
 *
 * Runs in: ledger, load generator; pure.
 */

import type { ThresholdResult } from '../measure/run-report.ts';
import { isHeld, readThreshold, type Threshold } from '../measure/threshold.ts';
import { findings, type LedgerAccount } from './account.ts';

/** Of copies, but `malformed` (lines). */
export const countMetrics = [
  ...findings,
  ...(['reordered', 'bounced', 'delayed', 'unreported'] as const),
] as const;

const latencies = {
  'p50-end-to-end': 'p50Ms',
  'p90-end-to-end': 'p90Ms',
  'p99-end-to-end': 'p99Ms',
  'p99.9-end-to-end': 'p999Ms',
  'max-end-to-end': 'maxMs',
  'mean-end-to-end': 'meanMs',
} as const;

export type LatencyMetric = keyof typeof latencies;
export const latencyMetrics = Object.keys(latencies) as LatencyMetric[];

export const ledgerMetrics: readonly string[] = [...countMetrics, ...latencyMetrics];

/** Reads `lost = 0`, `p99-end-to-end < 500ms`; throws a sentence. */
export function parseLedgerThreshold(text: string): Threshold {
  const threshold = readThreshold(text, ledgerMetrics);
  if (threshold.group === undefined) return threshold;
  throw new Error(`"${text}": a ledger knows no groups: leave "${threshold.group}:" out`);
}

export function isOfLedger({ metric }: Threshold): boolean {
  return ledgerMetrics.includes(metric);
}

/** The thresholds given, and `= 0` of each finding that none of them names. */
export function completed(thresholds: readonly Threshold[]): readonly Threshold[] {
  const named = thresholds.map(({ metric }) => metric);
  const others = findings.filter((finding) => !named.includes(finding));
  return [...thresholds, ...others.map((finding) => parseLedgerThreshold(`${finding} = 0`))];
}

export function judgeLedger(threshold: Threshold, account: LedgerAccount): ThresholdResult {
  const { text, metric } = threshold;
  const value = figureOf(account, metric);
  // What never came has not been fast.
  const isEmpty = isLatency(metric) && account.endToEnd.count === 0;
  return { text, isMet: !isEmpty && isHeld(threshold, value), value };
}

function figureOf(account: LedgerAccount, metric: string): number {
  if (isLatency(metric)) return account.endToEnd[latencies[metric]];
  return account[metric as (typeof countMetrics)[number]];
}

function isLatency(metric: string): metric is LatencyMetric {
  return Object.hasOwn(latencies, metric);
}
