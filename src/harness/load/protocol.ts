/**
 * What a protocol is to the scheduler: sessions that are told when to begin a job and tell when they are free again.
 * What a job is (a message, a command, a request) only the protocol knows; what became of it, it tells its recorder.
 *
 * Runs in:   load generator; types only.
 * Invariant: every `start` is followed by exactly one `onFinished`, also when the connection dies; `onClose` comes once,
 *            last.
 */

import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { HostPort } from '../addresses.ts';
import type { LedgerWriter } from '../ledger/ledger-writer.ts';
import type { Recorder } from '../measure/recorder.ts';
import type { Share } from '../schedule/arrivals.ts';

export interface LoadSession {
  /** Open, and nothing under way. */
  readonly isIdle: boolean;
  /** Begins a job; allowed only while idle. `intendedMs`: the clock's instant at which the schedule wanted it. */
  start(intendedMs: number): void;
  /** Ends in order; `onClose` follows with the detail "done". */
  quit(): void;
  /** Cuts the connection; a job under way finishes as unknown or unsent. */
  destroy(): void;
}

export interface SessionEvents {
  /** The session may be given a job. */
  onIdle(session: LoadSession): void;
  /** A job came to its end at `endMs`, whatever became of it; its outcome is with the recorder. `onIdle` may follow. */
  onFinished(session: LoadSession, endMs: number): void;
  onClose(session: LoadSession, detail: string): void;
}

export interface LoadProtocol {
  /** Begins a session. It must not call back before it has returned. */
  open(events: SessionEvents): LoadSession;
}

/** What every protocol is built with; what else it needs it names in options of its own. */
export interface ProtocolPlace {
  readonly target: HostPort;
  /** Absent: the target. Else what it is known as, where something of the harness stands before it. */
  readonly knownAs?: HostPort;
  readonly clock: Clock;
  /** Seeded, and different in each thread. */
  readonly random: Random;
  /** Never the same twice: for the ids of a run. */
  readonly chance: Random;
  readonly recorder: Recorder;
  /** Where what is sent and answered is entered, if anywhere. */
  readonly ledger: LedgerWriter | undefined;
  /** Wall time minus the clock's, for the ledger. */
  readonly epochMs: number;
  /** Which part of the load this thread plays. */
  readonly share: Share;
}
