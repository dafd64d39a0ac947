/**
 * Turns for what is done to large bodies: to hold one in memory whole, to copy one.
 *
 * Runs in:   engine threads.
 * Limits:    `bytesMax`, or one body of any size; others wait in the order they came.
 * Invariant: what was taken is given back once.
 */

import { assert } from '../../base/assert.ts';

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

export class BodyTurns {
  readonly #bytesMax: number;
  #bytes = 0;
  #waiting: Waiting[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Runs `work` once a body of `bytes` has its turn. */
  async with<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) {
      await new Promise<void>((enter) => this.#waiting.push({ bytes, enter }));
    } else this.#bytes += bytes;
    try {
      return await work();
    } finally {
      this.#give(bytes);
    }
  }

  #give(bytes: number): void {
    this.#bytes -= bytes;
    assert(this.#bytes >= 0, 'more bytes of bodies given back than taken');
    let next = this.#waiting[0];
    while (next !== undefined && this.#fits(next.bytes)) {
      this.#bytes += next.bytes;
      this.#waiting.shift();
      next.enter();
      next = this.#waiting[0];
    }
  }

  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax;
  }
}
