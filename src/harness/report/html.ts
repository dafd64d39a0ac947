/**
 * A report as one HTML page: charts, tables and the report itself, without scripts and without the network.
 *
 * Runs in:   reports; pure.
 * Invariant: what servers and scenarios say is text on the page, never markup.
 */

import { Histogram } from '../measure/histogram.ts';
import type { RunReport } from '../measure/run-report.ts';
import { type ChartOptions, chart, escaped, type Line, type Mark } from './chart.ts';
import { count, ms, perSecond } from './figures.ts';
import { style } from './html-style.ts';
import { overTime, serverCharts } from './server-charts.ts';
import {
  factsOf,
  latencyCells,
  latencyColumns,
  ledgerFacts,
  markSpan,
  type OperationRow,
  rowsOf,
  troublesOf,
} from './summary.ts';

const linesMax = 4;
const percentiles = [
  ...Array.from({ length: 91 }, (_, i) => i),
  ...[92, 94, 95, 96, 97, 98, 99, 99.3, 99.6, 99.9, 99.95, 99.99, 99.995, 99.999],
] as const;

export function renderHtml(run: RunReport): string {
  const title = `Load: ${run.scenario}`;
  const marks = marksOf(run);
  const holds = [0, run.series.length - 1];
  const marked = ({ x, ...options }: ChartOptions): ChartOptions => ({
    ...{ ...options, x: { ...x, holds }, marks },
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
${verdict(run)}
<dl>${factsOf(run)
    .map(([name, value]) => `<div><dt>${name}</dt><dd>${escaped(value)}</dd></div>`)
    .join('')}</dl>
<section class="charts">
${chart(byPercentile(run))}
${chart(marked(throughput(run)))}
${chart(marked(latencyOverTime(run)))}
${troublesOf(run).length === 0 ? '' : chart(marked(failures(run)))}
${serverCharts(run)
  .map((each) => chart(marked(each)))
  .join('\n')}
</section>
<h2>Latency</h2>
<p>From the intended start of each operation: what a stalled server made wait counts in full.</p>
${operations(rowsOf(run))}
${replies(run)}
${thresholds(run)}
${troubleTable(run)}
${ledgerTable(run)}
<details><summary>The report as JSON</summary><pre>${json(run)}</pre></details>
</main>
</body>
</html>
`;
}

function verdict(run: RunReport): string {
  const troubles = troublesOf(run);
  if (troubles.length === 0) return '<p class="verdict good">All was well.</p>';
  return `<ul class="verdict bad">${troubles.map((each) => `<li>${escaped(each)}</li>`).join('')}</ul>`;
}

function byPercentile(run: RunReport) {
  const whole = rowsOf(run).filter(
    ({ phase, latency }) => phase === undefined && latency.count > 0,
  );
  const lines = whole.slice(0, linesMax).map(({ group, operation, report }, i): Line => {
    const histogram = Histogram.decode(report.latency.histogram);
    // Above this an average of less than one operation would speak.
    const highest = 100 * (1 - 1 / (histogram.count + 1));
    const points = percentiles
      .filter((percentile) => percentile <= highest)
      .map((percentile) => [percentile, histogram.percentileMs(percentile)] as const);
    return { name: `${group.name} ${operation}`, style: `line-${i + 1}`, points };
  });
  return {
    title: 'Latency by percentile',
    x: {
      title: 'percentile',
      ticks: [0, 50, 90, 99, 99.9, 99.99, 99.999],
      write: (value: number) => `${value}`,
      place: (value: number) => -Math.log10(1 - value / 100.001),
    },
    y: { title: 'ms', write: ms },
    lines,
  };
}

function throughput({ series }: RunReport) {
  const points = series.map(({ second, ok }) => [second, ok] as const);
  return {
    title: 'Throughput',
    x: overTime,
    y: { title: 'operations ok a second', write: perSecond },
    lines: [{ name: 'ok', style: 'line-1', points }],
  };
}

function latencyOverTime({ series }: RunReport) {
  const line = (name: string, style: string, key: 'p50Ms' | 'p99Ms' | 'maxMs'): Line => ({
    name,
    style,
    points: series.flatMap((each) =>
      each[key] === null ? [] : [[each.second, each[key]] as const],
    ),
  });
  return {
    title: 'Latency over time',
    x: overTime,
    y: { title: 'by the second of the intended start', write: ms },
    lines: [
      line('max', 'line-4', 'maxMs'),
      line('p99', 'line-2', 'p99Ms'),
      line('p50', 'line-1', 'p50Ms'),
    ],
  };
}

function failures({ series }: RunReport) {
  const line = (name: 'refused' | 'unknown' | 'unsent', style: string): Line => ({
    name,
    style,
    points: series.some((each) => each[name] > 0)
      ? series.map((each) => [each.second, each[name]] as const)
      : [],
  });
  return {
    title: 'Refused, unknown, unsent',
    x: overTime,
    y: { title: 'operations a second', write: count },
    lines: [line('refused', 'line-4'), line('unknown', 'line-3'), line('unsent', 'line-2')],
  };
}

function operations(rows: readonly OperationRow[]): string {
  const body = rows.map(({ group, operation, phase, latency }) => {
    const names = phase === undefined ? [group.name, operation] : ['', `· ${phase}`];
    const cells = latencyCells(latency).map((each) => `<td class="number">${each}</td>`);
    const kind = phase === undefined ? 'whole' : 'phase';
    return `<tr class="${kind}">${names.map((each) => `<td>${escaped(each)}</td>`).join('')}${cells.join('')}</tr>`;
  });
  return table(['group', 'operation', ...latencyColumns], body);
}

function replies(run: RunReport): string {
  const rows = rowsOf(run)
    .filter(({ phase }) => phase === undefined)
    .flatMap(({ group, operation, report }) =>
      Object.entries(report.replies).map(
        ([text, times]) =>
          `<tr><td>${escaped(group.name)}</td><td>${escaped(operation)}</td><td><code>${escaped(text)}</code></td><td class="number">${count(times)}</td></tr>`,
      ),
    );
  return rows.length === 0
    ? ''
    : `<h2>Replies</h2>${table(['group', 'operation', 'reply', 'times'], rows)}`;
}

function thresholds(run: RunReport): string {
  const rows = run.thresholds.map(
    ({ text, value, isMet }) =>
      `<tr><td>${escaped(text)}</td><td class="number">${value}</td><td class="${isMet ? 'good' : 'bad'}">${isMet ? 'met' : 'not met'}</td></tr>`,
  );
  return rows.length === 0 ? '' : `<h2>Thresholds</h2>${table(['threshold', 'value', ''], rows)}`;
}

function marksOf({ marks = [] }: RunReport): readonly Mark[] {
  return marks.map(({ second, endSecond, text }) => ({
    at: second,
    ...(endSecond === undefined ? {} : { until: endSecond }),
    text: `${second} s: ${text}`,
  }));
}

function troubleTable({ marks = [] }: RunReport): string {
  const rows = marks.map(
    ({ second, endSecond, text, isDone }) =>
      `<tr><td>${markSpan(second, endSecond)}</td><td>${escaped(text)}</td><td>${isDone ? 'done' : 'not done'}</td></tr>`,
  );
  return rows.length === 0 ? '' : `<h2>Trouble</h2>${table(['at', 'step', ''], rows)}`;
}

function ledgerTable({ recount }: RunReport): string {
  if (recount === undefined) return '';
  const rows = ledgerFacts(recount).map(
    ([name, value]) => `<tr><td>${name}</td><td class="number">${value}</td></tr>`,
  );
  const after = `<p>Counted ${recount.waitedSeconds} s after the run.</p>`;
  return `<h2>Ledger</h2>${after}${table(['copies', 'number'], rows)}`;
}

function table(columns: readonly string[], rows: readonly string[]): string {
  const head = columns.map((each) => `<th>${each}</th>`).join('');
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}

/** Histograms are for programs, and a hundred times as long as all else. */
function json(run: RunReport): string {
  const leaveOut = (key: string, value: unknown) => (key === 'histogram' ? undefined : value);
  return escaped(JSON.stringify(run, leaveOut, 1));
}
