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
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #isDue = false;
  #waiting: (() => void)[] = [];

  constructor(transport: SessionTransport) {
    this.#transport = transport;
  }

  /** What is said from now on goes there. */
  goThrough(transport: SessionTransport): void {
    this.flush();
    this.#transport = transport;
  }

  add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#bytes += piece.byteLength;
    if (this.#isDue) return;
    this.#isDue = true;
    if (due.push(this) === 1) queueMicrotask(flushDue);
  }

  /** What was said and not written yet. */
  take(): Buffer {
    const joined = Buffer.concat(this.#pieces, this.#bytes);
    this.#pieces = [];
    this.#bytes = 0;
    return joined;
  }

  flush(): void {
    if (this.#bytes === 0) return;
    if (this.#bytes <= joinBytesMax) {
      this.#transport.write(this.#pieces.length === 1 ? this.#pieces[0]! : this.take());
    } else {
      for (const piece of this.#pieces) this.#transport.write(piece);
    }
    this.#pieces = [];
    this.#bytes = 0;
  }

  /** Resolves at the next `drained`. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The client has read on, or is gone. */
  drained(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** The turn ends. */
  turnEnded(): void {
    this.#isDue = false;
    this.flush();
  }
}
