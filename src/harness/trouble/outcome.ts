/**
 * What became of a step of trouble, and how it is taken back.
 *
 * Runs in: load generator; types.
 */

export interface Outcome {
  readonly isDone: boolean;
  /** For the report: why not, or how much. */
  readonly detail?: string;
  /** Absent: there is nothing to take back. */
  readonly undo?: () => void | Promise<void>;
}

export function failed(detail: string): Outcome {
  return { isDone: false, detail };
}
