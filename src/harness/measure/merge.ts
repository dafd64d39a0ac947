/**
 * Adds the reports of several threads or machines: histograms exactly, counts, and series by wall time.
 *
 * Runs in:   load generator, `chaski load merge`.
 * Invariant: the merged percentiles are those of all operations together, not an average of percentiles.
 */

import { Histogram } from './histogram.ts';
import { timedReport } from './recorder.ts';
import {
  type GroupReport,
  type MarkReport,
  type OperationReport,
  type OutcomeCounts,
  outcomes,
  type RunReport,
  type SeriesSecond,
  type TimedReport,
} from './run-report.ts';
import { latencyOf } from './series.ts';

/** Groups of the same name are one group. */
export function mergeGroups(parts: readonly (readonly GroupReport[])[]): readonly GroupReport[] {
  const byName = new Map<string, GroupReport[]>();
  for (const group of parts.flat()) {
    byName.set(group.name, [...(byName.get(group.name) ?? []), group]);
  }
  return Array.from(byName.values(), mergeGroup);
}

function mergeGroup(parts: readonly GroupReport[]): GroupReport {
  const first = parts[0]!;
  if (parts.length === 1) return first;
  const sum = (of: (group: GroupReport) => number) =>
    parts.reduce((all, each) => all + of(each), 0);
  const max = (of: (group: GroupReport) => number) => Math.max(...parts.map(of));
  const clients = parts.flatMap(({ client }) => client ?? []);
  return {
    name: first.name,
    protocol: joined(parts.map(({ protocol }) => protocol)),
    ...(clients.length === 0 ? {} : { client: joined(clients) }),
    target: joined(parts.map(({ target }) => target)),
    operations: mergeRecords(
      parts.map(({ operations }) => operations),
      mergeOperations,
    ),
    copies: addCounts(parts.map(({ copies }) => copies)),
    closings: addRecords(parts.map(({ closings }) => closings)),
    connections: sum((group) => group.connections),
    bytesSent: sum((group) => group.bytesSent),
    bytesReceived: sum((group) => group.bytesReceived),
    unstarted: sum((group) => group.unstarted),
    // Of one part: while one waited another may have been served.
    gapMsMax: max((group) => group.gapMsMax),
    seconds: max((group) => group.seconds),
  };
}

function mergeOperations(parts: readonly OperationReport[]): OperationReport {
  return {
    ...addCounts(parts),
    latency: mergeTimed(parts.map(({ latency }) => latency)),
    phases: mergeRecords(
      parts.map(({ phases }) => phases),
      mergeTimed,
    ),
    replies: addRecords(parts.map(({ replies }) => replies)),
  };
}

export function mergeTimed(parts: readonly TimedReport[]): TimedReport {
  if (parts.length === 1) return parts[0]!;
  const sum = timedReport(mergeHistograms(parts.map(({ histogram }) => histogram)));
  const counted = parts.filter(({ count }) => count > 0);
  if (counted.length === 0) return sum;
  // The text form knows ends and mean to three digits only.
  const minMs = Math.min(...counted.map((part) => part.minMs));
  const maxMs = Math.max(...counted.map((part) => part.maxMs));
  const total = counted.reduce((all, { count, meanMs }) => all + count * meanMs, 0);
  const meanMs = Math.round((total / sum.count) * 1000) / 1000;
  return { ...sum, minMs, maxMs, meanMs };
}

function mergeHistograms(texts: readonly string[]): Histogram {
  const all = new Histogram();
  for (const text of texts) all.add(Histogram.decode(text));
  return all;
}

export interface SeriesPart {
  /** Wall time at which its second 0 begins. */
  readonly beganMs: number;
  readonly series: readonly SeriesSecond[];
}

/** Seconds are those of the part that began first. */
export function mergeSeries(parts: readonly SeriesPart[]): readonly SeriesSecond[] {
  const firstMs = Math.min(...parts.map(({ beganMs }) => beganMs));
  const bySecond: SeriesSecond[][] = [];
  for (const { beganMs, series } of parts) {
    const shift = Math.round((beganMs - firstMs) / 1000);
    for (const each of series) {
      while (bySecond.length <= each.second + shift) bySecond.push([]);
      bySecond[each.second + shift]!.push(each);
    }
  }
  return bySecond.map((seconds, second) => mergeSecond(second, seconds));
}

