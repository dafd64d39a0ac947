/**
 * How long a session may be silent, and a client deaf.
 *
 * Runs in:   edge (main thread); times are the listener's coarse ones.
 * Specs:     RFC 9051 §5.4 (autologout: at least 30 minutes once logged in).
 */

import { minuteMs, secondMs } from '../../../base/units.ts';

/** Silence longer than this is broken while a client idles: routers on the way forget quiet connections. */
const quietMsMax = 2 * minuteMs;
/** A session that said and heard nothing for so long keeps only what it cannot do without. */
const restMsMin = 10 * secondMs;

export interface TimeLimits {
  /** How long a session may last without a log-in. */
  readonly earlyMsMax: number;
  readonly idleMsMax: number;
  /** A client that takes nothing of what it asked for is cut off after this long. */
  readonly stallMsMax: number;
}

export interface TimedSession {
  readonly isLoggedIn: boolean;
  /** A command runs: its silence is ours. */
  readonly isBusy: boolean;
  readonly isIdling: boolean;
  readonly unsentBytes: number;
}

export type TimeOut = 'early' | 'idle' | 'stalled' | 'quiet';

export class TimeOuts {
  /** Of the last octets from the client, and of the last ones to it. */
  heardMs: number;
  spokeMs: number;
  #startedMs: number;
  #stalledMs = 0;
  #stalledBytes = 0;

  constructor(nowMs: number) {
    this.#startedMs = nowMs;
    this.heardMs = nowMs;
    this.spokeMs = nowMs;
  }

  /** It is as if the session began now: nobody is logged in any more. */
  beginAnew(nowMs: number): void {
    this.#startedMs = nowMs;
  }

  /** Nothing is said or heard for a while. */
  isSilent(nowMs: number): boolean {
    return nowMs - Math.max(this.heardMs, this.spokeMs) > restMsMin;
  }

  check(nowMs: number, session: TimedSession, limits: TimeLimits): TimeOut | undefined {
    if (!session.isLoggedIn && nowMs - this.#startedMs > limits.earlyMsMax) return 'early';
    if (this.#isStalled(nowMs, session.unsentBytes, limits.stallMsMax)) return 'stalled';
    if (!session.isBusy && nowMs - this.heardMs > limits.idleMsMax) return 'idle';
    return session.isIdling && nowMs - this.spokeMs > quietMsMax ? 'quiet' : undefined;
  }

  #isStalled(nowMs: number, unsentBytes: number, stallMsMax: number): boolean {
    if (unsentBytes === 0 || unsentBytes !== this.#stalledBytes) {
      this.#stalledBytes = unsentBytes;
      this.#stalledMs = nowMs;
      return false;
    }
    return nowMs - this.#stalledMs > stallMsMax;
  }
}
