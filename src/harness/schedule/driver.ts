/**
 * What plays one group's load.
 *
 * Runs in:   load generator; types, and the one limit that all of them keep.
 */

/** What is under way at the end of a load may take so long. */
export const graceMs = 10_000;

export interface Driver {
  /** Resolves when all sessions have ended. */
  run(): Promise<void>;
  /** Begins no more jobs; those under way may finish within `graceMs`. */
  stop(): void;
  /** Jobs whose intended start came and that were never begun. */
  readonly unstarted: number;
  /** The instant from which on no more was asked of the server. */
  readonly stoppedMs: number;
}
