/**
 * Carries the overlay into the index, a batch at a time, behind the journal.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    one commit under way, in its turn; the next waits for `indexDelayMs`, or `batchDelayMs` at `indexChangesBatch`, or
 *            not at all where the overlay is full.
 * Invariant: a batch holds only changes whose records are on disk, and the position they reach;
 *            that position never passes the floor. A failed commit is tried again with the same
 *            batch: nothing is lost, the index lags.
 */

import type { Log } from '../../base/log.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import { appliedChange } from './applied.ts';
import type { IndexTurns } from './index-turns.ts';
import type { JournalPosition } from './journal/journal.ts';
import type { StoreLimits } from './limits.ts';
import type { Overlay } from './overlay.ts';

/** Positions remembered between the index and the journal's end; thinned out above. */
const positionsMax = 4_096;
/** A full batch takes milliseconds of the thread: whoever appended last is answered first, and goes on. */
const batchDelayMs = 20;

export interface IndexWriterOptions {
  readonly index: ShardIndex;
  readonly overlay: Overlay;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: StoreLimits;
  /** Lowest sequence that must still be replayed; the applied position stays before it. */
  readonly floor: () => number;
  /** Shared with the thread's other shards; absent: nobody else commits. */
  readonly turns?: IndexTurns | undefined;
}

export class IndexWriter {
  readonly #options: IndexWriterOptions;
  /** Ends of parcels whose changes are in the overlay, oldest first. */
  #positions: JournalPosition[] = [];
  /** Positions from this sequence on were reached in this turn: who appended has not been answered yet. */
  #freshFrom = Number.POSITIVE_INFINITY;
  #applied: JournalPosition | undefined;
  /** The batch under way, kept for another try. */
  #batch: readonly IndexChange[] | undefined;
  #batchPosition: JournalPosition | undefined;
  #running: Promise<void> | undefined;
  #timer: Timer | undefined;
  #timerMs = 0;
  #waiters: (() => void)[] = [];
  #failure: string | undefined;
  #isClosed = false;
  #isLettingPass = false;
  /** False in a damaged shard: what is replayed there must be replayed again after its repair. */
  isAppliedStored = true;

  constructor(options: IndexWriterOptions, applied: JournalPosition | undefined) {
    this.#options = options;
    this.#applied = applied;
  }

  get applied(): JournalPosition | undefined {
    return this.#applied;
  }

  /** Why the last commit failed; absent when it did not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  get isFull(): boolean {
    if (this.#isLettingPass) return false;
    return this.#options.overlay.changeCount >= this.#options.limits.overlayChangesMax;
  }

  /**
   * Changes of all records before `position` are in the overlay now. It counts from the next turn on: who appended
   * them raises the floor when the answer comes, and a commit in between would pass what is kept in memory alone.
   */
  reached(position: JournalPosition): void {
    if (this.#freshFrom === Number.POSITIVE_INFINITY) {
      this.#freshFrom = position.sequence;
      setImmediate(() => {
        this.#freshFrom = Number.POSITIVE_INFINITY;
        if (!this.#isClosed) this.schedule();
      });
    }
    const positions = this.#positions;
    positions.push(position);
    if (positions.length > positionsMax) {
      this.#positions = positions.filter((_, i) => i % 2 === 1 || i === positions.length - 1);
    }
    this.schedule();
  }

  schedule(): void {
    if (this.#isClosed || this.#running !== undefined || this.#failure !== undefined) return;
    const { overlay, limits, clock } = this.#options;
    const count = overlay.fillingCount;
    if (this.isFull) {
      void this.#run();
      return;
    }
    const delayMs =
      count >= limits.indexChangesBatch
        ? Math.min(batchDelayMs, limits.indexDelayMs)
        : count > 0
          ? limits.indexDelayMs
          : limits.appliedDelayMs;
    if (this.#timer !== undefined && this.#timerMs <= delayMs) return;
    this.#timer?.cancel();
    this.#timerMs = delayMs;
    this.#timer = clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      void this.#run();
    });
  }

  /** Resolves when the overlay is below its bound again. */
  room(): Promise<void> {
    if (!this.isFull) return Promise.resolve();
    this.schedule();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** The shard is closing: what waits is written and not held back by an index that fails. */
  letPass(): void {
    this.#isLettingPass = true;
    this.#wake();
  }

  /** Everything reached so far is in the index, or this rejects with the index's fault. All appends are answered. */
  async drain(): Promise<void> {
    this.#freshFrom = Number.POSITIVE_INFINITY;
    while (this.#options.overlay.changeCount > 0 || this.#nextPosition() !== undefined) {
      await this.#run();
      if (this.#failure !== undefined) throw new Error(this.#failure);
    }
  }

  /** Commits once more what there is now, within the floor; a failure is kept as of any other commit. */
  async commitNow(): Promise<void> {
    while (this.#freshFrom !== Number.POSITIVE_INFINITY) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.#running;
    await this.#run();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#running;
  }

  #run(): Promise<void> {
    const { turns } = this.#options;
    const commit = () => this.#commit();
    this.#running ??= (turns === undefined ? commit() : turns.take(commit)).finally(() => {
      this.#running = undefined;
      this.#wake();
      if (!this.#isClosed && this.#hasWork()) this.schedule();
    });
    return this.#running;
  }

  #hasWork(): boolean {
    return this.#options.overlay.changeCount > 0 || this.#nextPosition() !== undefined;
  }

  async #commit(): Promise<void> {
    const { overlay, index, log } = this.#options;
    if (this.#batch === undefined) {
      const position = this.#nextPosition();
      if (overlay.fillingCount === 0 && position === undefined) return;
      const changes = overlay.take();
      this.#batchPosition = position;
      this.#batch = position === undefined ? changes : [...changes, appliedChange(position)];
    }
    try {
      await index.commit(this.#batch);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      if (this.#failure === undefined) log.warn({ detail }, 'the index failed and lags');
      this.#failure = detail;
      this.#retryLater();
      return;
    }
    if (this.#failure !== undefined) log.info({}, 'the index catches up');
    this.#failure = undefined;
    overlay.committed();
    if (this.#batchPosition !== undefined) this.#settle(this.#batchPosition);
    this.#batch = undefined;
    this.#batchPosition = undefined;
  }

  #settle(position: JournalPosition): void {
    this.#applied = position;
    const next = this.#positions.findIndex((other) => other.sequence > position.sequence);
    this.#positions = next === -1 ? [] : this.#positions.slice(next);
  }

  /** The newest position that does not pass the floor; `undefined` when that is no news. */
  #nextPosition(): JournalPosition | undefined {
    if (!this.isAppliedStored) return undefined;
    const floor = Math.min(this.#options.floor(), this.#freshFrom);
    const position = this.#positions.findLast((other) => other.sequence < floor);
    return position;
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    const { clock, limits } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(limits.retryDelayMs, () => {
      this.#timer = undefined;
      void this.#run();
    });
  }

  #wake(): void {
    if (this.isFull) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
