/**
 * The actor runtime as the application sees it: joins channel, router, placement, supervision, moves and jobs.
 *
 * Runs in:   main thread.
 * Limits:    those of its parts; see each.
 * Invariant: every ask is answered, whatever threads do; after `close` all answers are `draining`.
 */

import type { ShardId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Answer, Ask, AskUpwards, UpwardAnswers } from './ask.ts';
import { shardForget, systemAsk } from './asks/system.ts';
import type { BacklogLimits } from './backlog.ts';
import type { Channel, PortMessage } from './channel.ts';
import { Jobs } from './jobs.ts';
import { LoadMeter, sampleMs, type ThreadLoad } from './load.ts';
import { type Move, type MoveLimits, Mover } from './moves.ts';
import { Placement } from './placement.ts';
import { Router } from './router.ts';
import { Supervisor, type SupervisorLimits } from './supervise.ts';
import { UplinkHost } from './uplink.ts';
import { Watchdog, type WatchdogLimits } from './watchdog.ts';

export interface RuntimeOptions {
  /** Its first `workers` threads own shards; all others take jobs. */
  readonly channel: Channel;
  readonly shards: number;
  readonly workers: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: {
    readonly backlog?: Partial<BacklogLimits>;
    readonly supervisor?: Partial<SupervisorLimits>;
    readonly moves?: Partial<MoveLimits>;
    readonly watchdog?: Partial<WatchdogLimits>;
    readonly jobsPerThreadMax?: number;
    readonly jobsWaitingMax?: number;
  };
  readonly defer?: (run: () => void) => void;
  /** Of the threads that own no shard, those that take patient jobs only: the last ones. */
  readonly patientThreads?: number;
  /** Both are on where absent. */
  readonly placing?: {
    /** Shards of a hot thread move to another. */
    readonly moves: boolean;
    /** New mail goes to the least loaded thread. */
    readonly spread: boolean;
  };
  /** What each thread with shards is asked at each of its starts, before it serves anything: policy. */
  readonly standing?: () => Iterable<Ask>;
  /** Asks of engine threads that the main thread answers itself, by name. */
  readonly answers?: UpwardAnswers;
  /** A thread hangs for good: the process has to end. */
  readonly onHung?: (thread: number) => void;
}

export type NoticeListener = (thread: number, value: unknown) => void;

/** Samples of load between two looks at whether a shard should move. */
const samplesPerLook = 10;

export class Runtime {
  readonly router: Router;
  readonly placement: Placement;
  readonly supervisor: Supervisor;
  readonly jobs: Jobs;
  /** For work that mail must not wait for, nor beside: hashes of passwords, new keys. */
  readonly patientJobs: Jobs;
  readonly watchdog: Watchdog;
  readonly #options: RuntimeOptions;
  readonly #load: LoadMeter;
  readonly #mover: Mover;
  readonly #uplinks: UplinkHost;
  readonly #answers: ReadonlyMap<string, AskUpwards>;
  readonly #listeners = new Map<string, NoticeListener[]>();
  readonly #placing: NonNullable<RuntimeOptions['placing']>;
  #sampling: Timer | undefined;
  #sampleCount = 0;

