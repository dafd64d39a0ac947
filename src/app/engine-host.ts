/**
 * The engine as the main thread sees it: threads, router, placement, supervision, moves, jobs.
 *
 * Runs in:   main thread.
 * Limits:    those of its parts.
 * Invariant: `start` resolves when every thread serves its shards; `close` when all of it is drained and synced.
 */

import type { Answer, Ask } from '../actors/ask.ts';
import { engineAsks } from '../actors/asks/engine-asks.ts';
import type { PolicySnapshot } from '../actors/asks/policy-snapshot.ts';
import { noShard, systemAsk } from '../actors/asks/system.ts';
import type { ThreadData } from '../actors/asks/thread-data.ts';
import { Jobs } from '../actors/jobs.ts';
import { LoadMeter, sampleMs } from '../actors/load.ts';
import { Mover } from '../actors/moves.ts';
import { PiscinaChannel } from '../actors/piscina-channel.ts';
import { Placement } from '../actors/placement.ts';
import { Router } from '../actors/router.ts';
import { Supervisor } from '../actors/supervise.ts';
import { UplinkHost } from '../actors/uplink.ts';
import { failure } from '../base/errors.ts';
import type { ShardId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { MetricRows } from '../base/metrics.ts';
import type { Clock, Timer } from '../ports/clock.ts';

export interface EngineHostOptions {
  readonly shards: number;
  /** Threads that own shards; one further thread takes jobs. */
  readonly workers: number;
  readonly threadData: ThreadData;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: () => PolicySnapshot;
  /** Asks of engine threads that the main thread answers itself, by name. */
  readonly answers: Readonly<Record<string, (ask: Ask) => Promise<Answer>>>;
}

/** How many samples of load pass between two looks at placement. */
const samplesPerLook = 10;
const entry = new URL('../../workers/engine.ts', import.meta.url).href;

export class EngineHost {
  readonly router: Router;
  readonly placement: Placement;
  readonly supervisor: Supervisor;
  readonly jobs: Jobs;
  readonly load: LoadMeter;
  readonly mover: Mover;
  readonly #options: EngineHostOptions;
  readonly #channel: PiscinaChannel;
  readonly #uplinks: UplinkHost;
  #sampler: Timer | undefined;
  #samples = 0;

  constructor(options: EngineHostOptions) {
    const { shards, workers, clock, log } = options;
    this.#options = options;
    const threads = workers + 1;
    this.#channel = new PiscinaChannel({ entry, threads, workerData: options.threadData, log });
    this.load = new LoadMeter({
      threads,
      shards,
      clock,
      activeMs: (thread) => this.#channel.activeMs(thread),
      backlog: (thread) => this.router.backlogCount(thread),
    });
    this.placement = new Placement({
      shards,
      workers,
      load: (thread) => this.load.of(thread),
      isOpen: (shard) => this.supervisor.isOpen(shard),
    });
    this.router = new Router({
      channel: this.#channel,
      shards,
      owner: (shard) => this.placement.owner(shard),
      clock,
      log,
      onRoundTrip: (thread, shard, ms, asks) => this.load.roundTrip(thread, shard, ms, asks),
    });
    this.supervisor = new Supervisor({
      channel: this.#channel,
      router: this.router,
      placement: this.placement,
      clock,
      log,
      standing: () => [systemAsk(engineAsks.policy, noShard, options.policy())],
      onServing: () => this.jobs.wake(),
    });
    this.mover = new Mover({
      router: this.router,
      placement: this.placement,
      supervisor: this.supervisor,
      clock,
      log,
      busy: (thread) => this.load.of(thread).busy,
      rate: (shard) => this.load.rate(shard),
    });
    this.jobs = new Jobs({
      threads: [workers],
      isReady: (thread) => this.#channel.isReady(thread),
      askThread: (thread, ask) => this.router.askThread(thread, ask),
    });
    this.#uplinks = new UplinkHost({
      ask: (ask) => this.#answer(ask),
      post: (thread, message) => this.#channel.post(thread, message),
    });
  }

  async start(): Promise<void> {
    const started = this.supervisor.started();
    this.#channel.start({
      onReady: (thread) => this.supervisor.ready(thread),
      onLost: (thread, cause) => {
        this.#uplinks.lost(thread);
        this.supervisor.lost(thread, cause);
      },
      onMessage: (thread, message) => {
        if (message.kind === 'late') this.router.takeLate(message);
        else if (message.kind === 'asks') this.#uplinks.receive(thread, message);
      },
    });
    await started;
    this.#sampleLater();
  }

  /** Pushes a new policy to every thread. */
  async pushPolicy(): Promise<void> {
    const ask = systemAsk(engineAsks.policy, noShard, this.#options.policy());
    await this.askThreads(ask);
  }

  askThreads(ask: Ask): Promise<Answer[]> {
    const threads = Array.from({ length: this.#channel.threads }, (_, thread) => thread);
    return Promise.all(threads.map((thread) => this.router.askThread(thread, ask)));
  }

  /** Figures of all engine threads, for `/metrics`. */
  async metricRows(): Promise<MetricRows[]> {
    const answers = await this.askThreads(systemAsk(engineAsks.metrics, noShard));
    return answers.flatMap((answer) => (answer.ok ? [answer.value as MetricRows] : []));
  }

  spoolShard(): ShardId {
    return this.placement.spoolShard();
  }

  async close(): Promise<void> {
    this.#sampler?.cancel();
    await this.supervisor.close();
  }

  #answer(ask: Ask): Promise<Answer> {
    const own = this.#options.answers[ask.name];
    if (own !== undefined) return own(ask);
    if (ask.shard === noShard) {
      return Promise.resolve(failure('argument-invalid', `nobody answers ${ask.name}`));
    }
    return this.router.ask(ask);
  }

  #sampleLater(): void {
    this.#sampler = this.#options.clock.setTimer(sampleMs, () => {
      this.load.sample();
      this.#samples++;
      if (this.#samples % samplesPerLook === 0) {
        this.placement.chooseSpoolThread();
        this.mover.look();
      }
      this.#sampleLater();
    });
  }
}
