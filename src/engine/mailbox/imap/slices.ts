/**
 * Long work of a thread in short slices: each takes its turn, so that all of it together holds the thread up for no
 * longer than one slice.
 *
 * Runs in:   engine threads.
 * Limits:    a slice lasts `sliceMs`, or `sliceBesideMs` while others ask; one slice runs in a turn of the loop,
 *            whatever shard or account it is for.
 * Invariant: who waits gets its slice in the order it came.
 */

import { MailError } from '../../../base/errors.ts';
import type { Clock } from '../../../ports/clock.ts';

const sliceMs = 2;
/** An ask takes several turns of the loop (parcel, write, sync, answer) and meets a slice in each. */
const sliceBesideMs = 0.25;
/** Others are taken to ask so long after their last ask. */
const besideMs = 20;

let askedMs = Number.NEGATIVE_INFINITY;

/** Asks came, or are answered: long work steps back for a while. `nowMs` on the monotonic clock. */
export function asksAreHere(nowMs: number): void {
  askedMs = nowMs;
}

function lengthAt(nowMs: number): number {
  return nowMs - askedMs < besideMs ? sliceBesideMs : sliceMs;
}

/** Work that says where it may be interrupted. */
export async function inSlices<Result>(
  slices: Slices,
  work: Generator<void, Result, void>,
): Promise<Result> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (slices.isOver) await slices.next();
  }
}

/** All long work of this thread that waits for its slice. */
const waiting: (() => void)[] = [];
let isTurning = false;

function turn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (isTurning) return;
    isTurning = true;
    setImmediate(runOne);
  });
}

function runOne(): void {
  waiting.shift()?.();
  isTurning = waiting.length > 0;
  if (isTurning) setImmediate(runOne);
}

export class Slices {
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #startMs: number;
  #endMs: number;

  /** `deadlineMs` 0: none. */
  constructor(clock: Clock, deadlineMs = 0) {
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
    this.#startMs = clock.monotonicMs();
    this.#endMs = this.#startMs + lengthAt(this.#startMs);
  }

  /** How long the work has lasted, waiting included. */
  get ms(): number {
    return this.#clock.monotonicMs() - this.#startMs;
  }

  get isOver(): boolean {
    return this.#clock.monotonicMs() >= this.#endMs;
  }

  /** Lets others run. @throws MailError `deadline-passed` */
  async next(): Promise<void> {
    await turn();
    if (this.#deadlineMs !== 0 && this.#clock.nowMs() > this.#deadlineMs) {
      throw new MailError('deadline-passed', 'it took too long');
    }
    const nowMs = this.#clock.monotonicMs();
    this.#endMs = nowMs + lengthAt(nowMs);
  }
}
