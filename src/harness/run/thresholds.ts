/**
 * What a run must reach: thresholds as text, judged by its report.
 *
 * Runs in: load generator; pure.
 */

import { type Finding, findings } from '../ledger/account.ts';
import {
  isOfLedger,
  judgeLedger,
  ledgerMetrics,
  parseLedgerThreshold,
} from '../ledger/thresholds.ts';
import type { RunReport, ThresholdResult } from '../measure/run-report.ts';
import { isHeld, readThreshold, type Threshold } from '../measure/threshold.ts';
import { type Totals, totalsOf } from '../measure/totals.ts';

const metrics = {
  p50: ({ latency }: Totals) => latency.p50Ms,
  p90: ({ latency }: Totals) => latency.p90Ms,
  p99: ({ latency }: Totals) => latency.p99Ms,
  'p99.9': ({ latency }: Totals) => latency.p999Ms,
  max: ({ latency }: Totals) => latency.maxMs,
  mean: ({ latency }: Totals) => latency.meanMs,
  gap: ({ gapMsMax }: Totals) => gapMsMax,
  rate: ({ okPerSecond }: Totals) => okPerSecond,
  ok: ({ ok }: Totals) => ok,
  refused: ({ refused }: Totals) => refused,
  unknown: ({ unknown }: Totals) => unknown,
  unsent: ({ unsent }: Totals) => unsent,
  unstarted: ({ unstarted }: Totals) => unstarted,
} as const;

const runMetrics = Object.keys(metrics);

/** Reads `p99 < 50ms`, `refused = 0`, `inbox: rate >= 190/s`, and what a ledger is held against; throws a sentence. */
export function parseThreshold(text: string): Threshold {
  const threshold = readThreshold(text, [...runMetrics, ...ledgerMetrics]);
  return isOfLedger(threshold) ? parseLedgerThreshold(text) : threshold;
}

function uncounted(text: string): string {
  return `threshold "${text}": no ledger is counted after the run; say "ledger" and "recount"`;
}

/** Before a run of an hour, not after it: @throws a sentence where one cannot be judged. */
export function checkThresholds(thresholds: readonly Threshold[], isCounted: boolean): void {
  const finding = thresholds.find(isOfLedger);
  if (finding !== undefined && !isCounted) throw new Error(uncounted(finding.text));
}

/** Sentences about what a ledger has found and no threshold speaks of. */
export function unjudgedFindings(
  thresholds: readonly Threshold[],
  account: Readonly<Record<Finding, number>>,
): readonly string[] {
  return findings
    .filter((finding) => account[finding] > 0)
    .filter((finding) => thresholds.every(({ metric }) => metric !== finding))
    .map((finding) => `${finding}: ${account[finding]}`);
}

export function judgeThresholds(
  thresholds: readonly Threshold[],
  report: RunReport,
): readonly ThresholdResult[] {
  return thresholds.map((threshold) => {
    const { text, group, metric } = threshold;
    if (isOfLedger(threshold)) {
      if (report.recount === undefined) throw new Error(uncounted(text));
      return judgeLedger(threshold, report.recount.account);
    }
    const groups = report.groups.filter(({ name }) => group === undefined || name === group);
    if (groups.length === 0) return { text, isMet: false, value: 0 };
    const unstarted = groups.reduce((sum, each) => sum + each.unstarted, 0);
    // A group's rate is over its own time, not over that of one that went on longer.
    const seconds =
      group === undefined ? report.seconds : Math.max(...groups.map((each) => each.seconds));
    const totals = totalsOf({ ...report, groups, unstarted, seconds });
    const value = metrics[metric as keyof typeof metrics](totals);
    // What has no latency at all has not been fast.
    const isEmpty = totals.latency.count === 0 && metric !== 'ok';
    return { text, isMet: !isEmpty && isHeld(threshold, value), value };
  });
}
