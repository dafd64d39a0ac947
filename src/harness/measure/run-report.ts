/**
 * What a run found: the one shape that the terminal, JSON, HTML, `chaski load merge` and thresholds read.
 *
 * Runs in: load generator, reports, benches; types and the reading of files.
 */

import type { LedgerAccount } from '../ledger/account.ts';
import type { LatencySummary } from './histogram.ts';

export const reportFormat = 'chaski-load-report';
export const reportVersion = 1;

/** What became of an operation, or of a message for one recipient. */
export const outcomes = ['ok', 'refused', 'unknown', 'unsent'] as const;
export type OutcomeName = (typeof outcomes)[number];
export type OutcomeCounts = Readonly<Record<OutcomeName, number>>;

/** `histogram` is HdrHistogram's V2 form, deflated, base64; values are microseconds. */
export interface TimedReport extends LatencySummary {
  readonly histogram: string;
}

/** An operation is a whole message, an IMAP command, an HTTP request. */
export interface OperationReport extends OutcomeCounts {
  /** Of operations that were ok, from the intended start. */
  readonly latency: TimedReport;
  readonly phases: Readonly<Record<string, TimedReport>>;
  /** Replies other than the hoped-for, by their first 60 characters. */
  readonly replies: Readonly<Record<string, number>>;
}

export interface GroupReport {
  readonly name: string;
  readonly protocol: string;
  /** What sent its operations, where there is a choice: "autocannon" or "undici". */
  readonly client?: string;
  readonly target: string;
  readonly operations: Readonly<Record<string, OperationReport>>;
  /** Mail only: outcomes a recipient, not a message. */
  readonly copies: OutcomeCounts;
  readonly closings: Readonly<Record<string, number>>;
  readonly connections: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Operations that were due and never found a session. */
  readonly unstarted: number;
  /** Longest time without an operation that was ok, from the begin to the end of the load. */
  readonly gapMsMax: number;
  /** From the begin to the last outcome. */
  readonly seconds: number;
}

/** What was seen of the server; absent where it was not watched, or was gone. */
export interface ServerFigures {
  /** Since its processes began. */
  readonly cpuSeconds?: number;
  readonly rssBytes?: number;
  readonly metrics?: Readonly<Record<string, number>>;
}

/**
 * One second. Counts and bytes stand in the second in which they came; latencies in the second their operation was
 * meant to start in, so what a stall held up stands where the stall began. Percentiles are null where nothing was ok.
 */
export interface SeriesSecond extends OutcomeCounts {
  readonly second: number;
  readonly count: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly histogram?: string;
  readonly server?: ServerFigures;
}

/** What was done to the server, and when; `isDone` false: it could not be done. */
export interface MarkReport {
  /** Since the run began, with fractions. */
  readonly second: number;
  readonly text: string;
  readonly isDone: boolean;
  /** When it was taken back; absent where there was nothing to take back. */
  readonly endSecond?: number;
}

/** The ledger after the run, counted until nothing was missing and nothing came any more, or the wait was over. */
export interface RecountReport {
  readonly account: LedgerAccount;
  readonly waitedSeconds: number;
  /** Sentences about findings that no threshold judges; none is the good answer. */
  readonly faults: readonly string[];
}

export interface ThresholdResult {
  readonly text: string;
  readonly isMet: boolean;
  readonly value: number;
}

export interface MachineReport {
  readonly host: string;
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  readonly runtime: string;
}

/** What the load itself cost. */
export interface GeneratorReport {
  readonly threads: number;
  readonly cpuSeconds: number;
}

export interface RunReport {
  readonly format: typeof reportFormat;
  readonly version: typeof reportVersion;
  readonly scenario: string;
  readonly target: string;
  readonly seed: number;
  readonly machine: MachineReport;
  readonly generator: GeneratorReport;
  /** Wall time, ISO 8601. */
  readonly beganAt: string;
  readonly seconds: number;
  readonly groups: readonly GroupReport[];
  readonly series: readonly SeriesSecond[];
  readonly unstarted: number;
  readonly thresholds: readonly ThresholdResult[];
  readonly marks?: readonly MarkReport[];
  readonly recount?: RecountReport;
}

/** Reads a report; throws a sentence when the text is none, or of a version this program does not know. */
export function parseReport(text: string, from: string): RunReport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${from} is not JSON: ${(error as Error).message}`);
  }
  const report = value as Partial<RunReport> | null;
  if (report?.format !== reportFormat) {
    throw new Error(`${from} is no load report: write one by "chaski load ... --json > FILE"`);
  }
  if (report.version !== reportVersion) {
    throw new Error(
      `${from} is a report of version ${report.version}; this program reads ${reportVersion}`,
    );
  }
  if (!Array.isArray(report.groups) || !Array.isArray(report.series)) {
    throw new Error(`${from} is a load report without groups or series`);
  }
  return report as RunReport;
}
