/**
 * Reads due queue rows in order of their instant and hands each over once.
 *
 * Runs in:   engine thread; owned by one spool actor.
 * Limits:    `rowsPerClaimMax` rows a call, so that a backlog of a million never holds the thread.
 * Invariant: everything before the cursor was handed over in this run; a new due instant before the cursor moves it
 *            back. After a restart the cursor is 0, so what was open at the crash is handed over again.
 */

import { Buffer } from 'node:buffer';
import type { MessageId } from '../../base/ids.ts';
import { dueKey, queueKey, readDueKey } from './queue-rows.ts';
import type { SpoolShard } from './spool-shard.ts';

const rowsPerClaimMax = 500;

export interface DueTaker {
  take(id: MessageId, row: Uint8Array): void;
  hasRoom(): boolean;
}

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

  claim(nowMs: number): void {
    if (!this.#taker.hasRoom()) return;
    const to = dueKey(nowMs + 1, leastId);
    if (Buffer.compare(this.#cursor, to) >= 0) return;
    const entries = this.#shard.range({ from: this.#cursor, to, limit: rowsPerClaimMax });
    for (const { key } of entries) {
      if (!this.#taker.hasRoom()) return;
      this.#cursor = after(key);
      const { id } = readDueKey(key);
      const row = this.#shard.get(queueKey(id));
      if (row !== undefined) this.#taker.take(id, row);
    }
  }
}

function after(key: Uint8Array): Uint8Array {
  const next = Buffer.alloc(key.byteLength + 1);
  next.set(key);
  return next;
}
