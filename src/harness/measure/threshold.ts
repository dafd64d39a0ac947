/**
 * How a threshold is written and held against a value: `p99 < 50ms`, `lost = 0`.
 *
 * Runs in: load generator, ledger; pure.
 */

const comparisons: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '=': (value, bound) => value === bound,
  '>=': (value, bound) => value >= bound,
  '>': (value, bound) => value > bound,
};

const pattern =
  /^(?:([^:<>=]+): *)?([a-z][a-z0-9.-]*) *(<=|>=|<|>|=) *(\d+(?:\.\d+)?) *(ms|s|\/s)?$/;

/** Plain data; `group` absent: of all groups together. */
export interface Threshold {
  readonly text: string;
  readonly group?: string;
  readonly metric: string;
  readonly comparison: string;
  readonly bound: number;
}

/** Reads `p99 < 50ms`, `refused = 0`, `inbox: rate >= 190/s`; throws a sentence. */
export function readThreshold(text: string, metrics: readonly string[]): Threshold {
  const match = pattern.exec(text.trim());
  const [, group, metric = '', comparison = '', number, unit] = match ?? [];
  if (match === null || !metrics.includes(metric)) {
    throw new Error(
      `"${text}"; write as "p99 < 50ms" or "refused = 0", with one of ${metrics.join(', ')}`,
    );
  }
  const bound = Number(number) * (unit === 's' ? 1000 : 1);
  const of = group === undefined ? {} : { group: group.trim() };
  return { text, metric, comparison, bound, ...of };
}

export function isHeld({ comparison, bound }: Threshold, value: number): boolean {
  return comparisons[comparison]!(value, bound);
}
