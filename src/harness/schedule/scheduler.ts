/**
 * Drives sessions against a server: a closed loop (N sessions, each begins a job when it is free) or an open one (jobs
 * begin by a schedule, on free sessions or new ones).
 *
 * Runs in:   load generator; time is an argument.
 * Limits:    `sessionsMax` connections at once; a server that refuses them is tried by one at a time (`BackOff`), for
 *            `patienceMs`; after `stop`, jobs under way have `graceMs`; past `dueCountMax` that wait, a job counts as
 *            never begun.
 * Invariant: a job of an open loop is given the start that the schedule meant, however late a session was free: so a
 *            server that stalls is charged for all that had to wait.
 */

import { assert } from '../../base/assert.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { LoadProtocol, LoadSession, SessionEvents } from '../load/protocol.ts';
import type { Recorder } from '../measure/recorder.ts';
import type { Arrivals } from './arrivals.ts';
import { BackOff } from './back-off.ts';
import { type Driver, graceMs } from './driver.ts';

/** Jobs that are due and wait for a session. */
const dueCountMaxDefault = 1_000_000;

/** Of a session that could not be given anything yet. */
const notOpened = -1;

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
  readonly dueCountMax?: number;
}

export class Scheduler implements Driver {
  readonly #options: ScheduleOptions;
  readonly #clock: Clock;
  readonly #events: SessionEvents;
  /** Of each session, how many jobs it was given; or `notOpened`. */
  readonly #given = new Map<LoadSession, number>();
  readonly #idle: LoadSession[] = [];
  /** Told to quit and not yet gone: they take no more jobs. */
  readonly #leaving = new Set<LoadSession>();
  /** Intended starts that are due and wait for a session. */
  readonly #due: number[] = [];
  #dueHead = 0;
  readonly #dueCountMax: number;
  #droppedCount = 0;
  #startedCount = 0;
  #beganMs = 0;
  #busyCount = 0;
  #isPlanned = false;
  #isStopping = false;
  stoppedMs = 0;
  readonly #backOff: BackOff;
  #tick: Timer | undefined;
  #retry: Timer | undefined;
  readonly #ended = Promise.withResolvers<void>();

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#dueCountMax = options.dueCountMax ?? dueCountMaxDefault;
    this.#backOff = new BackOff(options.patienceMs);
    this.#events = {
      onIdle: (session) => this.#onIdle(session),
      onFinished: () => this.#onFinished(),
      onClose: (session, detail) => this.#onClose(session, detail),
    };
  }

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

  get unstarted(): number {
    return this.#dueCount + this.#droppedCount;
  }

  stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.stoppedMs = this.#clock.monotonicMs();
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
    this.#open(this.#options.sessionsMax - this.#given.size);
  }

  /** Open loop: moves what is due to sessions, then waits for the next intended start. */
  #turn(): void {
    const { arrivals, durationMs } = this.#options;
    assert(arrivals !== undefined, 'only open loops turn');
    const nowMs = this.#clock.monotonicMs() - this.#beganMs;
    while (arrivals.nextMs <= nowMs && arrivals.nextMs < durationMs && this.#mayPlan()) {
      const atMs = arrivals.take();
      if (this.#dueCount < this.#dueCountMax) this.#due.push(atMs);
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
    return this.#doneWithCount + this.#dueCount < this.#options.countMax;
  }

  /** Jobs that wait for nothing any more: begun, or given up before that. */
  get #doneWithCount(): number {
    return this.#startedCount + this.#droppedCount;
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
        this.#open(wanted);
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

  #open(wanted: number): void {
    for (let left = this.#backOff.allow(wanted); left > 0; left--) {
      this.#options.recorder.connection();
      this.#given.set(this.#options.protocol.open(this.#events), notOpened);
    }
  }

  #onIdle(session: LoadSession): void {
    const given = this.#given.get(session)!;
    if (given === notOpened) {
      this.#given.set(session, 0);
      if (this.#backOff.opened() && !this.#isStopping) this.#refill();
    } else this.#backOff.served();
    const isSpent = given >= this.#options.perConnection;
    if (this.#isStopping || isSpent || this.#doneWithCount >= this.#options.countMax) {
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
    if (this.#isPlanned || this.#doneWithCount >= this.#options.countMax) this.stop();
  }

  #onClose(session: LoadSession, detail: string): void {
    const isRefused = this.#given.get(session) === notOpened;
    this.#given.delete(session);
    this.#leaving.delete(session);
    const at = this.#idle.indexOf(session);
    if (at !== -1) this.#idle.splice(at, 1);
    this.#options.recorder.closing(detail);
    if (this.#isStopping || this.#doneWithCount >= this.#options.countMax) this.#endIfDone();
    else if (detail === 'done') this.#refill();
    else this.#retryLater(isRefused);
  }

  #refill(): void {
    if (this.#options.arrivals === undefined) this.#fill();
    else this.#dispatch();
  }

  /** The server went away or refuses: tries again, ever more slowly, until patience ends. */
  #retryLater(isRefused: boolean): void {
    const waitMs = this.#backOff.failed(this.#clock.monotonicMs(), isRefused);
    if (waitMs === undefined) {
      this.stop();
      return;
    }
    this.#retry ??= this.#clock.setTimer(waitMs, () => {
      this.#retry = undefined;
      this.#backOff.retry();
      if (!this.#isStopping) this.#refill();
    });
  }

  #endIfDone(): void {
    if (this.#given.size === 0) this.#ended.resolve();
  }
}
