/**
 * A session of the load generator, as a run sees it: it is given messages and tells their outcomes.
 *
 * Runs in:   load generator; types and names only.
 * Invariant: every message given to `send` gets exactly one outcome, also when the connection dies;
 *            `onClose` comes once, last.
 */

import type { LoadMessage } from './message-source.ts';

export interface Refusal {
  readonly to: readonly string[];
  readonly reply: string;
}

export interface Outcome {
  readonly message: LoadMessage;
  readonly acknowledged: readonly string[];
  readonly refused: readonly Refusal[];
  /** Recipients whose fate the broken connection left open. */
  readonly unknown: readonly string[];
  /** Recipients of a message whose body was never sent whole. */
  readonly unsent: readonly string[];
  /** Clock instants; 0 where the step was not reached. */
  readonly startMs: number;
  readonly sentMs: number;
  readonly endMs: number;
}

export const phases = [
  'connect',
  'greeting',
  'hello',
  'mail',
  'rcpt',
  'data',
  'acknowledgement',
] as const;
export type Phase = (typeof phases)[number];

/** What a run asks of a session, whatever it speaks. */
export interface LoadSession {
  readonly isIdle: boolean;
  /** Starts a message; allowed only while idle. */
  send(message: LoadMessage): void;
  /** Ends in order; `onClose` follows with the detail "done". */
  quit(): void;
  /** Cuts the connection; a message under way gets its outcome. */
  destroy(): void;
}

export interface SessionEvents {
  /** The session is open and idle: it may be given a message. */
  onIdle(session: LoadSession): void;
  onOutcome(session: LoadSession, outcome: Outcome): void;
  onPhase(phase: Phase, ms: number): void;
  onClose(session: LoadSession, detail: string): void;
}
