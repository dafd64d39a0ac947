/**
 * Drives sessions against a server: a closed loop (N sessions, each sends when it is free) or an
 * open one (messages start by a schedule, on free sessions or new ones).
 *
 * Runs in:   load generator.
 * Limits:    `sessionsMax` connections at once; a server that does not take connections for
 *            `patienceMs` ends the run; after `stop`, messages under way have `graceMs`.
 * Invariant: latency counts from the intended start, so a server that stalls is charged for the
 *            messages that had to wait (open loop). Every message is entered as injected before its
 *            first byte can leave.
 */

import { assert } from '../../base/assert.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { LedgerWriter } from '../ledger/ledger-writer.ts';
import type { Arrivals } from './arrivals.ts';
import type { LoadSession, Outcome, SessionEvents } from './load-session.ts';
import type { MessageSource } from './message-source.ts';
import type { Tally } from './tally.ts';

const graceMs = 10_000;
const retryFirstMs = 20;
const retryMsMax = 500;

export interface LoadRunOptions {
  /** Begins a session. It must not call back before it has returned. */
  readonly connect: (events: SessionEvents) => LoadSession;
  readonly source: MessageSource;
  readonly tally: Tally;
  readonly ledger: LedgerWriter | undefined;
  readonly clock: Clock;
  /** Wall time minus `clock.monotonicMs()`, for the ledger. */
  readonly epochMs: number;
  /** Closed loop: how many; open loop: how many at most. */
  readonly sessionsMax: number;
  /** Absent: a closed loop. */
  readonly arrivals: Arrivals | undefined;
  readonly durationMs: number;
  readonly countMax: number;
  /** Messages on one connection before it ends with QUIT. */
  readonly perConnection: number;
  /** How long the server may refuse connections, one after the other, before the run gives up. */
  readonly patienceMs: number;
}

export class LoadRun {
  readonly #options: LoadRunOptions;
  readonly #clock: Clock;
  readonly #sent = new Map<LoadSession, number>();
  readonly #idle: LoadSession[] = [];
  /** Intended starts that are due and wait for a session. */
  readonly #due: number[] = [];
  #dueHead = 0;
  #startedCount = 0;
  #beganMs = 0;
  #lastOutcomeMs = 0;
  #busyCount = 0;
  #isPlanned = false;
  #isStopping = false;
  #refusedSinceMs: number | undefined;
  #retryMs = retryFirstMs;
  #tick: Timer | undefined;
  #retry: Timer | undefined;
  readonly #ended = Promise.withResolvers<void>();

