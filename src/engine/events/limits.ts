/**
 * Bounds of an event log. Settings give what is kept; these are design constants that tests make small.
 *
 * Runs in: engine threads.
 */

import { kibibyte, mebibyte, minuteMs, secondMs } from '../../base/units.ts';

export interface EventLogLimits {
  /**
   * Gathered events are written at this size, or after `flushMs`. A search reads whole batches: at 64 kB one by
   * address takes a quarter of what it takes at 256 kB, and writing costs the same (bench/micro/events.ts).
   */
  readonly batchBytesMax: number;
  readonly flushMs: number;
  readonly syncMs: number;
  /** A segment is closed at this size, or at a quarter of the shard's share where that is less. */
  readonly segmentBytesMax: number;
  readonly unwrittenBytesMax: number;
  /** More files than this (every start and move of a shard begins one) are not kept. */
  readonly segmentsMax: number;
  /** How often old segments are looked for, besides every close of one. */
  readonly upkeepMs: number;
  /** The shard's share is worked out again this often at most. */
  readonly shareMs: number;
  /**
   * Records of the journal that wait for an event log which cannot be written; past it, or on a full disk, the log
   * goes on with what comes, and says what it lost.
   */
  readonly heldRecordsMax: number;
  /** After a failed write nothing is written for so long. */
  readonly retryMs: number;
}

export const eventLogLimits: EventLogLimits = {
  batchBytesMax: 64 * kibibyte,
  flushMs: secondMs,
  syncMs: 5 * secondMs,
  segmentBytesMax: 8 * mebibyte,
  unwrittenBytesMax: 4 * mebibyte,
  segmentsMax: 512,
  upkeepMs: 10 * minuteMs,
  shareMs: minuteMs,
  heldRecordsMax: 500_000,
  retryMs: 10 * secondMs,
};

/** No share makes segments smaller than this. */
export const segmentBytesMin = 16 * kibibyte;
/** A segment spans at most this part of the time events are kept, so that they do not outlive it by more. */
export const ageParts = 8;
