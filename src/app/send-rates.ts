/**
 * Joins rates of recipients to their settings, counters, the audit log and metrics.
 *
 * Runs in: main thread.
 */

import { MemoryCounters } from '../adapters/memory/memory-counters.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import type { Log } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import { networkSet } from '../base/networks.ts';
import { type RateKind, rateKinds, SendRates } from '../edge/guard/send-rates.ts';
import type { Settings } from '../settings/schema.ts';
import { serverFacts } from './audit/audit-desk.ts';
import type { Audit } from './audit/open-audit.ts';

/** Undefined where no rate is set: then nothing is counted. */
export function openSendRates(
  { rates, guard }: Settings,
  audit: Audit,
  log: Log,
): SendRates | undefined {
  const max: Record<RateKind, number> = {
    account: rates.perAccountMax,
    tenant: rates.perTenantMax,
    sender: rates.perSenderMax,
    address: rates.perAddressMax,
    network: rates.perNetworkMax,
  };
  if (Object.values(max).every((each) => each === 0)) return undefined;
  return new SendRates({
    max,
    windowMs: rates.windowMs,
    counters: new MemoryCounters(nodeClock),
    senderCounters: new MemoryCounters(nodeClock),
    allowed: networkSet(guard.allowNetworks),
    log,
    reached: ({ kind, of, max: most, endsInMs }) => {
      log.warn({ rate: kind, of, max: most, endsInMs }, 'a rate of recipients was met');
      audit.desk.note(serverFacts('rate.reached', 'refused', { rate: kind, of, max: most }));
    },
  });
}

export function measureSendRates(metrics: Metrics, rates: SendRates | undefined): void {
  if (rates === undefined) return;
  const family = metrics.counters(
    'chaski_send_rate_refusals_total',
    'Recipients and messages refused by a rate, by whose it is.',
    ['rate'],
  );
  const children = new Map(rateKinds.map((kind) => [kind, family.with({ rate: kind })]));
  rates.refused = (kind) => children.get(kind)!.inc();
}
