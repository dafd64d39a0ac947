/**
 * Work of over 10 ms that owns no shard (password hashes, scans, full parses), on threads kept for it.
 *
 * Runs in:   main thread.
 * Limits:    `perThreadMax` jobs at a thread, `waitingMax` in the queue; a full queue answers `store-busy` at once.
 * Invariant: a job is answered once; one whose thread died is not tried again, it may have been the cause.
 */

import { BoundedQueue } from '../base/bounded-queue.ts';
import { failure } from '../base/errors.ts';
import type { Answer, Ask } from './ask.ts';
import { noShard } from './asks/system.ts';

export interface Job {
  readonly name: string;
  readonly meta: unknown;
  readonly body?: readonly Uint8Array[];
  /** Epoch milliseconds; 0 is never. */
  readonly deadlineMs?: number;
}

export interface JobsOptions {
  /** Numbers of the threads marked for jobs. */
  readonly threads: readonly number[];
  readonly isReady: (thread: number) => boolean;
  readonly askThread: (thread: number, ask: Ask) => Promise<Answer>;
  readonly perThreadMax?: number;
  readonly waitingMax?: number;
}

interface WaitingJob {
  readonly ask: Ask;
  readonly resolve: (answer: Answer) => void;
}

export class Jobs {
  readonly #options: JobsOptions;
  readonly #perThreadMax: number;
  readonly #waiting: BoundedQueue<WaitingJob>;
  readonly #running = new Map<number, number>();

  constructor(options: JobsOptions) {
    this.#options = options;
    this.#perThreadMax = options.perThreadMax ?? 1;
    this.#waiting = new BoundedQueue(options.waitingMax ?? 1_000);
    for (const thread of options.threads) this.#running.set(thread, 0);
  }

  get waitingCount(): number {
    return this.#waiting.count;
  }

  run(job: Job): Promise<Answer> {
    const ask: Ask = {
      shard: noShard,
      actor: '',
      name: job.name,
      key: '',
      class: 'short',
      lane: 'normal',
      deadlineMs: job.deadlineMs ?? 0,
      meta: job.meta,
      body: job.body ?? [],
    };
    return new Promise((resolve) => {
      if (!this.#waiting.push({ ask, resolve })) {
        resolve(failure('store-busy', 'too many jobs wait'));
      } else this.wake();
    });
  }

  /** Starts what waits on every thread that has room: after a job ended or a thread came. */
  wake(): void {
    while (this.#waiting.count > 0) {
      const thread = this.#freest();
      if (thread === undefined) return;
      const { ask, resolve } = this.#waiting.shift()!;
      this.#running.set(thread, this.#running.get(thread)! + 1);
      const asked = this.#options
        .askThread(thread, ask)
        .catch((error: unknown) => failure('store-failed', String(error)));
      void asked.then((answer) => {
        this.#running.set(thread, this.#running.get(thread)! - 1);
        resolve(answer);
        this.wake();
      });
    }
  }

  /** Answers what waits: the server goes down. */
  end(): void {
    for (const { resolve } of this.#waiting) resolve(failure('draining', 'the server goes down'));
    this.#waiting.clear();
  }

  #freest(): number | undefined {
    let freest: number | undefined;
    let least = this.#perThreadMax;
    for (const [thread, count] of this.#running) {
      if (count < least && this.#options.isReady(thread)) {
        freest = thread;
        least = count;
      }
    }
    return freest;
  }
}
