/**
 * A number for each account that moves with each of its changes: who remembers an answer and the number from before it
 * asked knows without a question whether the answer still holds.
 *
 * Runs in:   engine threads move them, the main thread looks.
 * Limits:    `stampCount` words; accounts that share one cost a question that was not needed.
 * Invariant: a change moves the stamp when reads can see it and before it is answered, so an answer begun after the
 *            stamp was read is whole as long as the stamp stands. A stamp comes back after 2^32 changes.
 */

const stampCount = 65_536;

export function stampWords(): SharedArrayBuffer {
  return new SharedArrayBuffer(stampCount * Int32Array.BYTES_PER_ELEMENT);
}

export class Stamps {
  readonly #words: Int32Array;

  constructor(words: SharedArrayBuffer) {
    this.#words = new Int32Array(words);
  }

  of(account: number): number {
    return Atomics.load(this.#words, account % stampCount);
  }

  move(account: number): void {
    Atomics.add(this.#words, account % stampCount, 1);
  }
}