  constructor(options: RuntimeOptions) {
    const { channel, shards, workers, clock, log, limits = {} } = options;
    this.#options = options;
    this.#placing = options.placing ?? { moves: true, spread: true };
    this.#answers = new Map(Object.entries(options.answers ?? {}));
    this.#load = new LoadMeter({
      threads: channel.threads,
      shards,
      clock,
      activeMs: (thread) => channel.activeMs(thread),
      backlog: (thread) => this.router.backlogCount(thread),
      waitMs: (thread) => this.router.waitMs(thread),
    });
    this.placement = new Placement({
      shards,
      workers,
      load: (thread) => this.#load.of(thread),
      isOpen: (shard) => this.supervisor.isOpen(shard) && !this.router.backlog(shard).isHeld,
    });
    this.router = new Router({
      channel,
      shards,
      clock,
      log,
      owner: (shard) => this.placement.owner(shard),
      onRoundTrip: (thread, shard, ms, asks) => this.#load.roundTrip(thread, shard, ms, asks),
      ...(limits.backlog === undefined ? {} : { limits: limits.backlog }),
      ...(options.defer === undefined ? {} : { defer: options.defer }),
    });
    this.supervisor = new Supervisor({
      channel,
      router: this.router,
      placement: this.placement,
      clock,
      log,
      standing: (thread) => (thread < workers ? (options.standing?.() ?? []) : []),
      onServing: () => {
        this.jobs.wake();
        this.patientJobs.wake();
      },
      ...(limits.supervisor === undefined ? {} : { limits: limits.supervisor }),
    });
    this.#mover = new Mover({
      router: this.router,
      placement: this.placement,
      supervisor: this.supervisor,
      clock,
      log,
      load: (thread) => this.#load.of(thread),
      rate: (shard) => this.#load.rate(shard),
      ...(limits.moves === undefined ? {} : { limits: limits.moves }),
    });
    [this.jobs, this.patientJobs] = this.#newJobs(options);
    this.watchdog = new Watchdog({
      threads: channel.threads,
      isReady: (thread) => channel.isReady(thread),
      askThread: (thread, ask) => this.router.askThread(thread, ask),
      clock,
      log,
      limits: limits.watchdog,
      onHung: options.onHung,
    });
    this.#uplinks = this.#newUplinks(options);
  }

  /** Those for patient jobs are the same where no threads are kept for them. */
  #newJobs({ channel, workers, patientThreads = 0, limits = {} }: RuntimeOptions): [Jobs, Jobs] {
    const { jobsPerThreadMax: perThreadMax, jobsWaitingMax: waitingMax } = limits;
    const jobsOf = (from: number, to: number) =>
      new Jobs({
        threads: Array.from({ length: to - from }, (_, i) => from + i),
        isReady: (thread) => this.router.isOpen(thread),
        askThread: (thread, ask) => this.router.askThread(thread, ask),
        ...(perThreadMax === undefined ? {} : { perThreadMax }),
        ...(waitingMax === undefined ? {} : { waitingMax }),
      });
    const patientFrom = channel.threads - patientThreads;
    const jobs = jobsOf(workers, patientFrom);
    return [jobs, patientThreads === 0 ? jobs : jobsOf(patientFrom, channel.threads)];
  }

  #newUplinks({ channel, log }: RuntimeOptions): UplinkHost {
    return new UplinkHost({
      ask: (ask) => this.#answers.get(ask.name)?.(ask) ?? this.router.ask(ask),
      post: (thread, message) => channel.post(thread, message),
      log,
    });
  }

  /** Resolves when every thread serves its shards. */
  async start(): Promise<void> {
    const started = this.supervisor.started();
    this.#options.channel.start({
      onReady: (thread) => this.supervisor.ready(thread),
      onLost: (thread, cause) => {
        this.#uplinks.lost(thread);
        this.supervisor.lost(thread, cause);
      },
      onMessage: (thread, message) => this.#receive(thread, message),
    });
    this.#sampleLater();
    this.watchdog.start();
    await started;
  }

  ask(ask: Ask): Promise<Answer> {
    return this.router.ask(ask);
  }

  /** Where a new message is spooled. */
  spoolShard(): ShardId {
    return this.placement.spoolShard();
  }

  /** Asks every thread with shards that is there, once: jobs are told all they need. */
  askEach(ask: Ask): Promise<readonly Answer[]> {
    return this.#askThreads(ask, () => true);
  }

  /** Asks every thread but those that are silent: for figures, which must not wait for one that hangs. */
  askAnswering(ask: Ask): Promise<readonly Answer[]> {
    return this.#askThreads(ask, (thread) => !this.watchdog.isSilent(thread));
  }

  /** Notices of engine threads: facts that nobody answers. */
  onNotice(name: string, listener: NoticeListener): void {
    const listeners = this.#listeners.get(name) ?? [];
    listeners.push(listener);
    this.#listeners.set(name, listeners);
  }

  load(thread: number): ThreadLoad {
    return this.#load.of(thread);
  }

  /** Moves a shard by hand; the runtime does it itself when a thread stays hot. */
  move(move: Move): Promise<boolean> {
    return this.#mover.move(move);
  }

  /** Makes the index of an open shard again from its journal; asks of the shard wait meanwhile. */
  rebuildIndex(shard: ShardId): Promise<Answer> {
    const forget = systemAsk(shardForget, shard);
    return this.#mover.reopen(shard, (thread) => this.router.askThread(thread, forget));
  }

  /** What comes is refused with `draining`, what is under way is answered, shards are closed, threads end. */
  async close(): Promise<void> {
    this.#sampling?.cancel();
    this.jobs.end();
    this.patientJobs.end();
    this.router.end();
    await this.supervisor.close();
    // Not before: a drain waits for a thread that hangs.
    this.watchdog.stop();
    this.router.end();
  }

  #askThreads(ask: Ask, isAsked: (thread: number) => boolean): Promise<readonly Answer[]> {
    const { channel, workers } = this.#options;
    const threads = Array.from({ length: workers }, (_, thread) => thread);
    return Promise.all(
      threads
        .filter((thread) => channel.isReady(thread) && isAsked(thread))
        .map((thread) => this.router.askThread(thread, ask)),
    );
  }

  #receive(thread: number, message: PortMessage): void {
    if (message.kind === 'late') this.router.takeLate(message, thread);
    else if (message.kind === 'asks') this.#uplinks.receive(thread, message);
    else {
      for (const listener of this.#listeners.get(message.name) ?? []) {
        listener(thread, message.value);
      }
    }
  }

  #sampleLater(): void {
    this.#sampling = this.#options.clock.setTimer(sampleMs, () => {
      this.#sampleLater();
      this.#load.sample();
      const { moves, spread } = this.#placing;
      if (spread) this.placement.chooseSpoolThread();
      this.#sampleCount++;
      if (moves && this.#sampleCount % samplesPerLook === 0) this.#mover.look();
    });
  }
}
