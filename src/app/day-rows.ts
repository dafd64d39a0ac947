/**
 * Rows of tables that go by day and domain: their keys, and JSON as their values.
 *
 * Runs in:   main thread; pure.
 * Invariant: rows of a kind stand by their UTC day, then by their domain, so that days are read and removed by ranges.
 */

import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import type { IndexChange, ShardIndex } from '../ports/shard-index.ts';

/** `kind`, one byte, and the day. */
export const dayKeyBytes = 9;
const nameHashBytes = 16;

export function dayKey(kind: number, day: number): Buffer {
  const key = Buffer.alloc(dayKeyBytes);
  key[0] = kind;
  key.writeBigUInt64BE(BigInt(day), 1);
  return key;
}

/** What keys of a domain's rows begin with: domains hold no NUL, so no other domain's do. */
export function domainKey(kind: number, day: number, domain: string): Buffer {
  return Buffer.concat([dayKey(kind, day), Buffer.from(`${domain}\0`)]);
}

/** Of the row of that name, below a key. */
export function rowKey(below: Uint8Array, name: string): Buffer {
  return Buffer.concat([below, hash('sha256', name, 'buffer').subarray(0, nameHashBytes)]);
}

/** All that have a `rowKey` below that key. */
export function rowsBelow(table: Pick<ShardIndex, 'range'>, key: Buffer) {
  const to = Buffer.concat([key, Buffer.alloc(nameHashBytes + 1, 0xff)]);
  return table.range({ from: key, to });
}

export function rowOf<T>(value: Uint8Array): T;
export function rowOf<T>(value: Uint8Array | undefined): T | undefined;
export function rowOf<T>(value: Uint8Array | undefined): T | undefined {
  return value === undefined ? undefined : (JSON.parse(Buffer.from(value).toString()) as T);
}

export function putRow(key: Uint8Array, row: object): IndexChange {
  return { put: key, value: Buffer.from(JSON.stringify(row)) };
}
