/**
 * Drives sessions against a server: a closed loop (N sessions, each begins a job when it is free) or an open one (jobs
 * begin by a schedule, on free sessions or new ones).
 *
 * Runs in:   load generator; time is an argument.
 * Limits:    `sessionsMax` connections at once; a server that does not take connections for `patienceMs` ends the run;
 *            after `stop`, jobs under way have `graceMs`; past `dueCountMax` that wait, a job counts as never begun.
 * Invariant: a job of an open loop is given the start that the schedule meant, however late a session was free: so a
 *            server that stalls is charged for all that had to wait.
 */

import { assert } from '../../base/assert.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { LoadProtocol, LoadSession, SessionEvents } from '../load/protocol.ts';
import type { Recorder } from '../measure/recorder.ts';
import type { Arrivals } from './arrivals.ts';

/** Jobs that are due and wait for a session. */
export const dueCountMax = 1_000_000;
const graceMs = 10_000;
const retryFirstMs = 20;
const retryMsMax = 500;

export interface ScheduleOptions {
  readonly protocol: LoadProtocol;
  readonly recorder: Pick<Recorder, 'connection' | 'closing'>;
  readonly clock: Clock;
  /** Closed loop: how many; open loop: how many at most. */
  readonly sessionsMax: number;
  /** Absent: a closed loop. */
  readonly arrivals: Arrivals | undefined;
  readonly durationMs: number;
  readonly countMax: number;
  /** Jobs on one connection before it ends in order. */
  readonly perConnection: number;
  /** How long the server may refuse connections, one after the other, before the run gives up. */
  readonly patienceMs: number;
}

