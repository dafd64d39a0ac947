/**
 * A line now and then on standard error: how far a long command is, and how fast.
 *
 * Runs in:   the CLI's process.
 */

import { type Output, size } from './output.ts';

const everyMs = 2_000;

export class Progress {
  readonly #output: Output;
  readonly #startMs = Date.now();
  #toldMs = this.#startMs;

  constructor(output: Output) {
    this.#output = output;
  }

  /** `what` as in `imported`. Says nothing sooner than two seconds after the last line. */
  at(what: string, messages: number, bytes: number): void {
    const nowMs = Date.now();
    if (nowMs - this.#toldMs < everyMs) return;
    this.#toldMs = nowMs;
    const seconds = (nowMs - this.#startMs) / 1_000;
    const rate = Math.round(messages / seconds);
    this.#output.say(
      `${what} ${messages} messages, ${size(bytes)}, in ${seconds.toFixed(0)} s (${rate}/s)`,
    );
  }
}
