/**
 * Decides when a deferred recipient is tried again.
 *
 * Runs in:   engine threads; pure (time and jitter are arguments).
 * Specs:     RFC 5321 §4.5.4.1 (retry interval, give-up time).
 * Limits:    a wait is at most `maxMs` and its jitter; nothing is tried after `expiryMs`.
 * Invariant: the instant returned is after `nowMs`; the last try comes at the instant of expiry, not before.
 */

import type { ResponseClass } from '../../mail/wire/smtp/response-class.ts';
import type { Settings } from '../../settings/schema.ts';

export interface Waits {
  /** Wait before the second try; each later wait is twice the one before. */
  readonly firstMs: number;
  readonly maxMs: number;
}

export interface RetrySchedule extends Waits {
  /** Waits are spread by up to this much to either side: a site that comes back is not met by all at once. */
  readonly jitterPercent: number;
  /** Counted from acceptance, or from when a message that was held back might go. */
  readonly expiryMs: number;
  /** Where the reason is one of these. */
  readonly byClass: Readonly<Partial<Record<ResponseClass, Waits>>>;
}

export function retrySchedule({ relay, retry }: Pick<Settings, 'relay' | 'retry'>): RetrySchedule {
  return {
    firstMs: relay.retryMsMin,
    maxMs: relay.retryMsMax,
    jitterPercent: relay.retryJitterPercent,
    expiryMs: relay.expiryMs,
    byClass: {
      greylist: { firstMs: retry.greylistMsMin, maxMs: retry.greylistMsMax },
      rate: { firstMs: retry.rateMsMin, maxMs: retry.rateMsMax },
      'over-quota': { firstMs: retry.overQuotaMsMin, maxMs: retry.overQuotaMsMax },
      block: { firstMs: retry.blockMsMin, maxMs: retry.blockMsMax },
    },
  };
}

export interface Tried {
  /** Attempts made so far, the one that just failed included. */
  readonly attempts: number;
  readonly acceptedMs: number;
  readonly nowMs: number;
  /** Why the last one failed. */
  readonly why?: ResponseClass;
}

/** Doublings past this one change nothing under any schedule, and would leave the exact integers. */
const doublingsMax = 40;

/** `fraction` is a random number in [0, 1). */
export function nextAttempt(
  schedule: RetrySchedule,
  tried: Tried,
  fraction: number,
): number | 'expired' {
  const { nowMs } = tried;
  const expiresMs = tried.acceptedMs + schedule.expiryMs;
  if (nowMs >= expiresMs) return 'expired';
  const doublings = Math.min(Math.max(tried.attempts - 1, 0), doublingsMax);
  const { firstMs, maxMs } = (tried.why && schedule.byClass[tried.why]) ?? schedule;
  const waitMs = Math.min(firstMs * 2 ** doublings, maxMs);
  const spread = 1 + (schedule.jitterPercent / 100) * (2 * fraction - 1);
  return Math.min(Math.max(nowMs + Math.round(waitMs * spread), nowMs + 1), expiresMs);
}
