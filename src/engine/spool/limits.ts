/**
 * Bounds of a spool's memory.
 *
 * Runs in: engine threads.
 */

export interface SpoolLimits {
  readonly activeCountMax: number;
  /** A message still waiting this long after it was accepted gets its queue row. */
  readonly indexAfterMs: number;
}

export const spoolLimits: SpoolLimits = {
  activeCountMax: 20_000,
  indexAfterMs: 2_000,
};

/** Of `activeCountMax`, for messages as they are accepted; the rest is for those that wait in the index. */
export const freshShare = 0.75;

/** More asks than this were never open at one thread. */
export const replayedDoneMax = 20_000;
