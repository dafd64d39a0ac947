/**
 * One run: its threads, what they are doing meanwhile, and the report of all of them together.
 *
 * Runs in:   load generator, main thread. One share needs no thread of its own.
 */

import { cpus, hostname, release } from 'node:os';
import type { Clock } from '../../ports/clock.ts';
import { mergeGroups, mergeSeries } from '../measure/merge.ts';
import {
  type MarkReport,
  type RunReport,
  reportFormat,
  reportVersion,
} from '../measure/run-report.ts';
import { ServerWatch } from '../observe/server-watch.ts';
import { wholeShare } from '../schedule/arrivals.ts';
import { TroubleRun } from '../trouble/trouble-run.ts';
import type { RunPlan } from './run-plan.ts';
import {
  type LiveShare,
  type PlayedShare,
  type RunAdapters,
  type ShareReport,
  ShareRun,
} from './share-run.ts';
import { judgeThresholds } from './thresholds.ts';
import { WorkerShare } from './worker-share.ts';

const awakeEveryMs = 60_000;

export class LoadRun {
  readonly #plan: RunPlan;
  readonly #clock: Clock;
  readonly #shares: readonly PlayedShare[];
  readonly #prepared: Promise<unknown>;
  readonly #watch: ServerWatch | undefined;

  constructor(plan: RunPlan, adapters: RunAdapters) {
    this.#plan = plan;
    this.#clock = adapters.clock;
    if (plan.watch !== undefined) {
      this.#watch = new ServerWatch(plan.watch, adapters.clock, adapters.epochMs);
    }
    if (plan.threads === 1) {
      this.#shares = [new ShareRun(plan, wholeShare, adapters)];
      this.#prepared = Promise.resolve();
      return;
    }
    const count = plan.threads;
    const workers = Array.from(
      { length: count },
      (_, index) => new WorkerShare(plan, { index, count }),
    );
    this.#shares = workers;
    this.#prepared = Promise.all(workers.map((worker) => worker.prepared()));
  }

  async run(): Promise<RunReport> {
    // Timers of the clock keep no process alive, and between two connections there is nothing else.
    const awake = setInterval(() => {}, awakeEveryMs);
    const trouble = new TroubleRun(this.#plan.trouble ?? [], this.#clock);
    try {
      await this.#prepared;
      await this.#watch?.prepare();
      const before = process.cpuUsage();
      this.#watch?.start();
      trouble.start();
      const shares = await Promise.all(this.#shares.map((share) => share.run()));
      const { user, system } = process.cpuUsage(before);
      return this.#report(shares, (user + system) / 1e6, trouble.stop());
    } catch (error) {
      for (const share of this.#shares) share.abandon();
      throw error;
    } finally {
      clearInterval(awake);
      trouble.stop();
      this.#watch?.stop();
    }
  }

  stop(): void {
    for (const share of this.#shares) share.stop();
  }

  live(): readonly LiveShare[] {
    return this.#shares.map((share) => share.live());
  }

  #report(
    shares: readonly ShareReport[],
    cpuSeconds: number,
    marks: readonly MarkReport[],
  ): RunReport {
    const { scenario, seed, threads, groups: plans } = this.#plan;
    const groups = mergeGroups(shares.map(({ groups: each }) => each));
    const beganMs = Math.min(...shares.map((share) => share.beganMs));
    const series = mergeSeries(shares);
    const targets = new Set(plans.map(({ target }) => `${target.host}:${target.port}`));
    const report: RunReport = {
      format: reportFormat,
      version: reportVersion,
      ...{ scenario, seed, target: [...targets].join(', ') },
      machine: {
        host: hostname(),
        cpu: cpus()[0]?.model ?? 'unknown',
        cores: cpus().length,
        kernel: release(),
        runtime: `Node ${process.version}`,
      },
      generator: { threads, cpuSeconds },
      beganAt: new Date(beganMs).toISOString(),
      seconds: Math.max(0, ...groups.map(({ seconds }) => seconds)),
      groups,
      series: this.#watch?.within(beganMs, series) ?? series,
      unstarted: groups.reduce((all, { unstarted }) => all + unstarted, 0),
      thresholds: [],
      ...(marks.length === 0 ? {} : { marks }),
    };
    return { ...report, thresholds: judgeThresholds(this.#plan.thresholds, report) };
  }
}
