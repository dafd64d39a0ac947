/**
 * Which accounts somebody watches: words shared by all threads, so that a change nobody waits for costs one look.
 *
 * Runs in:   `Watched` in engine threads; `Watchers` in the main thread.
 * Limits:    one bit for `bitCount` accounts in turn: accounts that share one cost a notice nobody takes.
 * Invariant: a bit is set before its watcher reads the state it starts from, so no change after that goes untold.
 */

const wordCount = 2_048;
const bitCount = wordCount * 32;

export function watchedWords(): SharedArrayBuffer {
  return new SharedArrayBuffer(wordCount * Int32Array.BYTES_PER_ELEMENT);
}

export class Watched {
  readonly #words: Int32Array;

  constructor(words: SharedArrayBuffer) {
    this.#words = new Int32Array(words);
  }

  has(account: number): boolean {
    const bit = account % bitCount;
    return (Atomics.load(this.#words, bit >>> 5) & (1 << (bit & 31))) !== 0;
  }
}

export class Watchers {
  readonly #words: Int32Array;
  /** By bit. */
  readonly #counts = new Map<number, number>();

  constructor(words: SharedArrayBuffer) {
    this.#words = new Int32Array(words);
  }

  add(account: number): void {
    const bit = account % bitCount;
    this.#counts.set(bit, (this.#counts.get(bit) ?? 0) + 1);
    Atomics.or(this.#words, bit >>> 5, 1 << (bit & 31));
  }

  remove(account: number): void {
    const bit = account % bitCount;
    const count = (this.#counts.get(bit) ?? 0) - 1;
    if (count > 0) {
      this.#counts.set(bit, count);
      return;
    }
    this.#counts.delete(bit);
    Atomics.and(this.#words, bit >>> 5, ~(1 << (bit & 31)));
  }
}
