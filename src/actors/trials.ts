/**
 * Finds which ask ends threads: what a dead thread had is tried again one ask at a time, and only the killer is set
 * aside.
 *
 * Runs in:   main thread.
 * Limits:    an ask that waits for the outside holds the next one up for `trialMsMax`; one that was there at
 *            `deathCountMax` deaths is set aside though it never was alone.
 * Invariant: asks are tried in the order they first left.
 */

import { failure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../ports/clock.ts';
import type { Answer } from './ask.ts';
import { type Entry, gone, isLate, late, type OpenParcel, replyLate, settle } from './entry.ts';

const trialMsMax = 1_000;
const deathCountMax = 3;

interface Trial {
  isRunning: boolean;
  /** Oldest first. */
  suspects: Entry[];
}

export interface TrialsOptions {
  readonly threads: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly send: (thread: number, entry: Entry) => void;
}

export class Trials {
  readonly #options: TrialsOptions;
  readonly #trials: Trial[];

  constructor(options: TrialsOptions) {
    this.#options = options;
    this.#trials = Array.from({ length: options.threads }, () => ({
      isRunning: false,
      suspects: [],
    }));
  }

  /** Takes what a dead thread had: parcels in the order they left. */
  takeBack(thread: number, parcels: readonly OpenParcel[]): void {
    const trial = this.#trials[thread]!;
    let count = 0;
    for (const parcel of parcels) count += parcel.openCount;
    const isKiller = trial.isRunning && count === 1;
    for (const parcel of parcels) {
      for (const entry of parcel.entries) {
        if (entry !== undefined) this.#judge(trial, entry, isKiller);
      }
      // Their answers were not given yet: asked again after the one they waited for, they keep their order.
      for (const { entry } of parcel.followers) trial.suspects.push(entry);
    }
  }

  /** Tries all suspects, as long as the thread lives its present life. */
  async run(thread: number, isPresent: () => boolean): Promise<void> {
    const trial = this.#trials[thread]!;
    const waiting = trial.suspects;
    trial.suspects = [];
    trial.isRunning = true;
    let index = 0;
    for (; index < waiting.length && isPresent(); index++) {
      const entry = waiting[index]!;
      const isOver = entry.isAnswered || isLate(entry, this.#options.clock.nowMs());
      if (isOver) settle(entry, late);
      else await this.#try(thread, entry);
    }
    // After another death: what was under way then stands in the list already, and came first.
    trial.suspects.push(...waiting.slice(index));
    trial.isRunning = false;
  }

  /** Answers those past their deadline; they stay in the list until it is their turn. */
  expire(nowMs: number): void {
    for (const { suspects } of this.#trials) {
      for (const entry of suspects) if (isLate(entry, nowMs)) replyLate(entry);
    }
  }

  /** Answers all that were not tried. */
  end(answer: Answer): void {
    for (const trial of this.#trials) {
      for (const entry of trial.suspects) settle(entry, answer);
      trial.suspects = [];
    }
  }

  #judge(trial: Trial, entry: Entry, isKiller: boolean): void {
    entry.deathCount++;
    if (entry.backlog === undefined) settle(entry, gone);
    else if (isKiller || entry.deathCount >= deathCountMax) this.#setAside(entry);
    else if (entry.isAnswered) settle(entry, late);
    else {
      trial.suspects.push(entry);
      entry.onSettled?.();
    }
  }

  #setAside(entry: Entry): void {
    const { name, actor, key, shard } = entry.ask;
    const fields = { ask: name, actor, key, shard };
    this.#options.log.error(fields, 'an ask that ends threads is set aside');
    settle(entry, failure('poison-ask', `${name} ended a thread`));
  }

  /** Resolves when the ask has its thread's answer, the thread died of it, or it waits too long for the outside. */
  #try(thread: number, entry: Entry): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimer(trialMsMax, resolve);
      entry.onSettled = () => {
        timer.cancel();
        resolve();
      };
      this.#options.send(thread, entry);
    });
  }
}
