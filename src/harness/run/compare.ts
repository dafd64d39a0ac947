/**
 * Compares what several servers did with the same scenario, round by round: noise that all met in a round cancels out.
 *
 * Runs in: load generator, benches; pure.
 */

import type { RunReport } from '../measure/run-report.ts';
import { type Spread, spread } from '../measure/spread.ts';
import { totalsOf } from '../measure/totals.ts';

/** One server's reports, one a round, in the order of the rounds. */
export interface Compared {
  readonly name: string;
  readonly rounds: readonly RunReport[];
}

export interface Comparison {
  readonly name: string;
  readonly perSecond: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  /** Times as much as the first server, in the same round. */
  readonly rateRatio: Spread;
  /** Times as long as the first server, in the same round. */
  readonly p99Ratio: Spread;
  /** Where the server was watched. */
  readonly cpuMsPerOperation?: Spread;
}

/** Whose turn it is: each server is first as often as any other. */
export function turnOrder<T>(servers: readonly T[], round: number): readonly T[] {
  const first = round % servers.length;
  return [...servers.slice(first), ...servers.slice(0, first)];
}

/** The first server is the one that the others are measured against. */
export function compare(servers: readonly Compared[]): readonly Comparison[] {
  const [base] = servers;
  if (base === undefined) return [];
  const baseFigures = base.rounds.map(figuresOf);
  return servers.map(({ name, rounds }) => {
    const figures = rounds.map(figuresOf);
    const ratio = (key: 'perSecond' | 'p99Ms') =>
      spread(figures.map((each, round) => each[key] / baseFigures[round]![key]));
    const cpu = figures.flatMap(({ cpuMs }) => (cpuMs === undefined ? [] : [cpuMs]));
    return {
      name,
      perSecond: spread(figures.map((each) => each.perSecond)),
      p50Ms: spread(figures.map((each) => each.p50Ms)),
      p99Ms: spread(figures.map((each) => each.p99Ms)),
      rateRatio: ratio('perSecond'),
      p99Ratio: ratio('p99Ms'),
      ...(cpu.length === 0 ? {} : { cpuMsPerOperation: spread(cpu) }),
    };
  });
}

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMs: number | undefined;
}

function figuresOf(report: RunReport): Figures {
  const { ok, okPerSecond, latency } = totalsOf(report);
  const watched = report.series.flatMap(({ server }) => server?.cpuSeconds ?? []);
  const cpuSeconds = (watched.at(-1) ?? 0) - (watched[0] ?? 0);
  const cpuMs = watched.length < 2 || ok === 0 ? undefined : (cpuSeconds * 1000) / ok;
  return { perSecond: okPerSecond, p50Ms: latency.p50Ms, p99Ms: latency.p99Ms, cpuMs };
}
