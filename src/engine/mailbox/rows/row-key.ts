/**
 * The key of one row after another of an account's tables by document: one array, written anew for each.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Invariant: nobody keeps a key: reads take its bytes at once.
 */

import { Buffer } from 'node:buffer';
import type { tables } from '../../store/keys.ts';

type Table = (typeof tables)['document'] | (typeof tables)['parsed'];

export class RowKey {
  readonly #bytes = Buffer.alloc(9);

  constructor(account: number) {
    this.#bytes.writeUInt32BE(account, 1);
  }

  /** As `documentKey` and `parsedKey` have it; good until the next call. */
  of(table: Table, document: number): Uint8Array {
    const bytes = this.#bytes;
    bytes[0] = table;
    bytes[5] = document >>> 24;
    bytes[6] = document >>> 16;
    bytes[7] = document >>> 8;
    bytes[8] = document;
    return bytes;
  }
}
