/**
 * A delivery as it crosses threads, without its text.
 *
 * Runs in: engine threads; pure.
 */

import type { PackedDelivery } from '../../actors/asks/mailbox-asks.ts';
import type { AccountId, MessageId, TenantId } from '../../base/ids.ts';
import type { Delivery, DeliveryTarget } from './delivery.ts';

export function packDelivery(delivery: Delivery): PackedDelivery {
  const { id, tenant, sender, receivedMs } = delivery;
  const targets = delivery.targets.flatMap(({ account, recipient }) => [account, recipient]);
  return [id, tenant, sender, receivedMs, targets];
}

export function unpackDelivery(packed: PackedDelivery, parts: readonly Uint8Array[]): Delivery {
  const [id, tenant, sender, receivedMs, flat] = packed;
  const targets: DeliveryTarget[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    targets.push({ account: flat[i] as AccountId, recipient: flat[i + 1] as string });
  }
  return {
    id: id as MessageId,
    tenant: tenant as TenantId,
    sender,
    receivedMs,
    targets,
    parts,
  };
}
