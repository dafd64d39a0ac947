/**
 * Limits in words, each with the rule it comes from.
 *
 * Runs in: engine threads; pure.
 */

import type { ShownLimit } from '../../../actors/asks/shaping-asks.ts';
import { writeRate } from '../../../settings/shaping/rules.ts';
import type { FoundLimits, Share } from './matcher.ts';

export function shownLimits(found: FoundLimits): ShownLimit[] {
  return Object.entries(found).map(([limit, { value, rule }]) => ({
    limit,
    value: typeof value === 'number' ? String(value) : writeRate(value),
    rule,
  }));
}

export function shownShare({ tenant, campaign, rate, rule }: Share): ShownLimit {
  const whose = [
    tenant === '' ? '' : `tenant ${tenant}`,
    campaign === '' ? '' : `campaign ${campaign}`,
  ];
  const name = whose.filter((word) => word !== '').join(', ');
  return { limit: `messageRate of ${name}`, value: writeRate(rate), rule };
}
