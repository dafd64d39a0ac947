/**
 * Suppressed addresses, as operators read and write them.
 *
 * Runs in:   main thread.
 * Limits:    `givenMax` entries a call, `listedMax` in an answer.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { SuppressionView } from '../../actors/asks/suppression-control.ts';
import { MailError } from '../../base/errors.ts';
import { givenMax, isReason, listedMax, suppressionsGiven } from '../../edge/feedback/given.ts';
import type { Suppression, SuppressionFilter } from '../../ports/suppressions.ts';
import type { ControlParts } from './parts.ts';
import { tenantNamed } from './tenant-handlers.ts';

export function suppressionHandlers(parts: ControlParts): ControlHandlers {
  const { suppressions, clock } = parts;
  return {
    'feedback.addresses': async ({ tenant: name }) => {
      const tenant = await tenantNamed(parts, name);
      const addresses = parts.feedbackAddresses(tenant.id);
      if (addresses !== undefined) return addresses;
      throw new MailError(
        'not-possible-now',
        'it has no bounce domain: feedback.bounceDomain, feedback.tenantBounceDomains',
      );
    },
    'suppression.add': async ({ tenant: name, entries }) => {
      const tenant = await tenantNamed(parts, name);
      if (entries.length > givenMax) {
        throw new MailError('argument-invalid', `at most ${givenMax} entries a call`);
      }
      return await suppressions.add(suppressionsGiven(tenant.id, entries, clock.nowMs()));
    },
    'suppression.list': async ({ tenant: name, limit, ...filter }) => {
      const tenant = await tenantNamed(parts, name);
      const page = suppressions.page({
        ...filterOf(filter),
        ...(filter.address === undefined ? {} : { address: filter.address }),
        ...(filter.after === undefined ? {} : { after: filter.after }),
        tenant: tenant.id,
        limit: Math.min(limit, listedMax),
        nowMs: clock.nowMs(),
      });
      return {
        entries: page.entries.map(viewOf),
        ...(page.next === undefined ? {} : { next: page.next }),
        addressCount: suppressions.count(tenant.id),
      };
    },
    'suppression.remove': async ({ tenant: name, address, ...filter }) => {
      const tenant = await tenantNamed(parts, name);
      return { count: await suppressions.remove(tenant.id, address, filterOf(filter)) };
    },
  };
}

/** @throws MailError `argument-invalid` */
function filterOf({ stream, reason }: { readonly stream?: string; readonly reason?: string }) {
  if (reason !== undefined && !isReason(reason)) {
    throw new MailError('argument-invalid', `no reason: ${reason}`);
  }
  const filter: SuppressionFilter = {
    ...(stream === undefined ? {} : { stream }),
    ...(reason === undefined ? {} : { reason }),
  };
  return filter;
}

function viewOf({ tenant: _, ...entry }: Suppression): SuppressionView {
  return entry;
}
