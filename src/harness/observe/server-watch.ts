/**
 * Looks at the server once a second while a run lasts: CPU and memory of its processes, and series it tells of itself.
 *
 * Runs in:   load generator, main thread.
 * Limits:    `samplesCountMax` samples; one scrape at a time. The whole of `/proc` is read once in `scanEvery` samples,
 *            for children that are new: it takes milliseconds that messages would wait.
 * Invariant: a server that is gone has no figure for that second; the run goes on.
 */

import type { Clock, Timer } from '../../ports/clock.ts';
import type { SeriesSecond, ServerFigures } from '../measure/run-report.ts';
import { processTree, processUsage } from '../observe.ts';
import { type MetricsPlan, MetricsSource } from './metrics-source.ts';
import { processIds } from './process-ids.ts';

const everyMs = 1_000;
const samplesCountMax = 86_400;
const scanEvery = 10;

/** Plain data. */
export interface WatchPlan {
  /** As `processIds` reads it. */
  readonly processes?: string;
  readonly metrics?: MetricsPlan;
}

interface Sample {
  /** Wall time. */
  readonly atMs: number;
  figures: ServerFigures;
}

export class ServerWatch {
  readonly #plan: WatchPlan;
  readonly #clock: Clock;
  readonly #epochMs: number;
  readonly #source: MetricsSource | undefined;
  readonly #samples: Sample[] = [];
  #tree: readonly number[] = [];
  #beganMs = 0;
  #count = 0;
  #isScraping = false;
  #timer: Timer | undefined;

  constructor(plan: WatchPlan, clock: Clock, epochMs: number) {
    this.#plan = plan;
    this.#clock = clock;
    this.#epochMs = epochMs;
    this.#source = plan.metrics === undefined ? undefined : new MetricsSource(plan.metrics);
  }

  /** Before a run of an hour, not after it: @throws a sentence where there is nothing to watch. */
  async prepare(): Promise<void> {
    const { processes } = this.#plan;
    if (processes !== undefined && processTrees(processes).length === 0) {
      throw new Error(`no process to watch: ${processes} does not run`);
    }
    await this.#source?.read();
  }

  start(): void {
    this.#beganMs = this.#clock.monotonicMs();
    this.#sample();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** The series of a run that began at `beganMs` (wall time), with what was seen. */
  within(beganMs: number, series: readonly SeriesSecond[]): readonly SeriesSecond[] {
    const bySecond = new Map<number, ServerFigures>();
    for (const { atMs, figures } of this.#samples) {
      if (Object.keys(figures).length === 0) continue;
      bySecond.set(Math.round((atMs - beganMs) / everyMs), figures);
    }
    return series.map((each) => {
      const server = bySecond.get(each.second);
      return server === undefined ? each : { ...each, server };
    });
  }

  #sample(): void {
    const nowMs = this.#clock.monotonicMs();
    const sample: Sample = { atMs: this.#epochMs + nowMs, figures: this.#figures() };
    this.#samples.push(sample);
    if (this.#source !== undefined && !this.#isScraping) void this.#scrape(this.#source, sample);
    this.#count++;
    if (this.#count === samplesCountMax) return;
    // From the begin, so that late timers do not add up.
    const nextMs = this.#beganMs + this.#count * everyMs;
    this.#timer = this.#clock.setTimer(Math.max(0, nextMs - nowMs), () => this.#sample());
  }

  #figures(): ServerFigures {
    const { processes } = this.#plan;
    if (processes === undefined) return {};
    if (this.#count % scanEvery === 0 || processUsage(this.#tree).processes === 0) {
      this.#tree = processTrees(processes);
    }
    const { processes: running, cpuSeconds, rssBytes } = processUsage(this.#tree);
    return running === 0 ? {} : { cpuSeconds, rssBytes };
  }

  async #scrape(source: MetricsSource, sample: Sample): Promise<void> {
    this.#isScraping = true;
    try {
      sample.figures = { ...sample.figures, metrics: await source.read() };
    } catch {
      // A server in trouble answers nobody: the charts show the hole.
    }
    this.#isScraping = false;
  }
}

function processTrees(processes: string): readonly number[] {
  return [...new Set(processIds(processes).flatMap(processTree))];
}
