/**
 * One direction of a connection through a proxy: moves bytes as fast as both sides can, at a pace, or not at all.
 *
 * Runs in:   load generator, main thread.
 * Limits:    holds what one read brought; meanwhile it reads no more, so that a sender feels the pace.
 * Invariant: every byte comes out once and in order, whatever pace it was moved at.
 */

import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../ports/clock.ts';

/** How often a paced connection moves something. */
const sliceMs = 50;

/** Bytes a second; 0 moves nothing, Infinity all. */
export type Pace = number;

export class Pump {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #clock: Clock;
  #pace: Pace;
  #held: Buffer = Buffer.alloc(0);
  #hasEnded = false;
  /** Runs while what was moved last is to last. */
  #slice: Timer | undefined;

  constructor(from: Socket, to: Socket, pace: Pace, clock: Clock) {
    this.#from = from;
    this.#to = to;
    this.#pace = pace;
    this.#clock = clock;
    from.on('data', (bytes: Buffer) => this.#take(bytes));
    from.once('end', () => {
      this.#hasEnded = true;
      this.#move();
    });
    to.on('drain', () => this.#move());
    this.#move();
  }

  set pace(pace: Pace) {
    this.#pace = pace;
    this.#slice?.cancel();
    this.#slice = undefined;
    this.#move();
  }

  stop(): void {
    this.#slice?.cancel();
  }

  #take(bytes: Buffer): void {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    this.#move();
  }

  #move(): void {
    if (this.#isFree && this.#held.length > 0) this.#moveSlice();
    const mayRead = this.#isFree && this.#held.length === 0;
    if (!mayRead) this.#from.pause();
    else if (this.#hasEnded) this.#to.end();
    else this.#from.resume();
  }

  get #isFree(): boolean {
    return this.#pace > 0 && this.#slice === undefined && !this.#to.writableNeedDrain;
  }

  #moveSlice(): void {
    const whole = this.#held.length;
    const count = Math.min(whole, Math.max(1, Math.floor((this.#pace * sliceMs) / 1000)));
    this.#to.write(this.#held.subarray(0, count));
    this.#held = this.#held.subarray(count);
    if (this.#pace === Number.POSITIVE_INFINITY) return;
    this.#slice = this.#clock.setTimer((count / this.#pace) * 1000, () => {
      this.#slice = undefined;
      this.#move();
    });
  }
}
