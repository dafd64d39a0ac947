/**
 * The rows one record changes: reads see what the record has put so far.
 *
 * Runs in:   engine threads.
 * Invariant: the shard's table is untouched; `changes` are what brings it to the state read here.
 */

import { view } from '../../../base/bytes.ts';
import type { IndexChange } from '../../../ports/shard-index.ts';
import type { ShardReader } from '../../store/record.ts';

export class TableEdit {
  readonly #read: ShardReader;
  /** By key: the value, or null for a removed row. */
  readonly #own = new Map<string, Uint8Array | null>();
  readonly #order: IndexChange[] = [];

  constructor(read: ShardReader) {
    this.#read = read;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.#own.size > 0) {
      const own = this.#own.get(view(key).toString('latin1'));
      if (own !== undefined) return own ?? undefined;
    }
    return this.#read.get(key);
  }

  /** Of rows that were there before this record. */
  keys({ from, to }: { readonly from: Uint8Array; readonly to: Uint8Array }): Uint8Array[] {
    return this.#read.range({ from, to }).map(({ key }) => Buffer.from(key));
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#own.set(view(key).toString('latin1'), value);
    this.#order.push({ put: key, value });
  }

  /** For rows that this record does not read again: costs no look-up. */
  putOnly(key: Uint8Array, value: Uint8Array): void {
    this.#order.push({ put: key, value });
  }

  remove(key: Uint8Array): void {
    this.#own.set(view(key).toString('latin1'), null);
    this.#order.push({ remove: key });
  }

  removeRange(from: Uint8Array, to: Uint8Array): void {
    this.#order.push({ removeFrom: from, to });
  }

  get changes(): readonly IndexChange[] {
    return this.#order;
  }
}
