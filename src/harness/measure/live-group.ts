/**
 * What a group of sessions tells of its run while it lasts.
 *
 * Runs in: load generator; types.
 */

import type { OutcomeCounts } from './run-report.ts';

/** A group while it runs: counts and latencies since its begin. */
export interface LiveGroup {
  readonly name: string;
  /** Open now, or opening. */
  readonly sessions: number;
  readonly connections: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly operations: Readonly<Record<string, LiveOperation>>;
}

export interface LiveOperation extends OutcomeCounts {
  readonly histogram: string;
}
