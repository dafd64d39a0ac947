/**
 * Bytes of journaled bodies that a thread keeps in memory for delivery: a cache, shared by its spools.
 *
 * Runs in:   engine threads.
 * Limits:    `bytesMax`; what goes past it is read from the journal again.
 * Invariant: what was taken is given back once.
 */

import { assert } from '../../base/assert.ts';

export class BodyBudget {
  readonly bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False: no room, nothing was taken. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.bytesMax) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
    assert(this.#bytes >= 0, 'more bytes of bodies given back than taken');
  }
}
