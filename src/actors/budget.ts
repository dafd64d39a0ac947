/**
 * The bytes of messages that came in and are not yet journaled.
 *
 * Runs in:   main thread.
 * Limits:    `bytesMax`: `reserve` answers a failure at once, never after a wait.
 * Invariant: what was reserved is released exactly once; the sum is never negative.
 */

import { assert } from '../base/assert.ts';
import { type Failure, failure } from '../base/errors.ts';

export class ByteBudget {
  readonly bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    assert(bytesMax > 0, `byte budget must be positive: ${bytesMax}`);
    this.bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  reserve(bytes: number): Failure | undefined {
    if (this.#bytes + bytes > this.bytesMax) return failure('store-busy', 'byte budget is spent');
    this.#bytes += bytes;
    return undefined;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
    assert(this.#bytes >= 0, 'more bytes released than reserved');
  }
}
