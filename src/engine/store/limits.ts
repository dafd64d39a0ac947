/**
 * Bounds of a shard. Settings give some of them; the rest are design constants that tests make
 * small.
 *
 * Runs in:   engine threads.
 */

import { assert } from '../../base/assert.ts';
import { gibibyte, kibibyte, mebibyte, secondMs } from '../../base/units.ts';

export interface StoreLimits {
  /** A segment is closed before a parcel that would take it past this. */
  readonly segmentBytesMax: number;
  /**
   * A file that must grow grows by as much again, up to this, in zeros: the syncs after it change
   * no file size and wait for no commit of the file system's own journal (0.10 ms against 0.14 to 4 ms
   * and 40 µs of CPU against 60, ext4).
   */
  readonly fillBytesMax: number;
  /** A group takes whole appends until it would pass this; one append may be larger alone. */
  readonly groupBytesMax: number;
  readonly groupRecordsMax: number;
  /** Appends that wait for a group past this are refused with `store-busy`. */
  readonly waitingBytesMax: number;
  /** How long a lazy append may wait for company. */
  readonly lazyMsMax: number;
  /** Changes not yet in the index; at the limit appends wait for it. */
  readonly overlayChangesMax: number;
  /**
   * The index commits this long after the first change, or at `indexChangesBatch` of them. A second, not a tenth:
   * an account's counters are then written once for all its messages of that second (decision 0020). Who
   * changes rows all over a large table, each a page of its own, makes fewer of them himself (decision 0114).
   */
  readonly indexDelayMs: number;
  readonly indexChangesBatch: number;
  /** The applied position moves on at least this often while only records without changes come. */
  readonly appliedDelayMs: number;
  /** Wait before a failed index commit, or the reopening of a failed journal, is tried again. */
  readonly retryDelayMs: number;
  /** Below this, `hasRoom` is false. */
  readonly diskFreeBytesMin: number;
  readonly reserveBytes: number;
  readonly roomCheckMs: number;
  /** How often the journal is looked through for segments that may go. */
  readonly upkeepMs: number;
  /**
   * Segments read whole at open, newest first, until this many bytes; older ones are left to
   * `verify`.
   */
  readonly openScanBytesMax: number;
  /** Empty segments kept for their blocks; more are removed. */
  readonly spareSegmentsMax: number;
  /** Segment files held open for reading. */
  readonly openFilesMax: number;
}

const defaultLimits: StoreLimits = {
  segmentBytesMax: 64 * mebibyte,
  fillBytesMax: mebibyte,
  groupBytesMax: mebibyte,
  groupRecordsMax: 4_096,
  waitingBytesMax: 64 * mebibyte,
  lazyMsMax: 50,
  overlayChangesMax: 50_000,
  indexDelayMs: secondMs,
  indexChangesBatch: 8_000,
  appliedDelayMs: secondMs,
  retryDelayMs: secondMs,
  diskFreeBytesMin: 256 * mebibyte,
  reserveBytes: 4 * mebibyte,
  roomCheckMs: secondMs,
  upkeepMs: secondMs,
  openScanBytesMax: 128 * mebibyte,
  spareSegmentsMax: 2,
  openFilesMax: 16,
};

export function storeLimits(given: Partial<StoreLimits> = {}): StoreLimits {
  const limits = { ...defaultLimits, ...given };
  // Offsets are u32 on disk, and a parcel of one chunk must fit beside the headers.
  assert(
    limits.segmentBytesMax >= 4 * kibibyte && limits.segmentBytesMax <= gibibyte,
    `segmentBytesMax out of range: ${limits.segmentBytesMax}`,
  );
  assert(limits.indexChangesBatch <= limits.overlayChangesMax, 'an index batch above the overlay');
  assert(limits.spareSegmentsMax >= 1, 'at least one spare segment');
  return limits;
}
