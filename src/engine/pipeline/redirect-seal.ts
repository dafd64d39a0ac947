/**
 * Seals mail that an account sends on: what was found out as it came in stays known to who gets it from us.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 8617 §5.1.
 * Invariant: nothing is sealed but what our own field of results says; a message without one is not sealed.
 */

import { emptyBytes } from '../../base/bytes.ts';
import { fieldName, isField, rawField } from '../../mail/formats/headers/fields.ts';
import { scanHeaders } from '../../mail/formats/headers/scan.ts';
import { resultOf } from '../../mail/trust/arc.ts';
import { isForgedResult } from './forged-results.ts';
import type { Policy } from './policy.ts';

const resultsName = fieldName('authentication-results');

/** `message` as it leaves; the fields go before it. Empty: it is not sealed. */
export function redirectSeal(message: Uint8Array, policy: Policy, nowMs: number): Uint8Array {
  const { sealer, authservIds } = policy;
  if (sealer === undefined) return emptyBytes;
  const scan = scanHeaders(message);
  for (let field = 0; field < scan.count; field++) {
    // Those of others that carry our name were taken out as it came in.
    if (!isField(scan, field, resultsName) || !isForgedResult(scan, field, authservIds)) continue;
    const results = rawField(scan, field);
    const verdict = resultOf(Buffer.from(results).toString('latin1'), 'arc') ?? 'none';
    const what = { message, results, verdict, nowSeconds: Math.floor(nowMs / 1_000) };
    return sealer.seal(what) ?? emptyBytes;
  }
  return emptyBytes;
}
