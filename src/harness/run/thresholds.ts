/**
 * What a run must reach: thresholds as text, judged by its report.
 *
 * Runs in: load generator; pure.
 */

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
  if (match === null || !Object.hasOwn(metrics, metric)) {
    const known = Object.keys(metrics).join(', ');
    throw new Error(`"${text}"; write as "p99 < 50ms" or "refused = 0", with one of ${known}`);
  }
  const bound = Number(number) * (unit === 's' ? 1000 : 1);
  const of = group === undefined ? {} : { group: group.trim() };
  return { text, metric, comparison, bound, ...of };
}

export function judgeThresholds(
  thresholds: readonly Threshold[],
  report: RunReport,
): readonly ThresholdResult[] {
  return thresholds.map(({ text, group, metric, comparison, bound }) => {
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
