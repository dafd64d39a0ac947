/**
 * `chaski load` and `chaski sink` as child processes of a scene.
 *
 * Runs in: bench.
 */

import { Child } from '../../src/harness/child.ts';
import type { LatencySummary } from '../../src/harness/measure/histogram.ts';
import { parseReport, type SeriesSecond } from '../../src/harness/measure/run-report.ts';
import { spread } from '../../src/harness/measure/spread.ts';
import { totalsOf } from '../../src/harness/measure/totals.ts';
import type { SinkCounts } from '../../src/harness/sink/sink.ts';
import { launcher } from '../servers/chaski.ts';

const readyMsMax = 20_000;
/** A report of ten minutes, second by second. */
const reportCharsMax = 16 * 1024 * 1024;
/** Messages under way at the end may take as long as the generator's own patience. */
const endMsMax = 30_000;

export interface LoadRequest {
  readonly port: number;
  readonly protocol?: 'smtp' | 'lmtp';
  /** Messages a second of an open loop; absent: a closed loop of `sessions`. */
  readonly perSecond?: number;
  readonly sessions?: number;
  /** Absent: until it is stopped. */
  readonly seconds?: number;
  readonly messageBytes?: number;
  readonly to: string;
  readonly recipients?: number;
  readonly perConnection?: number;
  readonly ledger?: string;
  readonly seed?: number;
}

/** What scenes look at. Counts but `messages` are of copies: one for each recipient. */
export interface SteadyReport {
  readonly seconds: number;
  readonly messages: number;
  readonly messagesPerSecond: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly unsent: number;
  readonly unstarted: number;
  readonly gapMsMax: number;
  readonly latency: LatencySummary;
  readonly refusals: Readonly<Record<string, number>>;
  readonly closings: Readonly<Record<string, number>>;
  readonly series: { readonly beganMs: number; readonly seconds: readonly SeriesSecond[] };
}

export class Load {
  readonly #child: Child;

  constructor(request: LoadRequest) {
    const { port, protocol = 'smtp', seconds, perConnection, ledger } = request;
    const rate = request.perSecond === undefined ? [] : ['--rate', `${request.perSecond}`];
    const sessions = request.sessions === undefined ? [] : ['--sessions', `${request.sessions}`];
    const ending = seconds === undefined ? ['--count', '1e12'] : ['--duration', `${seconds}`];
    this.#child = new Child({
      command: launcher,
      args: [
        ...['load', protocol, '--target', `127.0.0.1:${port}`, '--to', request.to, ...ending],
        ...['--size', `${request.messageBytes ?? 1_024}`, '--seed', `${request.seed ?? 1}`],
        ...['--recipients', `${request.recipients ?? 1}`],
        ...[...rate, ...sessions, '--json'],
        ...(perConnection === undefined ? [] : ['--per-connection', `${perConnection}`]),
        ...(ledger === undefined ? [] : ['--ledger', ledger]),
      ],
      outputCharsMax: reportCharsMax,
    });
  }

  /** Waits for its end. */
  async report(): Promise<SteadyReport> {
    await this.#child.ended;
    return this.#read();
  }

  /** Starts no more messages from here on; those under way come to their end. */
  async stop(): Promise<SteadyReport> {
    await this.#child.stop('SIGTERM', endMsMax);
    return this.#read();
  }

  #read(): SteadyReport {
    const { stdout, stderr } = this.#child;
    if (!stdout.startsWith('{')) throw new Error(`chaski load: no report\n${stdout}${stderr}`);
    return readReport(stdout);
  }
}

function readReport(text: string): SteadyReport {
  const report = parseReport(text, 'chaski load');
  const { ok, okPerSecond, copies, replies, ...rest } = totalsOf(report);
  return {
    ...rest,
    messages: ok,
    messagesPerSecond: okPerSecond,
    acknowledged: copies.ok,
    refused: copies.refused,
    unknown: copies.unknown,
    unsent: copies.unsent,
    refusals: replies,
    series: { beganMs: Date.parse(report.beganAt), seconds: report.series },
  };
}

export function runLoad(request: LoadRequest): Promise<SteadyReport> {
  return new Load(request).report();
}

/** `chaski sink` on a port of its own. */
export class ChaskiSink {
  readonly port: number;
  readonly #child: Child;

  private constructor(port: number, child: Child) {
    this.port = port;
    this.#child = child;
  }

  static async start(args: readonly string[] = []): Promise<ChaskiSink> {
    const all = ['sink', '--listen', '127.0.0.1:0', '--json', ...args];
    const child = new Child({ command: launcher, args: all });
    const [, port] = await child.until(/"ready":\["127\.0\.0\.1:(\d+)"/, readyMsMax);
    return new ChaskiSink(Number(port), child);
  }

  async stop(): Promise<SinkCounts> {
    await this.#child.stop('SIGTERM', endMsMax);
    return JSON.parse(this.#child.stdout.trim().split('\n').at(-1)!) as SinkCounts;
  }
}

/** Replies other than 4xx among the refusals. */
export function refusalsNot4xx(report: SteadyReport): readonly string[] {
  return Object.keys(report.refusals).filter((reply) => !reply.startsWith('4'));
}

export interface Window {
  readonly perSecond: number;
  /** Of a typical second, and the worst of all seconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** The seconds from `from` up to `to` of a run; undefined when nothing was acknowledged in them. */
export function windowOf(
  seconds: readonly SeriesSecond[],
  from: number,
  to: number,
): Window | undefined {
  const within = seconds.slice(Math.max(0, from), Math.max(0, to));
  const latencies = within.flatMap(({ p50Ms, p99Ms, maxMs }) =>
    p50Ms === null || p99Ms === null || maxMs === null ? [] : [{ p50Ms, p99Ms, maxMs }],
  );
  if (latencies.length === 0) return undefined;
  const acknowledged = within.reduce((sum, { ok }) => sum + ok, 0);
  return {
    perSecond: acknowledged / within.length,
    p50Ms: spread(latencies.map(({ p50Ms }) => p50Ms)).median,
    p99Ms: spread(latencies.map(({ p99Ms }) => p99Ms)).median,
    maxMs: Math.max(...latencies.map(({ maxMs }) => maxMs)),
  };
}
