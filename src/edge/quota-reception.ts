/**
 * A reception that takes no more of a tenant than its quota.
 *
 * Runs in:   edge (main thread).
 * Invariant: what was accepted is counted, and once, however often it comes with its idempotency key.
 */

import type { Arrival, Reception } from '../actors/asks/reception.ts';
import { type ErrorCode, failure } from '../base/errors.ts';
import type { TenantQuotas } from './guard/tenant-quotas.ts';
import type { QuotaFreeReception } from './reception.ts';

export function withQuotas(inner: QuotaFreeReception, quotas: TenantQuotas): Reception {
  return {
    ...inner,
    quotaWaitMs: (tenant, count) => quotas.waitMs(tenant, count),

    async accept(message, reservedBytes) {
      const { arrival } = message;
      if (!isHandedIn(arrival)) return inner.accept(message, reservedBytes);
      const { tenant, id } = arrival;
      const taking = quotas.take(tenant);
      const taken = typeof taking === 'object' ? await taking : taking;
      if (typeof taken === 'string') {
        message.stream?.abort();
        inner.release(reservedBytes);
        return failure(taken);
      }
      let isAccepted = true;
      try {
        const answer = await inner.accept(message, reservedBytes);
        isAccepted = answer.ok ? (answer.earlierId ?? id) === id : maybeAccepted.has(answer.code);
        return answer;
      } finally {
        quotas.answered(tenant, taken, isAccepted);
      }
    },
  };
}

/** After these it may be on disk: it stays counted. */
const maybeAccepted: ReadonlySet<ErrorCode> = new Set(['deadline-passed', 'store-failed']);

/** By the tenant itself: what strangers write to it costs it nothing. */
function isHandedIn({ trusted, listener }: Arrival): boolean {
  return trusted && listener !== 'lmtp';
}
