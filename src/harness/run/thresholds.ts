/**
 * What a run must reach: thresholds as text, judged by its report.
 *
 * Runs in: load generator; pure.
 */

import { type Finding, findings } from '../ledger/ledger-join.ts';
import type { RunReport, ThresholdResult } from '../measure/run-report.ts';
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

const comparisons: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '=': (value, bound) => value === bound,
  '>=': (value, bound) => value >= bound,
  '>': (value, bound) => value > bound,
};

const pattern =
  /^(?:([^:<>=]+): *)?([a-z][a-z0-9.]*) *(<=|>=|<|>|=) *(\d+(?:\.\d+)?) *(ms|s|\/s)?$/;

/** Plain data; `group` absent: of all groups together. */
export interface Threshold {
  readonly text: string;
  readonly group?: string;
  readonly metric: string;
  readonly comparison: string;
  readonly bound: number;
}

/** Reads `p99 < 50ms`, `refused = 0`, `inbox: rate >= 190/s`; throws a sentence. */
export function parseThreshold(text: string): Threshold {
  const match = pattern.exec(text.trim());
  const [, group, metric = '', comparison = '', number, unit] = match ?? [];
  if (match === null || !(Object.hasOwn(metrics, metric) || isFinding(metric))) {
    const known = [...Object.keys(metrics), ...findings].join(', ');
    throw new Error(`"${text}"; write as "p99 < 50ms" or "refused = 0", with one of ${known}`);
  }
  const bound = Number(number) * (unit === 's' ? 1000 : 1);
  if (group !== undefined && isFinding(metric)) {
    throw new Error(`"${text}"; a ledger knows no groups: leave "${group}:" out`);
  }
  const of = group === undefined ? {} : { group: group.trim() };
  return { text, metric, comparison, bound, ...of };
}

function isFinding(metric: string): metric is Finding {
  return findings.some((each) => each === metric);
}

function uncounted(text: string): string {
  return `threshold "${text}": no ledger is counted after the run; say "ledger" and "recount"`;
}

/** Before a run of an hour, not after it: @throws a sentence where one cannot be judged. */
export function checkThresholds(thresholds: readonly Threshold[], isCounted: boolean): void {
  const finding = thresholds.find(({ metric }) => isFinding(metric));
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
  return thresholds.map(({ text, group, metric, comparison, bound }) => {
    if (isFinding(metric)) {
      const value = report.recount?.account[metric];
      if (value === undefined) throw new Error(uncounted(text));
      return { text, isMet: comparisons[comparison]!(value, bound), value };
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
    return { text, isMet: !isEmpty && comparisons[comparison]!(value, bound), value };
  });
}
