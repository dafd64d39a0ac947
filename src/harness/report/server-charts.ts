/**
 * What the server used and told of itself, second by second, beside what its clients saw.
 *
 * Runs in: reports; pure.
 */

import type { RunReport, SeriesSecond } from '../measure/run-report.ts';
import type { Axis, ChartOptions } from './chart.ts';
import { bytes } from './figures.ts';

export const overTime: Axis = {
  title: 'seconds since the run began',
  write: (value) => `${value}`,
  isTight: true,
};

/** Names by which Prometheus knows what only ever grows. */
const counterPattern = /_(total|count|sum|bucket)(\{.*)?$/;

type Points = readonly (readonly [second: number, value: number])[];

export function serverCharts({ series }: RunReport): readonly ChartOptions[] {
  const cpu = pointsOf(series, ({ server }) => server?.cpuSeconds);
  const memory = pointsOf(series, ({ server }) => server?.rssBytes);
  const names = new Set(series.flatMap(({ server }) => Object.keys(server?.metrics ?? {})));
  const charts: ChartOptions[] = [];
  if (cpu.length > 1) {
    charts.push({
      title: 'CPU of the server',
      x: overTime,
      y: { title: 'cores in use', write: (value) => value.toFixed(2) },
      // A child that ended and was not waited for takes its time with it.
      lines: [{ name: 'cores', style: 'line-3', points: growth(cpu, 0) }],
    });
  }
  if (memory.length > 1) {
    charts.push({
      title: 'Memory of the server',
      x: overTime,
      y: { title: 'resident', write: bytes },
      lines: [{ name: 'RSS', style: 'line-2', points: memory }],
    });
  }
  for (const name of names) {
    charts.push(
      metricChart(
        name,
        pointsOf(series, ({ server }) => server?.metrics?.[name]),
      ),
    );
  }
  return charts;
}

function metricChart(name: string, points: Points): ChartOptions {
  const isCounter = counterPattern.test(name);
  return {
    title: name,
    x: overTime,
    y: { title: isCounter ? 'told by the server, a second' : 'told by the server', write: short },
    lines: [{ name: 'server', style: 'line-1', points: isCounter ? growth(points) : points }],
  };
}

function pointsOf(
  series: readonly SeriesSecond[],
  of: (second: SeriesSecond) => number | undefined,
): Points {
  return series.flatMap((each) => {
    const value = of(each);
    return value === undefined ? [] : [[each.second, value] as const];
  });
}

/** A second, of what only grows; a counter that is lower than before began anew at 0. */
function growth(points: Points, whereLower?: number): Points {
  return points.slice(1).map(([second, value], i) => {
    const [before, last] = points[i]!;
    const grown = value < last ? (whereLower ?? value) : value - last;
    return [second, grown / (second - before)] as const;
  });
}

function short(value: number): string {
  return Number(value.toPrecision(4)).toLocaleString('en-US', { maximumSignificantDigits: 4 });
}
