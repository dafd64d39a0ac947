/**
 * A compiled script: a short list of instructions around one flag, the result of the last test.
 *
 * Runs in:   anywhere.
 * Invariant: `jump` and `each-part` name places in the list; a program ends by running off its end.
 */

import type { Arguments } from './arguments.ts';
import type { CommandSpec, TestSpec } from './spec.ts';

export type Instruction =
  | { readonly op: 'test'; readonly spec: TestSpec; readonly args: Arguments }
  | { readonly op: 'set'; readonly flag: boolean }
  | { readonly op: 'not' }
  /** Always, or only where the flag is `when`. */
  | { op: 'jump'; to: number; readonly when?: boolean }
  | { readonly op: 'do'; readonly spec: CommandSpec; readonly args: Arguments }
  | { readonly op: 'include'; readonly include: Include; readonly at: number }
  /** RFC 5463 §4: what is not known is an error only where it is reached. */
  | { readonly op: 'fail'; readonly message: string; readonly at: number }
  | { readonly op: 'stop' }
  | { readonly op: 'return' }
  /** Goes to the next part, or leaves the loop and jumps where there is none. */
  | { readonly op: 'enter-parts'; readonly at: number }
  | { op: 'each-part'; end: number; readonly at: number }
  /** RFC 5703 §3.2: leaves so many loops. */
  | { op: 'leave'; readonly loops: number; to: number };

/** RFC 6609 §3.2. */
export interface Include {
  readonly location: 'personal' | 'global';
  readonly name: string;
  readonly isOnce: boolean;
  readonly isOptional: boolean;
}

export interface Program {
  readonly code: readonly Instruction[];
  /** The script's text: faults of a run are told by line. */
  readonly source: string;
  /** What it takes in, directly. */
  readonly includes: readonly Include[];
  /** As required, or found by `ihave`. */
  readonly extensions: ReadonlySet<string>;
}
