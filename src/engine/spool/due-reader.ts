/**
 * Reads due queue rows in order of their instant and hands each over once.
 *
 * Runs in:   engine thread; owned by one spool actor.
 * Limits:    `rowsPerClaimMax` rows a claim, so that a backlog of a million never holds the thread; while sites take them,
 *            the next claim follows `claimPauseMs` later. What only puts rows in order waits while the index lags by
 *            `lagMax` changes, a second at most: its pages would be in the way of the journal's syncs.
 * Invariant: everything before the cursor was handed over in this run; a new due instant before the cursor moves it
 *            back. After a restart the cursor is 0, so what was open at the crash is handed over again.
 */

import { Buffer } from 'node:buffer';
import type { MessageId } from '../../base/ids.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import { dueKey, keyAfter, queueKey, readDueKey } from './queue-rows.ts';
import type { SpoolShard } from './spool-shard.ts';

export const rowsPerClaimMax = 64;

/** Between two claims while sites take what is due: others have their turn. */
const claimPauseMs = 2;
/** And where they took less than half of one: what is due waits for room then, and is but put in order. */
const crowdedPauseMs = 32;
const lagMax = 1_500;
/** Then a claim is made all the same: what is due for other sites does not wait for an index that cannot be written. */
const lagPausesMax = 32;

export interface DueTaker {
  /** False: there is no room for it, and it waits elsewhere now. */
  take(id: MessageId, row: Uint8Array): boolean;
  hasRoom(): boolean;
}

interface Claimed {
  /** Handed out, and taken. */
  readonly takenCount: number;
  /** More may be due. */
  readonly isBehind: boolean;
}

const nothing: Claimed = { takenCount: 0, isBehind: false };
const leastId = '0'.repeat(16) as MessageId;

export class DueReader {
  readonly #shard: SpoolShard;
  readonly #clock: Clock;
  readonly #taker: DueTaker;
  #next: Timer | undefined;
  #isCrowded = false;
  #lagPauses = 0;
  #cursor: Uint8Array = dueKey(0, leastId);

  constructor(shard: SpoolShard, clock: Clock, taker: DueTaker) {
    this.#shard = shard;
    this.#clock = clock;
    this.#taker = taker;
  }

  /** A row became due at `dueMs`: if the cursor is past it, go back for it. */
  wakeAt(dueMs: number): void {
    const key = dueKey(dueMs, leastId);
    if (Buffer.compare(key, this.#cursor) < 0) this.#cursor = key;
  }

  /** Hands out all that is due, claim after claim; nothing where that is under way. */
  follow(): void {
    if (this.#next !== undefined) return;
    const isLagging = this.#isCrowded && this.#shard.indexLag > lagMax;
    if (isLagging && this.#lagPauses < lagPausesMax) {
      this.#lagPauses++;
    } else {
      this.#lagPauses = 0;
      const { takenCount, isBehind } = this.claim(this.#clock.nowMs());
      this.#isCrowded = isBehind && takenCount <= rowsPerClaimMax / 2;
      if (!isBehind) return;
    }
    const pauseMs = this.#isCrowded ? crowdedPauseMs : claimPauseMs;
    this.#next = this.#clock.setTimer(pauseMs, () => {
      this.#next = undefined;
      this.follow();
    });
  }

  stop(): void {
    this.#next?.cancel();
  }

  claim(nowMs: number, limit = rowsPerClaimMax): Claimed {
    if (!this.#taker.hasRoom()) return nothing;
    const to = dueKey(nowMs + 1, leastId);
    if (Buffer.compare(this.#cursor, to) >= 0) return nothing;
    const entries = this.#shard.range({ from: this.#cursor, to, limit });
    let takenCount = 0;
    for (const { key } of entries) {
      if (!this.#taker.hasRoom()) return { takenCount, isBehind: true };
      this.#cursor = keyAfter(key);
      const { id } = readDueKey(key);
      const row = this.#shard.get(queueKey(id));
      if (row !== undefined && this.#taker.take(id, row)) takenCount++;
    }
    return { takenCount, isBehind: entries.length === limit };
  }
}
