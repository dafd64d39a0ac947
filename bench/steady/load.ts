/**
 * `chaski load` and `chaski sink` as child processes of a scene.
 *
 * Runs in: bench.
 */

import { Child } from '../../src/harness/child.ts';
import type { SeriesSecond } from '../../src/harness/load/series.ts';
import type { LoadReport } from '../../src/harness/load/tally.ts';
import type { SinkCounts } from '../../src/harness/sink/sink.ts';
import { launcher } from '../servers/chaski.ts';
import { spread } from '../statistics.ts';

const readyMsMax = 20_000;
/** A report of ten minutes, second by second. */
const reportCharsMax = 1024 * 1024;
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

/** A report that has its series. */
export type SteadyReport = LoadReport & { readonly series: NonNullable<LoadReport['series']> };

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
        ...[...rate, ...sessions, '--series', '--json'],
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
    return JSON.parse(stdout) as SteadyReport;
  }
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
export function refusalsNot4xx(report: LoadReport): readonly string[] {
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
  const latencies = within.flatMap(({ latency }) => (latency === null ? [] : [latency]));
  if (latencies.length === 0) return undefined;
  const acknowledged = within.reduce((sum, second) => sum + second.acknowledged, 0);
  return {
    perSecond: acknowledged / within.length,
    p50Ms: spread(latencies.map(({ p50Ms }) => p50Ms)).median,
    p99Ms: spread(latencies.map(({ p99Ms }) => p99Ms)).median,
    maxMs: Math.max(...latencies.map(({ maxMs }) => maxMs)),
  };
}
