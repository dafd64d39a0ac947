/**
 * Room for large bodies that must be in memory whole: to be verified, to be parsed.
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

export class WholeBodies {
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

  /** Runs `work` once there is room for a body of `bytes`. */
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
    assert(this.#bytes >= 0, 'more room of whole bodies given back than taken');
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
