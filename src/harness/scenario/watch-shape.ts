/**
 * What a scenario, or a command line, says of the server to watch.
 *
 * Runs in: load generator.
 */

import { list, optional, record, suited, text } from '../fields.ts';
import { isMetricName, type MetricsPlan, namesCountMax } from '../observe/metrics-source.ts';
import { isProcessName, processWants } from '../observe/process-ids.ts';
import type { WatchPlan } from '../observe/server-watch.ts';

const processes = suited(text(processWants), isProcessName);
const url = suited(
  text('a URL as http://HOST:PORT/metrics'),
  (given) => /^https?:\/\//.test(given) && URL.canParse(given),
);
const name = suited(text('a series as name or name{label="value"}'), isMetricName);

export const watchShape = {
  watch: optional(processes),
  metrics: optional(record({ url, names: list(name, namesCountMax) })),
};

interface WatchValues {
  readonly watch: string | undefined;
  readonly metrics: MetricsPlan | undefined;
}

export function watchPlan({ watch, metrics }: WatchValues): { readonly watch?: WatchPlan } {
  if (watch === undefined && metrics === undefined) return {};
  return {
    watch: {
      ...(watch === undefined ? {} : { processes: watch }),
      ...(metrics === undefined ? {} : { metrics }),
    },
  };
}
