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
