/**
 * Brings each ask to the thread that owns its shard, and its answer back.
 *
 * Runs in:   main thread.
 * Limits:    two parcels of a shard under way; backlogs as `BacklogLimits`; a full one answers `store-busy` at once.
 * Invariant: each ask is answered exactly once. Asks of one actor and lane leave in the order they came, and their
 *            answers arrive in it (a pending one aside: it left the order when it began to wait for the outside).
 */

import { type Failure, failure } from '../base/errors.ts';
import type { ShardId } from '../base/ids.ts';
import { shardId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { kibibyte, mebibyte } from '../base/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { Answer, Ask } from './ask.ts';
import { Backlog, type BacklogLimits } from './backlog.ts';
import { type Channel, type PortMessage, ThreadLostError } from './channel.ts';
import {
  type Entry,
  gone,
  isLate,
  newEntry,
  type OpenParcel,
  reply,
  replyLate,
  settle,
} from './entry.ts';
import { eachLate } from './late-answers.ts';
import { type PackedAnswer, ParcelError, packAsks, unpackAnswers } from './parcel.ts';
import { Trials } from './trials.ts';

const routerLimitsDefault = {
  countMax: 8_192,
  bytesMax: 32 * mebibyte,
  parcelBytesMax: 512 * kibibyte,
  longCountMax: 4,
  longPerActorMax: 1,
} as const satisfies BacklogLimits;

/** Asks of one parcel: a bound on how long one keeps the edge or a thread. */
const parcelAsksMax = 1_024;
/** How often deadlines of asks under way are looked at. */
const sweepMs = 250;

export interface RouterOptions {
  readonly channel: Channel;
  readonly shards: number;
  readonly owner: (shard: ShardId) => number;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<BacklogLimits>;
  /** Runs once the current turn is over. Tests replace it. */
  readonly defer?: (run: () => void) => void;
  /** Told the round trip of each parcel of short asks. */
  readonly onRoundTrip?: (thread: number, shard: ShardId, ms: number, asks: number) => void;
}

/** What the router knows of a thread. */
interface ThreadState {
  /** Parcels may leave for it. */
  isOpen: boolean;
  /** Parcels under way, pending asks included. */
  parcelCount: number;
  /** Changes when the thread is suspended or lost: what was begun before stops. */
  turn: number;
  /** Waits for `parcelCount` to become 0. */
  onIdle: (() => void) | undefined;
}

/** Since the start, for metrics. */
export interface RouterCounts {
  asks: number;
  parcels: number;
  /** Asks answered `store-busy` for want of room. */
  busy: number;
  /** Asks answered `store-failed` because what their thread answered could not be read. */
  unreadable: number;
}

export class Router {
  readonly counts: RouterCounts = { asks: 0, parcels: 0, busy: 0, unreadable: 0 };
  readonly #options: RouterOptions;
  readonly #channel: Channel;
  readonly #backlogs: Backlog[];
  readonly #threads: ThreadState[];
  readonly #trials: Trials;
  readonly #defer: (run: () => void) => void;
  /** By number: parcels that have an ask without its thread's answer. */
  readonly #open = new Map<number, OpenParcel>();
  #number = 0;
  #due: Backlog[] = [];
  #isSweeping = false;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#channel = options.channel;
    this.#defer = options.defer ?? setImmediate;
    const limits = { ...routerLimitsDefault, ...options.limits };
    this.#backlogs = Array.from(
      { length: options.shards },
      (_, i) => new Backlog(shardId(i), limits),
    );
    this.#threads = Array.from({ length: options.channel.threads }, () => ({
      isOpen: false,
      parcelCount: 0,
      turn: 0,
      onIdle: undefined,
    }));
    this.#trials = new Trials({
      threads: options.channel.threads,
      clock: options.clock,
      log: options.log,
      send: (thread, entry) => this.#send(thread, [entry], entry.backlog),
    });
  }

  /** The promise given is the only one made for an ask; it never rejects. */
  ask(ask: Ask): Promise<Answer> {
    return new Promise((resolve) => {
      const backlog = this.#backlogs[ask.shard];
      if (backlog === undefined) resolve(failure('argument-invalid', `no shard ${ask.shard}`));
      else if (backlog.refusal !== undefined) resolve(backlog.refusal);
      else if (!backlog.add(newEntry(ask, backlog, resolve))) {
        this.counts.busy++;
        resolve(busy);
      } else {
        this.counts.asks++;
        if (ask.deadlineMs !== 0 && !this.#isSweeping) this.#sweepLater();
        this.#touch(backlog);
      }
    });
  }

  /**
   * An ask to a thread, whatever it owns: for the system and for jobs. It leaves at once, in a parcel of its own, and
   * is not tried again when the thread dies.
   */
  askThread(thread: number, ask: Ask): Promise<Answer> {
    return new Promise((resolve) => {
      if (!this.#channel.isReady(thread)) resolve(gone);
      else {
        if (ask.deadlineMs !== 0 && !this.#isSweeping) this.#sweepLater();
        this.#send(thread, [newEntry(ask, undefined, resolve)], undefined);
      }
    });
  }

  backlog(shard: ShardId): Backlog {
    return this.#backlogs[shard]!;
  }

  /** Asks of the shard wait from now on; what is under way goes on. */
  hold(shard: ShardId): void {
    this.#backlogs[shard]!.isHeld = true;
  }

  release(shard: ShardId): void {
    const backlog = this.#backlogs[shard]!;
    backlog.isHeld = false;
    this.#touch(backlog);
  }

  /** Resolves when nothing of a held shard is under way. */
  drained(shard: ShardId): Promise<void> {
    const backlog = this.#backlogs[shard]!;
    if (backlog.openCount === 0) return Promise.resolve();
    return new Promise((resolve) => {
      backlog.onDrained = () => {
        backlog.onDrained = undefined;
        resolve();
      };
    });
  }

  /** Answers all that waits for the shard, and all that comes until `admit`: it cannot be opened. */
  refuse(shard: ShardId, answer: Failure): void {
    const backlog = this.#backlogs[shard]!;
    backlog.refusal = answer;
    backlog.clear((entry) => reply(entry, answer));
  }

  admit(shard: ShardId): void {
    this.#backlogs[shard]!.refusal = undefined;
  }

  /** Nothing more leaves for the thread; resolves when it has answered all, or is gone. */
  async suspend(thread: number): Promise<void> {
    const state = this.#threads[thread]!;
    state.isOpen = false;
    state.turn++;
    if (state.parcelCount === 0) return;
    await new Promise<void>((resolve) => {
      state.onIdle = resolve;
    });
  }

  /** Answers everything that still waits: the server goes down. */
  end(): void {
    for (const backlog of this.#backlogs) this.refuse(backlog.shard, draining);
    this.#trials.end(draining);
  }

  /** Asks that wait for the thread or are under way. */
  backlogCount(thread: number): number {
    let count = 0;
    for (const backlog of this.#backlogs) {
      if (this.#options.owner(backlog.shard) === thread) count += backlog.count + backlog.openCount;
    }
    return count;
  }

  /** How long the thread has owed the answers of its oldest parcel; 0 when it owes none. */
  waitMs(thread: number): number {
    const nowMs = this.#options.clock.monotonicMs();
    let longestMs = 0;
    for (const { shard, inFlight } of this.#backlogs) {
      const oldest = inFlight[0];
      if (oldest === undefined || this.#options.owner(shard) !== thread) continue;
      longestMs = Math.max(longestMs, nowMs - oldest.sentMs);
    }
    return longestMs;
  }

  isOpen(thread: number): boolean {
    return this.#threads[thread]!.isOpen;
  }

  #touch(backlog: Backlog): void {
    if (backlog.isDue || !backlog.mayLeave) return;
    backlog.isDue = true;
    if (this.#due.push(backlog) === 1) this.#defer(() => this.#flush());
  }

  #flush(): void {
    const due = this.#due;
    this.#due = [];
    const nowMs = this.#options.clock.nowMs();
    for (const backlog of due) {
      backlog.isDue = false;
      const thread = this.#options.owner(backlog.shard);
      if (!this.#threads[thread]!.isOpen) continue;
      while (backlog.mayLeave) {
        const { count } = backlog;
        const entries = backlog.take(nowMs, parcelAsksMax, replyLate);
        if (entries.length > 0) this.#send(thread, entries, backlog);
        // Only long asks are left, and none of them has its turn.
        else if (backlog.count === count) break;
      }
    }
  }

  #send(thread: number, entries: Entry[], backlog: Backlog | undefined): void {
    this.#number = (this.#number + 1) >>> 0;
    const parcel: OpenParcel = {
      number: this.#number,
      thread,
      entries,
      sentMs: this.#options.clock.monotonicMs(),
      isBack: false,
      openCount: entries.length,
      followers: [],
    };
    this.#open.set(parcel.number, parcel);
    this.#threads[thread]!.parcelCount++;
    this.counts.parcels++;
    backlog?.inFlight.push(parcel);
    const packed = packAsks(
      parcel.number,
      entries.map((entry) => entry.ask),
    );
    this.#channel.send(thread, packed).then(
      (answers) => this.#takeAnswers(parcel, answers, backlog),
      (error) => this.#takeError(parcel, error, backlog),
    );
  }

  #takeAnswers(parcel: OpenParcel, packed: ArrayBuffer, backlog: Backlog | undefined): void {
    // Answers that were on their way when the thread died: the asks are tried again already.
    if (!this.#open.has(parcel.number)) return;
    const count = parcel.entries.length;
    let answers: readonly PackedAnswer[];
    try {
      answers = unpackAnswers(packed).answers;
      if (answers.length !== count) throw new ParcelError(`${answers.length} answers to ${count}`);
    } catch (error) {
      this.#takeError(parcel, error, backlog);
      return;
    }
    parcel.isBack = true;
    if (backlog === undefined) this.#settleAll(parcel, answers, undefined);
    else {
      const { onRoundTrip, clock } = this.#options;
      onRoundTrip?.(parcel.thread, backlog.shard, clock.monotonicMs() - parcel.sentMs, count);
      const isFirst = backlog.inFlight[0] === parcel;
      backlog.land(parcel);
      this.#settleAll(parcel, answers, isFirst ? undefined : backlog.inFlight[0]);
      for (const { entry, answer } of parcel.followers) settle(entry, answer);
      parcel.followers = [];
      this.#touch(backlog);
    }
    if (parcel.openCount === 0) this.#forget(parcel);
  }

  /** Answers to actors that `earlier` has asks of wait for it: rare, so the set is made only here. */
  #settleAll(
    parcel: OpenParcel,
    answers: readonly PackedAnswer[],
    earlier: OpenParcel | undefined,
  ): void {
    const actors = new Set<string>();
    for (const entry of earlier?.entries ?? [])
      if (entry !== undefined) actors.add(entry.ask.actor);
    for (const follower of earlier?.followers ?? []) actors.add(follower.entry.ask.actor);
    for (let i = 0; i < answers.length; i++) {
      const answer = answers[i]!;
      const entry = parcel.entries[i];
      if (entry === undefined || 'pending' in answer) continue;
      parcel.entries[i] = undefined;
      parcel.openCount--;
      if (actors.has(entry.ask.actor)) earlier!.followers.push({ entry, answer });
      else settle(entry, answer);
    }
  }

  /** Answers that came by a thread's port. */
  takeLate(message: LateMessage, thread: number): void {
    let count = 0;
    const error = eachLate(message, (number, index, answer) => {
      const parcel = this.#open.get(number);
      const entry = parcel?.entries[index];
      if (parcel === undefined || entry === undefined) return;
      count++;
      parcel.entries[index] = undefined;
      parcel.openCount--;
      if (parcel.openCount === 0 && parcel.isBack) this.#forget(parcel);
      settle(entry, answer);
      if (entry.backlog !== undefined) this.#touch(entry.backlog);
    });
    if (error === undefined) return;
    this.counts.unreadable += count;
    this.#options.log.error({ error, thread, count }, 'late answers cannot be read');
  }

  /** A thread is gone: what it had is tried again once it is back. */
  lose(thread: number): void {
    const state = this.#threads[thread]!;
    state.isOpen = false;
    state.turn++;
    this.#takeBack(
      thread,
      Array.from(this.#open.values()).filter((parcel) => parcel.thread === thread),
    );
  }

  /** The thread is there and its shards are open: tries again what the last one had, then lets all else pass. */
  async resume(thread: number): Promise<void> {
    const state = this.#threads[thread]!;
    const { turn } = state;
    await this.#trials.run(thread, () => state.turn === turn);
    if (state.turn !== turn) return;
    state.isOpen = true;
    for (const backlog of this.#backlogs) {
      if (this.#options.owner(backlog.shard) === thread) this.#touch(backlog);
    }
  }

  #takeBack(thread: number, parcels: readonly OpenParcel[]): void {
    for (const parcel of parcels) {
      this.#forget(parcel);
      for (const entry of parcel.entries) entry?.backlog?.land(parcel);
    }
    this.#trials.takeBack(thread, parcels);
  }

  #forget(parcel: OpenParcel): void {
    const state = this.#threads[parcel.thread]!;
    this.#open.delete(parcel.number);
    state.parcelCount--;
    if (state.parcelCount > 0) return;
    state.onIdle?.();
    state.onIdle = undefined;
  }

  #takeError(parcel: OpenParcel, error: unknown, backlog: Backlog | undefined): void {
    if (!this.#open.has(parcel.number)) return;
    if (error instanceof ThreadLostError) {
      this.#takeBack(parcel.thread, [parcel]);
      return;
    }
    this.#options.log.error({ error, thread: parcel.thread }, 'a parcel was not answered');
    if (error instanceof ParcelError) this.counts.unreadable += parcel.openCount;
    this.#forget(parcel);
    const answer = failure('store-failed', error instanceof Error ? error.message : String(error));
    for (const entry of parcel.entries) if (entry !== undefined) settle(entry, answer);
    for (const follower of parcel.followers) settle(follower.entry, follower.answer);
    if (backlog === undefined) return;
    backlog.land(parcel);
    this.#touch(backlog);
  }

  #sweepLater(): void {
    this.#isSweeping = true;
    this.#options.clock.setTimer(sweepMs, () => this.#sweep());
  }

  /** Nobody waits past a deadline: not in a backlog, and not for a thread that is slow. */
  #sweep(): void {
    this.#isSweeping = false;
    const nowMs = this.#options.clock.nowMs();
    let isNeeded = this.#open.size > 0;
    for (const backlog of this.#backlogs) {
      backlog.expire(nowMs, replyLate);
      if (backlog.count > 0 || backlog.openCount > 0) isNeeded = true;
    }
    for (const parcel of this.#open.values()) {
      for (const entry of parcel.entries) {
        if (entry !== undefined && isLate(entry, nowMs)) replyLate(entry);
      }
    }
    this.#trials.expire(nowMs);
    if (isNeeded) this.#sweepLater();
  }
}

const busy: Failure = Object.freeze(failure('store-busy', 'backlog is full'));
const draining: Failure = Object.freeze(failure('draining', 'the server goes down'));

type LateMessage = Extract<PortMessage, { kind: 'late' }>;
