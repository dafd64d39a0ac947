/**
 * A share of a run in a thread of its own, seen from the main one.
 *
 * Runs in:   load generator, main thread; `workers/harness.ts` is the other side.
 * Invariant: a thread that dies fails the run: its part of the load would be missing in silence.
 */

import type { Worker } from 'node:worker_threads';
import type { Share } from '../schedule/arrivals.ts';
import type { RunPlan } from './run-plan.ts';
import type { LiveShare, PlayedShare, ShareReport } from './share-run.ts';

/** What a thread is given. */
export interface HarnessData {
  readonly plan: RunPlan;
  readonly share: Share;
}

export type ToThread = 'begin' | 'stop';

export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'live'; readonly live: LiveShare }
  | { readonly kind: 'ended'; readonly report: ShareReport };

const entry = new URL('../../../workers/harness.ts', import.meta.url);

export class WorkerShare implements PlayedShare {
  readonly #worker: Worker;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<ShareReport>();
  #live: LiveShare = {
    ok: 0,
    refused: 0,
    unknown: 0,
    unsent: 0,
    latest: undefined,
    trouble: undefined,
  };

  constructor(plan: RunPlan, share: Share) {
    const data: HarnessData = { plan, share };
    // Most loads are played by one thread, which need not have it.
    const threads = process.getBuiltinModule('node:worker_threads');
    this.#worker = new threads.Worker(entry, { workerData: data });
    this.#worker.on('message', (message: FromThread) => this.#take(message));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('a thread of the load ended early')));
    this.#ended.promise.catch(() => {});
  }

  /** Resolves when the thread has made its messages and waits to begin. */
  prepared(): Promise<void> {
    return this.#ready.promise;
  }

  run(): Promise<ShareReport> {
    this.#tell('begin');
    return this.#ended.promise;
  }

  stop(): void {
    this.#tell('stop');
  }

  live(): LiveShare {
    return this.#live;
  }

  abandon(): void {
    void this.#worker.terminate();
  }

  #tell(what: ToThread): void {
    this.#worker.postMessage(what);
  }

  #take(message: FromThread): void {
    if (message.kind === 'ready') this.#ready.resolve();
    else if (message.kind === 'live') this.#live = message.live;
    else this.#ended.resolve(message.report);
  }

  #fail(error: Error): void {
    this.#ready.reject(error);
    this.#ended.reject(error);
  }
}
