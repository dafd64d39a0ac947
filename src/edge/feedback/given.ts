/**
 * Suppressions as operators and programs give them, made whole.
 *
 * Runs in:   edge (main thread); pure.
 * Limits:    `givenMax` at a time.
 */

import type { SuppressionInput } from '../../actors/asks/suppression-control.ts';
import { MailError } from '../../base/errors.ts';
import type { TenantId } from '../../base/ids.ts';
import {
  type Suppression,
  type SuppressionReason,
  suppressionNoteLengthMax,
  suppressionReasons,
} from '../../ports/suppressions.ts';

/** Decided in slices, and one commit: a few milliseconds. */
export const givenMax = 1_000;
/** Of one answer. */
export const listedMax = 1_000;

export function isReason(text: string): text is SuppressionReason {
  return suppressionReasons.includes(text as SuppressionReason);
}

/** @throws MailError `argument-invalid` for a reason or an instant that is none. */
export function suppressionsGiven(
  tenant: TenantId,
  given: readonly SuppressionInput[],
  nowMs: number,
): readonly Suppression[] {
  return given.map((each) => {
    const {
      address,
      stream = '',
      reason = 'manual',
      sinceMs = nowMs,
      untilMs = 0,
      note = '',
    } = each;
    if (!isReason(reason)) throw new MailError('argument-invalid', `no reason: ${reason}`);
    if (!isInstant(sinceMs) || !isInstant(untilMs)) {
      throw new MailError('argument-invalid', `no instant: ${sinceMs} or ${untilMs}`);
    }
    const words = note.slice(0, suppressionNoteLengthMax);
    return { tenant, address, stream, reason, sinceMs, untilMs, note: words };
  });
}

/** What a date can be, and a key can hold. */
function isInstant(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms >= 0 && ms <= 8.64e15 && ms < 2 ** 48;
}