export class Scheduler {
  readonly #options: ScheduleOptions;
  readonly #clock: Clock;
  readonly #events: SessionEvents;
  /** Of each open session, how many jobs it was given. */
  readonly #given = new Map<LoadSession, number>();
  readonly #idle: LoadSession[] = [];
  /** Told to quit and not yet gone: they take no more jobs. */
  readonly #leaving = new Set<LoadSession>();
  /** Intended starts that are due and wait for a session. */
  readonly #due: number[] = [];
  #dueHead = 0;
  #droppedCount = 0;
  #startedCount = 0;
  #beganMs = 0;
  #busyCount = 0;
  #isPlanned = false;
  #isStopping = false;
  #refusedSinceMs: number | undefined;
  #retryMs = retryFirstMs;
  #tick: Timer | undefined;
  #retry: Timer | undefined;
  readonly #ended = Promise.withResolvers<void>();

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#events = {
      onIdle: (session) => this.#onIdle(session),
      onFinished: () => this.#onFinished(),
      onClose: (session, detail) => this.#onClose(session, detail),
    };
  }

  /** Resolves when all sessions have ended. */
  run(): Promise<void> {
    this.#beganMs = this.#clock.monotonicMs();
    if (Number.isFinite(this.#options.durationMs)) {
      this.#clock.setTimer(this.#options.durationMs, () => this.#endPlan());
    }
    if (this.#options.arrivals === undefined) this.#fill();
    else this.#turn();
    return this.#ended.promise;
  }

  /** The schedule is over: an open loop still owes the jobs that were due and had to wait. */
  #endPlan(): void {
    this.#isPlanned = true;
    const isOwing = this.#dueCount > 0 || this.#busyCount > 0;
    if (this.#options.arrivals === undefined || !isOwing) {
      this.stop();
      return;
    }
    this.#clock.setTimer(graceMs, () => this.stop());
  }

  /** Jobs whose intended start came and that never found a session. */
  get unstarted(): number {
    return this.#dueCount + this.#droppedCount;
  }

  /** Begins no more jobs; those under way may finish within `graceMs`. */
  stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#tick?.cancel();
    this.#retry?.cancel();
    for (const session of this.#idle.splice(0)) this.#quit(session);
    this.#clock.setTimer(graceMs, () => {
      for (const session of this.#given.keys()) session.destroy();
    });
    this.#endIfDone();
  }

  /** Closed loop: opens sessions until there are as many as asked for. */
  #fill(): void {
    while (this.#given.size < this.#options.sessionsMax) this.#open();
  }

  /** Open loop: moves what is due to sessions, then waits for the next intended start. */
  #turn(): void {
    const { arrivals, durationMs } = this.#options;
    assert(arrivals !== undefined, 'only open loops turn');
    const nowMs = this.#clock.monotonicMs() - this.#beganMs;
    while (arrivals.nextMs <= nowMs && arrivals.nextMs < durationMs && this.#mayPlan()) {
      const atMs = arrivals.take();
      if (this.#dueCount < dueCountMax) this.#due.push(atMs);
      else this.#droppedCount++;
    }
    this.#dispatch();
    if (this.#isStopping) return;
    if (arrivals.nextMs >= durationMs || !this.#mayPlan()) {
      // A trace or the last stage may end before the duration does.
      if (arrivals.nextMs === Infinity) this.#endPlan();
      return;
    }
    const waitMs = Math.max(0, this.#beganMs + arrivals.nextMs - this.#clock.monotonicMs());
    this.#tick = this.#clock.setTimer(waitMs, () => this.#turn());
  }

  #mayPlan(): boolean {
    const count = this.#startedCount + this.#dueCount + this.#droppedCount;
    return count < this.#options.countMax;
  }

  get #dueCount(): number {
    return this.#due.length - this.#dueHead;
  }

  #dispatch(): void {
    while (this.#dueCount > 0) {
      const session = this.#idle.pop();
      if (session === undefined) {
        // One new session for each job that waits, within the bound.
        const opening = this.#given.size - this.#busyCount - this.#leaving.size;
        const wanted = Math.min(
          this.#dueCount - opening,
          this.#options.sessionsMax - this.#given.size,
        );
        for (let i = 0; i < wanted; i++) this.#open();
        return;
      }
      if (session.isIdle) this.#start(session, this.#beganMs + this.#takeDue());
      // Its server said good-bye, and has yet to close.
      else this.#leaving.add(session);
    }
  }

  #takeDue(): number {
    const atMs = this.#due[this.#dueHead++]!;
    if (this.#dueHead > 1024 && this.#dueHead * 2 > this.#due.length) {
      this.#due.splice(0, this.#dueHead);
      this.#dueHead = 0;
    }
    return atMs;
  }

  #open(): void {
    this.#options.recorder.connection();
    this.#given.set(this.#options.protocol.open(this.#events), 0);
  }

  #onIdle(session: LoadSession): void {
    this.#refusedSinceMs = undefined;
    this.#retryMs = retryFirstMs;
    const isSpent = this.#given.get(session)! >= this.#options.perConnection;
    if (this.#isStopping || isSpent || this.#startedCount >= this.#options.countMax) {
      this.#quit(session);
    } else if (this.#options.arrivals === undefined) {
      this.#start(session, this.#clock.monotonicMs());
    } else {
      this.#idle.push(session);
      this.#dispatch();
    }
  }

  #quit(session: LoadSession): void {
    this.#leaving.add(session);
    session.quit();
  }

  #start(session: LoadSession, intendedMs: number): void {
    this.#startedCount++;
    this.#busyCount++;
    this.#given.set(session, this.#given.get(session)! + 1);
    session.start(intendedMs);
  }

  #onFinished(): void {
    this.#busyCount--;
    if (this.#busyCount > 0 || this.#dueCount > 0) return;
    if (this.#isPlanned || this.#startedCount >= this.#options.countMax) this.stop();
  }

  #onClose(session: LoadSession, detail: string): void {
    this.#given.delete(session);
    this.#leaving.delete(session);
    const at = this.#idle.indexOf(session);
    if (at !== -1) this.#idle.splice(at, 1);
    this.#options.recorder.closing(detail);
    if (this.#isStopping || this.#startedCount >= this.#options.countMax) this.#endIfDone();
    else if (detail === 'done') this.#refill();
    else this.#retryLater();
  }

  #refill(): void {
    if (this.#options.arrivals === undefined) this.#fill();
    else this.#dispatch();
  }

  /** The server went away or refuses: tries again, ever more slowly, until patience ends. */
  #retryLater(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#refusedSinceMs ??= nowMs;
    if (nowMs - this.#refusedSinceMs > this.#options.patienceMs) {
      this.stop();
      return;
    }
    if (this.#retry !== undefined) return;
    this.#retry = this.#clock.setTimer(this.#retryMs, () => {
      this.#retry = undefined;
      this.#retryMs = Math.min(retryMsMax, this.#retryMs * 2);
      if (!this.#isStopping) this.#refill();
    });
  }

  #endIfDone(): void {
    if (this.#given.size === 0) this.#ended.resolve();
  }
}
