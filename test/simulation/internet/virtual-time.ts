/**
 * The clock of a simulated Internet: it stands while anything can still run, then goes to the next timer at once.
 *
 * `setImmediate` is the simulation's own while it runs, so that "nothing can run any more" is known and not guessed;
 * promises are given their turn by the true one.
 *
 * Limits:    instants are whole milliseconds: a timer fires at the first one that is not before its time.
 * Invariant: timers of one instant fire in the order they were set; the same program runs the same way each time.
 */

import type { Clock, Timer } from '../../../src/ports/clock.ts';

/** One object a timer: a message sets dozens. */
class SetTimer implements Timer {
  run: (() => void) | undefined;

  constructor(run: () => void) {
    this.run = run;
  }

  cancel(): void {
    this.run = undefined;
  }
}

/** Turns in one round of the true event loop, each followed by all promises that are ready. */
const turnsPerRound = 64;
const startMs = Date.UTC(2026, 0, 1);

export class VirtualTime implements Clock {
  #elapsedMs = 0;
  readonly #timers = new Map<number, SetTimer[]>();
  /** Instants that have timers: a binary heap. */
  readonly #instants: number[] = [];
  #soon: (() => void)[] = [];
  turns = 0;

  nowMs(): number {
    return startMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, run: () => void): Timer {
    const timer = new SetTimer(run);
    const dueMs = Math.ceil(this.#elapsedMs + Math.max(0, delayMs));
    const others = this.#timers.get(dueMs);
    if (others === undefined) {
      this.#timers.set(dueMs, [timer]);
      this.#push(dueMs);
    } else others.push(timer);
    return timer;
  }

  after(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.setTimer(delayMs, resolve);
    });
  }

  /** Runs all that happens until `isOver` says so; it is asked before time goes on. */
  run(isOver: () => boolean): Promise<void> {
    const trueImmediate = globalThis.setImmediate;
    const ours = (run: (...args: unknown[]) => void, ...args: unknown[]) => {
      this.#soon.push(args.length === 0 ? run : () => run(...args));
    };
    globalThis.setImmediate = ours as unknown as typeof setImmediate;
    return new Promise((resolve, reject) => {
      let isEnded = false;
      const turn = (): void => {
        if (isEnded) return;
        try {
          isEnded = !this.#turn(isOver);
        } catch (error) {
          isEnded = true;
          reject(error);
        }
        if (!isEnded) return;
        globalThis.setImmediate = trueImmediate;
        resolve();
      };
      const round = (): void => {
        if (isEnded) return;
        for (let i = 0; i < turnsPerRound; i++) trueImmediate(turn);
        trueImmediate(round);
      };
      round();
    });
  }

  /** False when it is over, or when nothing will ever happen again. */
  #turn(isOver: () => boolean): boolean {
    this.turns++;
    if (this.#soon.length > 0) {
      const now = this.#soon;
      this.#soon = [];
      for (const run of now) run();
      return true;
    }
    if (isOver()) return false;
    while (this.#instants.length > 0) {
      const dueMs = this.#pop();
      const due = this.#timers.get(dueMs)!;
      this.#timers.delete(dueMs);
      // Most timers are time-outs, and cancelled: nothing can come of an instant that has no other.
      if (!due.some(({ run }) => run !== undefined)) continue;
      this.#elapsedMs = dueMs;
      for (const timer of due) timer.run?.();
      return true;
    }
    return false;
  }

  #push(instant: number): void {
    const heap = this.#instants;
    let at = heap.push(instant) - 1;
    while (at > 0) {
      const above = (at - 1) >>> 1;
      if (heap[above]! <= instant) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = instant;
  }

  #pop(): number {
    const heap = this.#instants;
    const least = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return least;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1]! < heap[below]!) below++;
      if (heap[below]! >= last) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return least;
  }
}