function mergeSecond(second: number, parts: readonly SeriesSecond[]): SeriesSecond {
  if (parts.length === 1) return { ...parts[0]!, second };
  const histograms = parts.flatMap(({ histogram }) => histogram ?? []);
  const maxima = parts.flatMap(({ maxMs }) => maxMs ?? []);
  const server = parts.find((part) => part.server !== undefined)?.server;
  return {
    second,
    ...addCounts(parts),
    bytesSent: parts.reduce((all, { bytesSent }) => all + bytesSent, 0),
    bytesReceived: parts.reduce((all, { bytesReceived }) => all + bytesReceived, 0),
    ...latencyOf(mergeHistograms(histograms)),
    maxMs: maxima.length === 0 ? null : Math.max(...maxima),
    ...(server === undefined ? {} : { server }),
  };
}

/** Their seconds stand in one row: two days of them are no row. */
const apartMsMax = 86_400_000;

/** Adds reports of one scenario played from several machines. */
export function mergeReports(reports: readonly RunReport[]): RunReport {
  const first = reports[0];
  if (first === undefined) throw new Error('no reports');
  const began = reports.map(({ beganAt }) => Date.parse(beganAt));
  const firstMs = Math.min(...began);
  if (!(Math.max(...began) - firstMs <= apartMsMax)) {
    throw new Error('these reports began more than a day apart: they are not of one load');
  }
  const ends = reports.map(({ seconds }, at) => (began[at]! - firstMs) / 1000 + seconds);
  // A ledger is a folder: whoever has them all counts them all at once.
  const { marks: _, recount: __, ...rest } = first;
  const marks = mergeMarks(reports.map((each, at) => [began[at]! - firstMs, each.marks ?? []]));
  return {
    ...rest,
    ...(marks.length === 0 ? {} : { marks }),
    scenario: joined(reports.map(({ scenario }) => scenario)),
    target: joined(reports.map(({ target }) => target)),
    machine: { ...first.machine, host: joined(reports.map(({ machine }) => machine.host)) },
    generator: {
      threads: reports.reduce((all, { generator }) => all + generator.threads, 0),
      cpuSeconds: reports.reduce((all, { generator }) => all + generator.cpuSeconds, 0),
    },
    beganAt: new Date(firstMs).toISOString(),
    seconds: Math.max(...ends),
    groups: mergeGroups(reports.map(({ groups }) => groups)),
    series: mergeSeries(reports.map(({ series }, at) => ({ beganMs: began[at]!, series }))),
    unstarted: reports.reduce((all, { unstarted }) => all + unstarted, 0),
    thresholds: [],
  };
}

/** In the order they happened, each in the second it has in the merged series. */
function mergeMarks(
  parts: readonly (readonly [shiftMs: number, marks: readonly MarkReport[]])[],
): readonly MarkReport[] {
  const shifted = parts.flatMap(([shiftMs, marks]) => {
    const later = (second: number) => Math.round(second * 1000 + shiftMs) / 1000;
    return marks.map(({ endSecond, ...mark }) => ({
      ...mark,
      second: later(mark.second),
      ...(endSecond === undefined ? {} : { endSecond: later(endSecond) }),
    }));
  });
  return shifted.sort((a, b) => a.second - b.second);
}

function addCounts(parts: readonly OutcomeCounts[]): OutcomeCounts {
  const sum = { ok: 0, refused: 0, unknown: 0, unsent: 0 };
  for (const part of parts) for (const name of outcomes) sum[name] += part[name];
  return sum;
}

function addRecords(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  return mergeRecords(parts, (counts) => counts.reduce((all, count) => all + count, 0));
}

function mergeRecords<T>(
  parts: readonly Readonly<Record<string, T>>[],
  merge: (values: readonly T[]) => T,
): Record<string, T> {
  const all = new Map<string, T[]>();
  for (const part of parts) {
    for (const [name, value] of Object.entries(part))
      all.set(name, [...(all.get(name) ?? []), value]);
  }
  return Object.fromEntries(Array.from(all, ([name, values]) => [name, merge(values)]));
}

function joined(names: readonly string[]): string {
  return [...new Set(names)].join(', ');
}
