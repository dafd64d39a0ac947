/**
 * What MAIL's parameters ask of the delivery, as instants: judged once, when the sender is taken.
 *
 * Runs in: edge (main thread); pure.
 * Specs:   RFC 4865 §4 (a hold that is too long is refused with 501), RFC 2852 §4.1.1, RFC 6710 §4.1.
 */

import type { DeliveryTerms } from '../../../actors/asks/delivery-terms.ts';
import { secondMs } from '../../../base/units.ts';
import type { TermsParameters } from '../../../mail/wire/smtp/terms-parameters.ts';

export interface TermsPolicy {
  readonly holdMsMax: number;
}

/** `unknown`: a parameter of an extension that is not offered. `bad`: nothing we can promise. */
export function termsOf(
  asked: TermsParameters,
  { holdMsMax }: TermsPolicy,
  nowMs: number,
): DeliveryTerms | 'unknown' | 'bad' {
  const { holdForSeconds, holdUntilMs, by, priority } = asked;
  const untilMs = holdForSeconds === undefined ? holdUntilMs : nowMs + holdForSeconds * secondMs;
  if (untilMs !== undefined && holdMsMax === 0) return 'unknown';
  if (untilMs !== undefined && untilMs - nowMs > holdMsMax) return 'bad';
  const byMs = by === undefined ? undefined : nowMs + by.seconds * secondMs;
  // It would be too late before its time.
  if (by?.mode === 'return' && untilMs !== undefined && byMs! <= untilMs) return 'bad';
  return {
    ...(priority === undefined || priority === 0 ? {} : { priority }),
    ...(untilMs === undefined || untilMs <= nowMs ? {} : { holdUntilMs: untilMs }),
    ...(by === undefined
      ? {}
      : { deliverBy: { byMs: Math.max(byMs!, 1), mode: by.mode, isTraced: by.isTraced } }),
  };
}
