/**
 * How many connections each thread has open to each site, and when a site was last reached by any of them: words all
 * threads share, so that who lends a site's slots knows what is open without asking anybody who may be standing still,
 * and who cannot reach a site knows that another thread does.
 *
 * Runs in:   a thread writes its own row; owners of sites read all rows; the main thread clears a dead thread's row.
 * Limits:    a word of `columns` for each seed and site in a row, the lowest counts: a site that shares all its words
 *            with others looks fuller than it is, to an owner its threads have not asked yet, or reached when it is
 *            not: then it is tried more often than it should be.
 * Invariant: never less than what is open: a slot is counted before its connection is dialled, and until it has ended.
 */

const columns = 16_384;
const seeds = [0x811c_9dc5, 0x050c_5d1f, 0x3b9a_ca07];
const rowWords = columns * seeds.length;

export function openSlotWords(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer((threads + 1) * rowWords * Int32Array.BYTES_PER_ELEMENT);
}

export class OpenSlots {
  readonly #words: Int32Array;

  constructor(words: SharedArrayBuffer) {
    this.#words = new Int32Array(words);
  }

  get threads(): number {
    return this.#words.length / rowWords - 1;
  }

  add(thread: number, site: string, count: 1 | -1): void {
    for (let i = 0; i < seeds.length; i++) Atomics.add(this.#words, wordOf(thread, site, i), count);
  }

  of(thread: number, site: string): number {
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < seeds.length; i++) {
      least = Math.min(least, Atomics.load(this.#words, wordOf(thread, site, i)));
    }
    return least;
  }

  /** A connection to it is ready, or a message was answered, in this second of the epoch. */
  reached(site: string, second: number): void {
    for (let i = 0; i < seeds.length; i++) {
      Atomics.store(this.#words, wordOf(this.threads, site, i), second);
    }
  }

  /** The second of the epoch in which somebody last reached it; 0: nobody did. */
  reachedSecond(site: string): number {
    return this.of(this.threads, site);
  }

  /** The thread is gone, and all its connections with it. */
  clear(thread: number): void {
    for (let i = 0; i < rowWords; i++) Atomics.store(this.#words, thread * rowWords + i, 0);
  }
}

/** FNV-1a, its better mixed upper half folded in. */
function wordOf(thread: number, site: string, which: number): number {
  let hash = seeds[which]!;
  for (let i = 0; i < site.length; i++) hash = Math.imul(hash ^ site.charCodeAt(i), 0x0100_0193);
  const column = ((hash >>> 0) ^ (hash >>> 15)) & (columns - 1);
  return thread * rowWords + which * columns + column;
}
