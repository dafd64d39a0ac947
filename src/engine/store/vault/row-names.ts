/**
 * Keys of rows that hold a name (a path, an entry, a hash of a Message-ID or of a body): it is stored as a keyed hash,
 * and stands in the sealed value.
 *
 * Runs in:   the engine thread that owns the shard.
 * Invariant: the same name of one account has the same hash in every version of its key, so that its row is found.
 */

import { Buffer } from 'node:buffer';
import { createHmac } from 'node:crypto';
import type { IndexEntry } from '../../../ports/shard-index.ts';
import { tables } from '../keys.ts';
import type { Vault } from './vault.ts';

/** Where the name begins in keys of a table. */
const nameAt: Readonly<Record<number, number>> = {
  [tables.subscription]: 5,
  [tables.messageId]: 5,
  [tables.delivery]: 9,
  [tables.annotation]: 13,
};
const hashBytes = 16;
const linkHashAt = 1;
const linkRestAt = 33;
const linkAccountAt = 34;
const nameHeadBytes = 2;

export function hasNames(table: number): boolean {
  return table === tables.blobLink || nameAt[table] !== undefined;
}

/** What stands in such keys before the name. */
export function fixedBytesOf(table: number): number {
  return nameAt[table] ?? Number.POSITIVE_INFINITY;
}

export class RowNames {
  readonly #vault: Vault;

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  /** The account of a blob link; undefined for any other key. */
  accountOfLink(key: Uint8Array): number | undefined {
    if (key[0] !== tables.blobLink || key.byteLength < linkAccountAt + 4) return undefined;
    return Buffer.from(key.buffer, key.byteOffset, key.byteLength).readUInt32BE(linkAccountAt);
  }

  /** The key a row is stored by. */
  storedKey(account: number, key: Uint8Array): Uint8Array {
    if (key[0] === tables.blobLink) {
      const hash = this.#hash(account, key.subarray(0, linkRestAt), linkRestAt - linkHashAt);
      return Buffer.concat([key.subarray(0, linkHashAt), hash, key.subarray(linkRestAt)]);
    }
    const at = nameAt[key[0]!];
    // What names nothing but its account, or its mailbox, is a row of its own.
    if (at === undefined || key.byteLength <= at) return key;
    return Buffer.concat([key.subarray(0, at), this.#hash(account, key, hashBytes)]);
  }

  /** `other` of the same body as `link`: links of one body differ behind its hash. */
  sameLink(link: Uint8Array, other: Uint8Array): Uint8Array {
    return Buffer.concat([link.subarray(0, linkRestAt), other.subarray(linkRestAt)]);
  }

  /** What is sealed for such a row. */
  withName(key: Uint8Array, value: Uint8Array): readonly Uint8Array[] {
    const name = key.subarray(nameAt[key[0]!]!);
    const head = Buffer.alloc(nameHeadBytes);
    head.writeUInt16BE(name.byteLength);
    return [head, name, value];
  }

  /** A row by its own key again. */
  named(stored: Uint8Array, clear: Buffer): IndexEntry {
    const end = nameHeadBytes + clear.readUInt16BE(0);
    const name = clear.subarray(nameHeadBytes, end);
    const key = Buffer.concat([stored.subarray(0, nameAt[stored[0]!]!), name]);
    return { key, value: clear.subarray(end) };
  }

  #hash(account: number, key: Uint8Array, bytes: number): Buffer {
    const names = this.#vault.namesOf(account)!;
    return createHmac('sha256', names).update(key).digest().subarray(0, bytes);
  }
}
