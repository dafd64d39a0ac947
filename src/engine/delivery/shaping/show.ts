/**
 * Which rules hold for mail to a domain, and where each of them stands.
 *
 * Runs in: engine threads.
 */

import {
  anyTenant,
  isAbout,
  type ShapingAnswer,
  type ShapingQuestion,
} from '../../../actors/asks/shaping-asks.ts';
import { defaultSourceName, pathName } from '../../../base/path-names.ts';
import type { Deliveries } from '../deliveries.ts';
import { shownLimits, shownShare } from './explain-limits.ts';
import type { ShapingState } from './shaping-state.ts';

export async function showShaping(
  state: ShapingState,
  deliveries: Deliveries,
  question: ShapingQuestion,
): Promise<ShapingAnswer> {
  const { domain, tenant, campaign, source } = question;
  const { matcher } = state;
  const { site, trouble } = await deliveries.siteOf(domain);
  const none = { domain, path: '', trouble, provider: '', limits: [], responses: [], marks: [] };
  if (site === '') return none;
  const path = source === '' || source === defaultSourceName ? site : pathName(site, source);
  const place = { path, domains: [domain], tenant, campaign };
  const shares = matcher
    .sharesOf(place)
    .filter((share) => share.tenant === '' || share.tenant === tenant)
    .filter((share) => share.campaign === '' || share.campaign === campaign);
  const number = state.tenantNumber(tenant) ?? anyTenant;
  const ofDomain = state.domainMark(domain, number);
  return {
    ...{ domain, path, trouble, provider: matcher.providerOf(path) },
    limits: [...shownLimits(matcher.limitsOf(place)), ...shares.map(shownShare)],
    responses: matcher.responsesFor(place).map(({ name }) => name),
    marks: [
      ...(ofDomain === undefined ? [] : [ofDomain]),
      ...state
        .marksOf(path)
        .filter((mark) => tenant === '' || isAbout(mark, number, campaign || mark.campaign!)),
    ],
  };
}
