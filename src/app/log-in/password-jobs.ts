/**
 * Hashes of passwords wait here, not among the other jobs: mail never stands behind a row of guesses. Peers have their
 * turn one after the other: one that sends many checks waits behind itself.
 *
 * Runs in:   main thread.
 * Limits:    `passwordJobsWaitingMax` wait, `strangersWaitingMax` of them of strangers. Where all places are taken,
 *            whoever has the most of them gives one up to who has fewer, and is answered `store-busy` at once;
 *            `runningMax` are with the job threads.
 * Invariant: a job is answered once. However many strangers come, they take no place from who is known: of a peer that
 *            got into the same account before, and of what this server wants for itself.
 */

import type { Answer } from '../../actors/ask.ts';
import type { Job, Jobs } from '../../actors/jobs.ts';
import { failure } from '../../base/errors.ts';

/** At 40 ms each whoever is last waits for four seconds, which clients still do. */
export const passwordJobsWaitingMax = 100;
/** The rest is kept for those that are known. */
export const strangersWaitingMax = 60;
/** With one at the threads any other job waits for one hash at most. */
const runningMaxUsual = 1;
/** Passwords that are set, and hashed anew. */
const own: Wanting = { peer: '', isKnown: true };

interface Waiting {
  readonly job: Job;
  readonly resolve: (answer: Answer) => void;
}

interface Line {
  readonly isKnown: boolean;
  /** The oldest first; never empty. */
  readonly waiting: Waiting[];
}

export interface Wanting {
  /** As `peerNetwork` names it. */
  readonly peer: string;
  /** It got into the account it names before. */
  readonly isKnown: boolean;
}

const busy = failure('store-busy', 'too many passwords wait for their check');

export class PasswordJobs {
  readonly #jobs: Pick<Jobs, 'run'>;
  /** By peer and whether it is known, in the order of their turns. */
  readonly #lines = new Map<string, Line>();
  readonly #counts = { known: 0, strange: 0 };
  readonly #runningMax: number;
  #running = 0;

  constructor(jobs: Pick<Jobs, 'run'>, runningMax = runningMaxUsual) {
    this.#jobs = jobs;
    this.#runningMax = runningMax;
  }

  get waitingCount(): number {
    return this.#counts.known + this.#counts.strange;
  }

  run(job: Job, wanting: Wanting = own): Promise<Answer> {
    return new Promise((resolve) => {
      if (!this.#hasRoomFor(wanting)) return resolve(busy);
      const key = keyOf(wanting);
      const line = this.#lines.get(key);
      const { isKnown } = wanting;
      if (line === undefined) this.#lines.set(key, { isKnown, waiting: [{ job, resolve }] });
      else line.waiting.push({ job, resolve });
      this.#count(isKnown, 1);
      this.#next();
    });
  }

  /** Where there is none, takes the last place of whoever has the most: of strangers first. */
  #hasRoomFor(wanting: Wanting): boolean {
    const { isKnown } = wanting;
    const isFull = this.waitingCount >= passwordJobsWaitingMax;
    if (!isFull && (isKnown || this.#counts.strange < strangersWaitingMax)) return true;
    const [key, longest] = this.#longest(isKnown && this.#counts.strange === 0);
    const length = longest?.waiting.length ?? 0;
    // One more would make it the longest, or leave it as it is: nothing would be fairer.
    const ownLength = this.#lines.get(keyOf(wanting))?.waiting.length ?? 0;
    const isFairer = isKnown !== longest?.isKnown || ownLength + 1 < length;
    if (longest === undefined || !isFairer) return false;
    longest.waiting.pop()!.resolve(busy);
    if (longest.waiting.length === 0) this.#lines.delete(key);
    this.#count(longest.isKnown, -1);
    return true;
  }

  #longest(isKnown: boolean): readonly [string, Line | undefined] {
    let found: readonly [string, Line | undefined] = ['', undefined];
    for (const each of this.#lines) {
      const [, line] = each;
      if (line.isKnown !== isKnown) continue;
      if (line.waiting.length > (found[1]?.waiting.length ?? 0)) found = each;
    }
    return found;
  }

  #count(isKnown: boolean, more: number): void {
    this.#counts[isKnown ? 'known' : 'strange'] += more;
  }

  #shift(): Waiting | undefined {
    const [first] = this.#lines;
    if (first === undefined) return undefined;
    const [key, line] = first;
    const waiting = line.waiting.shift();
    this.#lines.delete(key);
    if (line.waiting.length > 0) this.#lines.set(key, line);
    this.#count(line.isKnown, -1);
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

function keyOf({ peer, isKnown }: Wanting): string {
  return `${isKnown ? 'known' : 'strange'} ${peer}`;
}
