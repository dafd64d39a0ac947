/**
 * Bounds of large messages in an engine thread.
 *
 * Runs in: engine threads; plain data.
 */

import { kibibyte, mebibyte, minuteMs } from '../../base/units.ts';

export interface LargeBodyLimits {
  /** Bodies that are coming in at once; more are told to try again. */
  readonly incomingCountMax: number;
  /** A body nobody sent a chunk of for so long is let go. */
  readonly incomingIdleMsMax: number;
  /** Room for what goes before the rest of a body: trace fields, results, signatures. */
  readonly frontBytesMore: number;
  /** Bytes of whole large bodies in memory at once; one body may be larger alone. */
  readonly wholeBytesMax: number;
  /** Bytes of copies out of spools under way at once; one may be larger alone. */
  readonly copyBytesMax: number;
}

export const largeBodyLimits: LargeBodyLimits = {
  incomingCountMax: 64,
  incomingIdleMsMax: 45 * minuteMs,
  frontBytesMore: 128 * kibibyte,
  wholeBytesMax: 64 * mebibyte,
  copyBytesMax: 64 * mebibyte,
};
