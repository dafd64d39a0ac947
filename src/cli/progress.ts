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
    const seconds = this.#dueSeconds();
    if (seconds === 0) return;
    const rate = Math.round(messages / seconds);
    this.#output.say(
      `${what} ${messages} messages, ${size(bytes)}, in ${seconds.toFixed(0)} s (${rate}/s)`,
    );
  }

  /** All up to line `line` is on disk. */
  lines(line: number, added: number): void {
    const seconds = this.#dueSeconds();
    if (seconds === 0) return;
    const rate = Math.round(line / seconds);
    this.#output.say(`line ${line}, ${added} new, in ${seconds.toFixed(0)} s (${rate}/s)`);
  }

  /** Since the start; 0: it was told a moment ago. */
  #dueSeconds(): number {
    const nowMs = Date.now();
    if (nowMs - this.#toldMs < everyMs) return 0;
    this.#toldMs = nowMs;
    return (nowMs - this.#startMs) / 1_000;
  }
}
