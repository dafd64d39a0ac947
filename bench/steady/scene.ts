/**
 * What a scene of the steady bench is given and what it answers.
 *
 * Runs in: bench; plain data.
 */

export interface SceneOptions {
  /** How long each of its loads runs. */
  readonly seconds: number;
  /** An empty folder on the disk that is measured. */
  readonly work: string;
  readonly say: (line: string) => void;
}

export interface Check {
  readonly what: string;
  readonly isReached: boolean;
  /** What was measured, as words. */
  readonly measured: string;
}

export interface SceneResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly checks: readonly Check[];
  /** What a reader of the table must know. */
  readonly notes: readonly string[];
  /** All that was measured, for --json. */
  readonly figures: unknown;
}

export interface Scene {
  readonly name: string;
  readonly title: string;
  /** Of each load: as the figures ought to be taken, and for a look whether it works. */
  readonly seconds: number;
  readonly secondsShort: number;
  run(options: SceneOptions): Promise<SceneResult>;
}