  constructor(options: LoadRunOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /** Resolves when all sessions have ended. */
  run(): Promise<void> {
    this.#beganMs = this.#clock.monotonicMs();
    this.#lastOutcomeMs = this.#beganMs;
    this.#options.tally.begin(this.#beganMs, this.#options.epochMs + this.#beganMs);
    if (Number.isFinite(this.#options.durationMs)) {
      this.#clock.setTimer(this.#options.durationMs, () => this.#endPlan());
    }
    if (this.#options.arrivals === undefined) this.#fill();
    else this.#turn();
    return this.#ended.promise;
  }

  /** From the first message to the last outcome. */
  get seconds(): number {
    return (this.#lastOutcomeMs - this.#beganMs) / 1000;
  }

  /** The schedule is over: an open loop still owes the messages that were due and had to wait. */
  #endPlan(): void {
    this.#isPlanned = true;
    if (this.#dueCount === 0 && this.#busyCount === 0) {
      this.stop();
      return;
    }
    if (this.#options.arrivals === undefined) {
      this.stop();
      return;
    }
    this.#clock.setTimer(graceMs, () => this.stop());
  }

  /** Messages whose intended start came and that never found a session. */
  get unstarted(): number {
    return this.#dueCount;
  }

  /** Starts no more messages; those under way may finish within `graceMs`. */
  stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#tick?.cancel();
    this.#retry?.cancel();
    for (const session of this.#idle.splice(0)) session.quit();
    this.#clock.setTimer(graceMs, () => {
      for (const session of this.#sent.keys()) session.destroy();
    });
    this.#endIfDone();
  }

  /** Closed loop: opens sessions until there are as many as asked for. */
  #fill(): void {
    while (this.#sent.size < this.#options.sessionsMax) this.#open();
  }

  /** Open loop: moves what is due to sessions, then waits for the next intended start. */
  #turn(): void {
    const { arrivals, durationMs } = this.#options;
    assert(arrivals !== undefined, 'only open loops turn');
    const nowMs = this.#clock.monotonicMs() - this.#beganMs;
    while (arrivals.nextMs <= nowMs && arrivals.nextMs < durationMs && this.#mayPlan()) {
      this.#due.push(arrivals.take());
    }
    this.#dispatch();
    if (this.#isStopping || arrivals.nextMs >= durationMs || !this.#mayPlan()) return;
    const waitMs = Math.max(0, this.#beganMs + arrivals.nextMs - this.#clock.monotonicMs());
    this.#tick = this.#clock.setTimer(waitMs, () => this.#turn());
  }

  #mayPlan(): boolean {
    return this.#startedCount + this.#dueCount < this.#options.countMax;
  }

  get #dueCount(): number {
    return this.#due.length - this.#dueHead;
  }

  #dispatch(): void {
    while (this.#dueCount > 0) {
      const session = this.#idle.pop();
      if (session === undefined) {
        // One new session for each message that waits, within the bound.
        const opening = this.#sent.size - this.#busyCount;
        const wanted = Math.min(
          this.#dueCount - opening,
          this.#options.sessionsMax - this.#sent.size,
        );
        for (let i = 0; i < wanted; i++) this.#open();
        return;
      }
      if (session.isIdle) this.#send(session, this.#takeDue());
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
    this.#options.tally.connections++;
    const session = this.#options.connect({
      onIdle: (each) => this.#onIdle(each),
      onOutcome: (each, outcome) => this.#onOutcome(each, outcome),
      onPhase: (phase, ms) => this.#options.tally.addPhase(phase, ms),
      onClose: (each, detail) => this.#onClose(each, detail),
    });
    this.#sent.set(session, 0);
  }

  #onIdle(session: LoadSession): void {
    this.#refusedSinceMs = undefined;
    this.#retryMs = retryFirstMs;
    const isSpent = this.#sent.get(session)! >= this.#options.perConnection;
    if (this.#isStopping || isSpent || this.#startedCount >= this.#options.countMax) {
      session.quit();
    } else if (this.#options.arrivals === undefined) {
      this.#send(session, this.#clock.monotonicMs() - this.#beganMs);
    } else {
      this.#idle.push(session);
      this.#dispatch();
    }
  }

  #send(session: LoadSession, intendedMs: number): void {
    this.#startedCount++;
    this.#busyCount++;
    const message = this.#options.source.next(this.#beganMs + intendedMs);
    this.#options.ledger?.append('injected', {
      id: message.id,
      sha256: message.sha256,
      bytes: message.bytes,
      to: message.to,
      intendedMs: this.#options.epochMs + message.intendedMs,
    });
    this.#sent.set(session, this.#sent.get(session)! + 1);
    session.send(message);
  }

  #onOutcome(_session: LoadSession, outcome: Outcome): void {
    this.#busyCount--;
    this.#lastOutcomeMs = outcome.endMs;
    this.#options.tally.addOutcome(outcome);
    if (this.#options.ledger !== undefined) this.#enter(outcome, this.#options.ledger);
    if (this.#busyCount > 0 || this.#dueCount > 0) return;
    if (this.#isPlanned || this.#startedCount >= this.#options.countMax) this.stop();
  }

  #enter(outcome: Outcome, ledger: LedgerWriter): void {
    const { id } = outcome.message;
    const atMs = this.#options.epochMs + outcome.endMs;
    if (outcome.acknowledged.length > 0) {
      const sentMs = this.#options.epochMs + outcome.sentMs;
      ledger.append('acknowledged', { id, to: outcome.acknowledged, sentMs, atMs });
    }
    for (const { to, reply } of outcome.refused) ledger.append('refused', { id, to, reply, atMs });
    // What was never sent whole cannot arrive: it counts as refused by the circumstances.
    if (outcome.unsent.length > 0) {
      ledger.append('refused', { id, to: outcome.unsent, reply: 'not sent', atMs });
    }
  }

  #onClose(session: LoadSession, detail: string): void {
    this.#sent.delete(session);
    const at = this.#idle.indexOf(session);
    if (at !== -1) this.#idle.splice(at, 1);
    this.#options.tally.addClosing(detail);
    if (this.#isStopping) {
      this.#endIfDone();
      return;
    }
    if (this.#startedCount >= this.#options.countMax) {
      this.#endIfDone();
      return;
    }
    if (detail === 'done') this.#refill();
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
    if (this.#sent.size === 0) this.#ended.resolve();
  }
}
