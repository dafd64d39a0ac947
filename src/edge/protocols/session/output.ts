/**
 * What a session says: gathered within a turn, written at its end, and counted until the client has read it.
 *
 * Runs in:   edge (main thread); hot.
 * Limits:    above `unsentBytesMax` the session asks for no further answers and runs no further commands.
 */

import { Buffer } from 'node:buffer';
import type { SessionTransport } from './transport.ts';

/** Pieces below this are joined: a write costs more than the copy. */
const joinBytesMax = 32_768;

/** Those that said something in this turn. */
let due: Output[] = [];

function flushDue(): void {
  const all = due;
  due = [];
  for (const output of all) output.turnEnded();
}

export class Output {
  #transport: SessionTransport;
  /** Most say one thing in a turn: ten thousand who idle need no list for it. */
  #first: Uint8Array | undefined;
  #more: Uint8Array[] | undefined;
  #bytes = 0;
  #isDue = false;
  #waiting: (() => void)[] | undefined;

  constructor(transport: SessionTransport) {
    this.#transport = transport;
  }

  /** What is said from now on goes there. */
  goThrough(transport: SessionTransport): void {
    this.flush();
    this.#transport = transport;
  }

  add(piece: Uint8Array): void {
    if (piece.byteLength === 0) return;
    if (this.#first === undefined) this.#first = piece;
    else if (this.#more === undefined) this.#more = [piece];
    else this.#more.push(piece);
    this.#bytes += piece.byteLength;
    if (this.#isDue) return;
    this.#isDue = true;
    if (due.push(this) === 1) queueMicrotask(flushDue);
  }

  /** What was said and not written yet. */
  take(): Buffer {
    const bytes = this.#bytes;
    return Buffer.concat(this.#pieces(), bytes);
  }

  flush(): void {
    const bytes = this.#bytes;
    if (bytes === 0) return;
    if (this.#more === undefined) {
      const only = this.#first!;
      this.#first = undefined;
      this.#bytes = 0;
      this.#transport.write(only);
    } else if (bytes <= joinBytesMax) {
      this.#transport.write(this.take());
    } else {
      for (const piece of this.#pieces()) this.#transport.write(piece);
    }
  }

  /** Resolves at the next `drained`. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting ??= [];
      this.#waiting.push(resolve);
    });
  }

  /** The client has read on, or is gone. */
  drained(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    for (const resolve of waiting) resolve();
  }

  /** What was said, no longer kept here. */
  #pieces(): readonly Uint8Array[] {
    const [first, more = []] = [this.#first, this.#more];
    this.#first = undefined;
    this.#more = undefined;
    this.#bytes = 0;
    return first === undefined ? more : [first, ...more];
  }

  /** The turn ends. */
  turnEnded(): void {
    this.#isDue = false;
    this.flush();
  }
}
