/**
 * What a session says: replies in the order of their commands, each as the fault model has it: late, refused, or cut.
 *
 * Runs in:   sink; pure but for the `SinkWire` it is given.
 * Invariant: all replies to one chunk of input leave in one write, and nothing leaves while a reply is held back.
 */

import type { Fault, Visit } from './fault-source.ts';
import type { FaultPoint } from './model.ts';
import type { SinkWire } from './sink-wire.ts';

/** Who the session is talking of, and who goes on when a pause is over. */
export interface RepliesPlace {
  readonly sender: () => string | undefined;
  readonly resume: () => void;
}

export class SessionReplies {
  readonly #wire: SinkWire;
  readonly #visit: Visit;
  readonly #place: RepliesPlace;
  /** Whether there is a rule at all: most sinks have none, and are asked for each step. */
  readonly isWatched: boolean;
  #isPaused = false;
  /** The cut that comes when the pause is over. */
  #afterPause: (() => void) | undefined;
  #output = '';
  #isEnded = false;

  constructor(wire: SinkWire, visit: Visit, place: RepliesPlace) {
    this.#wire = wire;
    this.#visit = visit;
    this.#place = place;
    this.isWatched = visit.isWatched;
  }

  /** Nothing is read while a reply is held back. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  say(text: string): void {
    this.#output += `${text}\r\n`;
  }

  refuse(reply: string): void {
    this.say(reply);
    // RFC 5321 §3.8: who says 421 closes.
    if (reply.startsWith('421')) this.end();
  }

  /** What has been said is the last. */
  end(): void {
    this.#isEnded = true;
  }

  strike(at: FaultPoint, recipient = '', bytes = 0): Fault | undefined {
    if (!this.isWatched) return undefined;
    const fault = this.#visit.strike(at, this.#place.sender(), recipient, bytes);
    if (fault?.readBytesPerSecond !== undefined) this.#wire.slow(fault.readBytesPerSecond);
    return fault;
  }

  /** Answers a step as the fault model says, else by `text`; whether the step succeeded. */
  reply(at: FaultPoint, text: string, recipient = '', bytes = 0): boolean {
    const fault = this.strike(at, recipient, bytes);
    if (fault === undefined) {
      this.say(text);
      return true;
    }
    if (this.cut(fault)) return false;
    if (fault.delayMs > 0) this.pause(fault.delayMs);
    if (fault.reply === undefined) this.say(text);
    else this.refuse(fault.reply);
    return fault.reply === undefined;
  }

  /** Cuts the connection where the fault says so, in its time. */
  cut({ drop, delayMs }: Fault): boolean {
    if (drop === undefined) return false;
    if (delayMs > 0) this.pause(delayMs, () => this.drop(drop));
    else this.drop(drop);
    return true;
  }

  /** Holds back everything not yet sent, and reads no further, for a while. */
  pause(delayMs: number, then?: () => void): void {
    if (then !== undefined) this.#afterPause ??= then;
    if (this.#isPaused) return;
    this.flush();
    this.#isPaused = true;
    this.#wire.later(delayMs, () => {
      this.#isPaused = false;
      const after = this.#afterPause;
      this.#afterPause = undefined;
      after?.();
      this.#place.resume();
    });
  }

  /** Whether something left. */
  flush(): boolean {
    if (this.#isPaused || this.#output === '') return false;
    const output = this.#output;
    this.#output = '';
    this.#wire.send(output);
    if (this.#isEnded) this.#wire.end();
    return true;
  }

  drop(how: 'reset' | 'close'): void {
    this.end();
    this.#output = '';
    if (how === 'reset') this.#wire.reset();
    else this.#wire.end();
  }
}
