/**
 * Hashes of passwords wait here, not among the other jobs: mail never stands behind a row of guesses.
 *
 * Runs in:   main thread.
 * Limits:    `waitingMax` wait, and a full queue answers `store-busy` at once; `runningMax` are with the job threads.
 * Invariant: a job is answered once.
 */

import type { Answer } from '../../actors/ask.ts';
import type { Job, Jobs } from '../../actors/jobs.ts';
import { BoundedQueue } from '../../base/bounded-queue.ts';
import { failure } from '../../base/errors.ts';

/** At 40 ms each whoever is last waits for four seconds, which clients still do. */
export const passwordJobsWaitingMax = 100;
/** With one at the threads any other job waits for one hash at most. */
const runningMax = 1;

interface Waiting {
  readonly job: Job;
  readonly resolve: (answer: Answer) => void;
}

export class PasswordJobs {
  readonly #jobs: Pick<Jobs, 'run'>;
  readonly #waiting = new BoundedQueue<Waiting>(passwordJobsWaitingMax);
  #running = 0;

  constructor(jobs: Pick<Jobs, 'run'>) {
    this.#jobs = jobs;
  }

  get waitingCount(): number {
    return this.#waiting.count;
  }

  run(job: Job): Promise<Answer> {
    return new Promise((resolve) => {
      if (!this.#waiting.push({ job, resolve })) {
        resolve(failure('store-busy', 'too many passwords wait for their check'));
      } else this.#next();
    });
  }

  #next(): void {
    while (this.#running < runningMax) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) return;
      this.#running++;
      const checked = this.#jobs
        .run(waiting.job)
        .catch((error: unknown) => failure('store-failed', String(error)));
      void checked.then((answer) => {
        this.#running--;
        waiting.resolve(answer);
        this.#next();
      });
    }
  }
}
