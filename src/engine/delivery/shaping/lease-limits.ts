/**
 * The limits of paths as owners of sites lend them: slots, rates, and buckets of tenants and campaigns.
 *
 * Runs in: engine threads; pure.
 */

import { anyTenant } from '../../../actors/asks/shaping-asks.ts';
import type { SiteLimits } from '../../../actors/leases.ts';
import type { Rate } from '../../../actors/rates.ts';
import type { PathLimits } from './path-owners.ts';

/** A second's worth may go at once after a pause; one message always may. */
function burstOf(perSecond: number): number {
  return Math.max(1, perSecond);
}

export function siteLimitsOf(limits: PathLimits): SiteLimits {
  const { connectionsMax, messagesPerSecond, connectionsPerSecond } = limits;
  return {
    slotsMax: connectionsMax,
    messagesPerSecond,
    messagesBurst: burstOf(messagesPerSecond),
    connectionsPerSecond,
    connectionsBurst: burstOf(connectionsPerSecond),
  };
}

/** The name of a bucket: `tenant 17`, `campaign news`, or both. */
export function bucketName(tenant: number, campaign: string): string {
  const words = tenant === anyTenant ? [] : [`tenant ${tenant}`];
  if (campaign !== '') words.push(`campaign ${campaign}`);
  return words.join(' ');
}

export function bucketRate({ shares }: PathLimits, bucket: string): Rate | undefined {
  const share = shares.find(({ tenant, campaign }) => bucketName(tenant, campaign) === bucket);
  if (share === undefined) return undefined;
  return { perSecond: share.messagesPerSecond, burst: burstOf(share.messagesPerSecond) };
}
