/**
 * One run: its threads, what stands beside them and disturbs the server, and the report of all of it together.
 *
 * Runs in:   load generator, main thread. One share needs no thread of its own.
 * Invariant: what a scenario did to the server is taken back when the run ends, or is told to stop.
 */

import { isIP } from 'node:net';
import type { Clock } from '../../ports/clock.ts';
import type { HostPort } from '../addresses.ts';
import type { Counted, Recount } from '../ledger/recount.ts';
import type { RunReport } from '../measure/run-report.ts';
import { ServerWatch } from '../observe/server-watch.ts';
import { wholeShare } from '../schedule/arrivals.ts';
import type { Between } from '../trouble/between.ts';
import type { TroubleRun } from '../trouble/trouble-run.ts';
import { finalReport } from './final-report.ts';
import type { GroupPlan, RunPlan } from './run-plan.ts';
import { type LiveShare, type PlayedShare, type RunAdapters, ShareRun } from './share-run.ts';
import { checkThresholds } from './thresholds.ts';
import { WorkerShare } from './worker-share.ts';

const awakeEveryMs = 60_000;

interface Stopping {
  stop(): void | Promise<void>;
}

export class LoadRun {
  readonly #plan: RunPlan;
  readonly #adapters: RunAdapters;
  readonly #clock: Clock;
  readonly #watch: ServerWatch | undefined;
  #shares: readonly PlayedShare[] = [];
  #between: Between | undefined;
  #trouble: TroubleRun | undefined;
  #recount: Recount | undefined;
  #isStopping = false;

  /** @throws a sentence where this run cannot find what is asked of it */
  constructor(plan: RunPlan, adapters: RunAdapters) {
    const { watch, ledger, recountMsMax } = plan;
    const { clock, epochMs } = adapters;
    if (recountMsMax !== undefined && ledger === undefined) {
      throw new Error('"recount" counts a ledger: say "ledger" too');
    }
    checkThresholds(plan.thresholds, recountMsMax !== undefined);
    this.#plan = plan;
    this.#adapters = adapters;
    this.#clock = clock;
    if (watch !== undefined) this.#watch = new ServerWatch(watch, clock, epochMs);
  }

  async run(): Promise<RunReport> {
    // Timers of the clock keep no process alive, and between two connections there is nothing else.
    const awake = setInterval(() => {}, awakeEveryMs);
    let endpoint: Stopping | undefined;
    try {
      await this.#prepareTrouble();
      await this.#prepareShares();
      await this.#watch?.prepare();
      endpoint = await this.#expose();
      const before = process.cpuUsage();
      this.#watch?.start();
      this.#trouble?.start();
      const playing = Promise.all(this.#shares.map((share) => share.run()));
      if (this.#isStopping) this.stop();
      const shares = await playing;
      const { user, system } = process.cpuUsage(before);
      this.#watch?.stop();
      const marks = (await this.#trouble?.stop()) ?? [];
      return finalReport(this.#plan, {
        ...{ shares, cpuSeconds: (user + system) / 1e6, watch: this.#watch, marks },
        counted: await this.#count(),
      });
    } catch (error) {
      for (const share of this.#shares) share.abandon();
      throw error;
    } finally {
      clearInterval(awake);
      this.#watch?.stop();
      await this.#trouble?.stop();
      await this.#between?.stop();
      await endpoint?.stop();
    }
  }

  /** Begins nothing more, and takes back what was done to the server at once: what is under way may finish. */
  stop(): void {
    this.#isStopping = true;
    for (const share of this.#shares) share.stop();
    void this.#trouble?.stop();
    this.#recount?.stop();
  }

  live(): readonly LiveShare[] {
    return this.#shares.map((share) => share.live());
  }

  async #prepareShares(): Promise<void> {
    const plan = { ...this.#plan, groups: await this.#rerouted(this.#plan.groups) };
    const { threads: count } = plan;
    this.#shares =
      count === 1
        ? [new ShareRun(plan, wholeShare, this.#adapters)]
        : Array.from({ length: count }, (_, index) => new WorkerShare(plan, { index, count }));
    await Promise.all(this.#shares.map((share) => share.prepared()));
  }

  /** A way that is to be disturbed leads through this process. */
  async #rerouted(groups: readonly GroupPlan[]): Promise<readonly GroupPlan[]> {
    const ways = await this.#between?.start(groups.map(({ target }) => target));
    if (ways === undefined) return groups;
    return groups.map((group) => {
      const via = ways.get(`${group.target.host}:${group.target.port}`);
      return via === undefined ? group : throughProxy(group, via);
    });
  }

  /** What disturbs servers is loaded by those who want that. */
  async #prepareTrouble(): Promise<void> {
    const { trouble } = this.#plan;
    if (trouble === undefined) return;
    const { Between } = await import('../trouble/between.ts');
    const { TroubleRun } = await import('../trouble/trouble-run.ts');
    this.#between = new Between(trouble, this.#clock);
    this.#trouble = new TroubleRun(trouble.steps, this.#between, this.#clock);
    this.#trouble.check();
  }

  /** What serves pages is loaded by those who want one. */
  async #expose(): Promise<Stopping | undefined> {
    const { prometheus } = this.#plan;
    if (prometheus === undefined) return undefined;
    const { PrometheusEndpoint } = await import('../report/prometheus.ts');
    const endpoint = new PrometheusEndpoint(() => this.live());
    await endpoint.start(prometheus);
    return endpoint;
  }

  async #count(): Promise<Counted | undefined> {
    const { ledger, recountMsMax } = this.#plan;
    if (ledger === undefined || recountMsMax === undefined) return undefined;
    const { Recount } = await import('../ledger/recount.ts');
    this.#recount = new Recount(ledger, this.#clock);
    return await this.#recount.run(this.#isStopping ? 0 : recountMsMax);
  }
}

/** The certificate is still the target's. */
function throughProxy(group: GroupPlan, via: HostPort): GroupPlan {
  const { host } = group.target;
  const { tlsName = isIP(host) === 0 ? host : undefined } = group.options;
  const named = tlsName === undefined ? {} : { tlsName };
  return { ...group, via, options: { ...group.options, ...named } } as GroupPlan;
}
