/**
 * The engine as the main thread sees it: the actor runtime over a Piscina pool of `workers/engine.ts`.
 *
 * Runs in:   main thread.
 * Invariant: `start` resolves when every thread serves its shards; `close` when all of it is drained and synced.
 */

import type { Ask, UpwardAnswers } from '../actors/ask.ts';
import { engineAsks } from '../actors/asks/engine-asks.ts';
import type { PolicySnapshot } from '../actors/asks/policy-snapshot.ts';
import { noShard, systemAsk } from '../actors/asks/system.ts';
import type { ThreadData } from '../actors/asks/thread-data.ts';
import { PiscinaChannel } from '../actors/piscina-channel.ts';
import { Runtime } from '../actors/runtime.ts';
import type { Log } from '../base/log.ts';
import type { MetricRows } from '../base/metrics.ts';
import type { Clock } from '../ports/clock.ts';

export interface EngineHostOptions {
  readonly shards: number;
  readonly threadData: ThreadData;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: () => PolicySnapshot;
  /** What each thread is told when it starts, besides the policy. */
  readonly standing: () => readonly Ask[];
  /** Asks of engine threads that the main thread answers itself, by name. */
  readonly answers: UpwardAnswers;
  readonly onHung: () => void;
}

const entry = new URL('../../workers/engine.ts', import.meta.url).href;
/** Threads that own no shards and take jobs; the last of them those that mail must not wait for. */
export const jobThreads = 2;
const patientThreads = 1;

export class EngineHost {
  readonly runtime: Runtime;
  readonly #policyAsk: () => Ask;

  constructor(options: EngineHostOptions) {
    const { shards, threadData, clock, log, answers } = options;
    const { workers } = threadData;
    this.#policyAsk = () => systemAsk(engineAsks.policy, noShard, options.policy());
    this.runtime = new Runtime({
      channel: new PiscinaChannel({
        entry,
        threads: workers + jobThreads,
        workerData: threadData,
        log,
      }),
      shards,
      workers,
      patientThreads,
      clock,
      log,
      standing: () => [this.#policyAsk(), ...options.standing()],
      answers,
      limits: { watchdog: threadData.settings.watchdog },
      onHung: options.onHung,
      placing: threadData.settings.router,
    });
  }

  /** Pushes a new policy to every thread. */
  async pushPolicy(): Promise<void> {
    await this.runtime.askEach(this.#policyAsk());
  }

  /** Figures of all engine threads that answer, for `/metrics`. */
  async metricRows(): Promise<MetricRows[]> {
    const answers = await this.runtime.askAnswering(systemAsk(engineAsks.metrics, noShard));
    return answers.flatMap((answer) => (answer.ok ? [answer.value as MetricRows] : []));
  }
}
