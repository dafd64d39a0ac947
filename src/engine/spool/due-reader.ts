/**
 * Reads due queue rows in order of their instant and hands each over once.
 *
 * Runs in:   engine thread; owned by one spool actor.
 * Limits:    `rowsPerClaimMax` rows a call, so that a backlog of a million never holds the thread. How often it is called
 *            is the spool's business: as long as sites take what is handed out, no timer is between two calls.
 * Invariant: everything before the cursor was handed over in this run; a new due instant before the cursor moves it
 *            back. After a restart the cursor is 0, so what was open at the crash is handed over again.
 */

import { Buffer } from 'node:buffer';
import type { MessageId } from '../../base/ids.ts';
import { dueKey, queueKey, readDueKey } from './queue-rows.ts';
import type { SpoolShard } from './spool-shard.ts';

export const rowsPerClaimMax = 200;

export interface DueTaker {
  /** False: there is no room for it, and it waits elsewhere now. */
  take(id: MessageId, row: Uint8Array): boolean;
  hasRoom(): boolean;
}

export interface Claimed {
  /** Handed out, and taken. */
  readonly takenCount: number;
  /** More may be due. */
  readonly isBehind: boolean;
}

const nothing: Claimed = { takenCount: 0, isBehind: false };
const leastId = '0'.repeat(16) as MessageId;

export class DueReader {
  readonly #shard: SpoolShard;
  readonly #taker: DueTaker;
  #cursor: Uint8Array = dueKey(0, leastId);

  constructor(shard: SpoolShard, taker: DueTaker) {
    this.#shard = shard;
    this.#taker = taker;
  }

  /** A row became due at `dueMs`: if the cursor is past it, go back for it. */
  wakeAt(dueMs: number): void {
    const key = dueKey(dueMs, leastId);
    if (Buffer.compare(key, this.#cursor) < 0) this.#cursor = key;
  }

  claim(nowMs: number, limit = rowsPerClaimMax): Claimed {
    if (!this.#taker.hasRoom()) return nothing;
    const to = dueKey(nowMs + 1, leastId);
    if (Buffer.compare(this.#cursor, to) >= 0) return nothing;
    const entries = this.#shard.range({ from: this.#cursor, to, limit });
    let takenCount = 0;
    for (const { key } of entries) {
      if (!this.#taker.hasRoom()) return { takenCount, isBehind: true };
      this.#cursor = after(key);
      const { id } = readDueKey(key);
      const row = this.#shard.get(queueKey(id));
      if (row !== undefined && this.#taker.take(id, row)) takenCount++;
    }
    return { takenCount, isBehind: entries.length === limit };
  }
}

function after(key: Uint8Array): Uint8Array {
  const next = Buffer.alloc(key.byteLength + 1);
  next.set(key);
  return next;
}
