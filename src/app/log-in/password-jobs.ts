/**
 * Hashes of passwords wait here, not among the other jobs: mail never stands behind a row of guesses. Peers have their
 * turn one after the other: one that sends many checks waits behind itself.
 *
 * Runs in:   main thread.
 * Limits:    `waitingMax` wait. Where all places are taken, whoever has the most of them gives one up to who has fewer,
 *            and is answered `store-busy` at once; `runningMax` are with the job threads.
 * Invariant: a job is answered once.
 */

import type { Answer } from '../../actors/ask.ts';
import type { Job, Jobs } from '../../actors/jobs.ts';
import { failure } from '../../base/errors.ts';

/** At 40 ms each whoever is last waits for four seconds, which clients still do. */
export const passwordJobsWaitingMax = 100;
/** With one at the threads any other job waits for one hash at most. */
const runningMaxUsual = 1;
/** Passwords that are set, and hashed anew. */
const ownPeer = '';

interface Waiting {
  readonly job: Job;
  readonly resolve: (answer: Answer) => void;
}

const busy = failure('store-busy', 'too many passwords wait for their check');

export class PasswordJobs {
  readonly #jobs: Pick<Jobs, 'run'>;
  /** By peer, the oldest first; peers in the order of their turns. None is empty. */
  readonly #lines = new Map<string, Waiting[]>();
  #waitingCount = 0;
  readonly #runningMax: number;
  #running = 0;

  constructor(jobs: Pick<Jobs, 'run'>, runningMax = runningMaxUsual) {
    this.#jobs = jobs;
    this.#runningMax = runningMax;
  }

  get waitingCount(): number {
    return this.#waitingCount;
  }

  /** `peer`: who wants it, as `peerNetwork` names it. */
  run(job: Job, peer: string = ownPeer): Promise<Answer> {
    return new Promise((resolve) => {
      if (!this.#hasRoomFor(peer)) return resolve(busy);
      const line = this.#lines.get(peer);
      if (line === undefined) this.#lines.set(peer, [{ job, resolve }]);
      else line.push({ job, resolve });
      this.#waitingCount++;
      this.#next();
    });
  }

  /** Where there is none, takes the last place of whoever has the most. */
  #hasRoomFor(peer: string): boolean {
    if (this.#waitingCount < passwordJobsWaitingMax) return true;
    let longest: Waiting[] = [];
    for (const line of this.#lines.values()) if (line.length > longest.length) longest = line;
    // One more would make it the longest, or leave it as it is: nothing would be fairer.
    if ((this.#lines.get(peer)?.length ?? 0) + 1 >= longest.length) return false;
    longest.pop()!.resolve(busy);
    this.#waitingCount--;
    return true;
  }

  #shift(): Waiting | undefined {
    const [first] = this.#lines;
    if (first === undefined) return undefined;
    const [peer, line] = first;
    const waiting = line.shift();
    this.#lines.delete(peer);
    if (line.length > 0) this.#lines.set(peer, line);
    this.#waitingCount--;
    return waiting;
  }

  #next(): void {
    while (this.#running < this.#runningMax) {
      const waiting = this.#shift();
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
