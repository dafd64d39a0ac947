/**
 * Rows that were packed last, as they were before: whoever reads one right after it was written need not unpack it.
 *
 * Runs in:   engine threads; hot: each record reads the rows of its account and mailbox, which the one before wrote.
 * Limits:    `keptMax` rows.
 * Invariant: a row is known by the very octets it was packed into, which nobody changes. Nobody changes the row either.
 */

const keptMax = 8;

export class LatestRows<Row> {
  readonly #packed: (Uint8Array | undefined)[] = new Array(keptMax).fill(undefined);
  readonly #rows: (Row | undefined)[] = new Array(keptMax).fill(undefined);
  #next = 0;

  /** What it was packed into. */
  keep(row: Row, packed: Uint8Array): Uint8Array {
    this.#packed[this.#next] = packed;
    this.#rows[this.#next] = row;
    this.#next = (this.#next + 1) % keptMax;
    return packed;
  }

  /** Undefined: it must be unpacked. */
  of(packed: Uint8Array): Row | undefined {
    for (let i = 0; i < keptMax; i++) if (this.#packed[i] === packed) return this.#rows[i];
    return undefined;
  }
}
