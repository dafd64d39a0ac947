/**
 * What a session that took too long is told.
 *
 * Runs in:   edge (main thread); pure. Times are the listener's coarse ones.
 * Specs:     RFC 5321 §4.5.3.2 (time-outs).
 */

import type { Buffer } from 'node:buffer';
import type { SmtpLimits } from './limits.ts';
import { replies } from './replies.ts';
import type { SmtpService } from './service.ts';

export interface SessionTimes {
  readonly startedMs: number;
  /** Of the last octets from the peer. */
  readonly touchedMs: number;
  /** Since when a message's text is coming; 0: none is. */
  readonly dataFromMs: number;
  /** A log-in is asked for, and there is none. */
  readonly isEarly: boolean;
}

export function overdue(
  nowMs: number,
  { startedMs, touchedMs, dataFromMs, isEarly }: SessionTimes,
  limits: SmtpLimits,
): Buffer | undefined {
  if (nowMs - touchedMs > limits.idleMsMax) return replies.idle;
  if (dataFromMs > 0 && nowMs - dataFromMs > limits.dataMsMax) return replies.dataTooSlow;
  if (isEarly && nowMs - startedMs > limits.logInMsMax) return replies.logInTooSlow;
  return nowMs - startedMs > limits.sessionMsMax ? replies.sessionTooLong : undefined;
}

/** A message whose text was coming when we began to go down has had its time. */
export function isDrainLate({ tickMs, policy }: SmtpService, fromMs: number): boolean {
  return tickMs - fromMs > policy.limits.drainDataMsMax;
}
