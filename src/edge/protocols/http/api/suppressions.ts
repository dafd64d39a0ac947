/**
 * `/api/v1/suppressions`: a tenant's suppressed addresses, read and written by its programs.
 *
 * Runs in:   edge (main thread).
 * Limits:    `givenMax` entries a request, `listedMax` in an answer.
 * Invariant: a key sees and changes its own tenant's list, and needs the scope `suppression`. What was written is on
 *            disk before the answer.
 */

import type { FastifyInstance } from 'fastify';
import type { EventNote } from '../../../../actors/asks/event-asks.ts';
import type { ApiKey } from '../../../../ports/account-directory.ts';
import type { Clock } from '../../../../ports/clock.ts';
import type {
  Suppression,
  SuppressionFilter,
  SuppressionList,
  SuppressionReason,
} from '../../../../ports/suppressions.ts';
import { listedMax, suppressionsGiven } from '../../../feedback/given.ts';
import { callerOf } from './caller.ts';
import { ApiFault } from './fault.ts';
import {
  suppressionListQuerySchema,
  suppressionRemoveQuerySchema,
  suppressionsSchema,
} from './suppression-schema.ts';

export interface SuppressionRouteParts {
  readonly suppressions: SuppressionList;
  readonly clock: Clock;
  /** Puts what a key did into the event log. */
  readonly note: (note: EventNote) => Promise<void>;
}

interface EntryGiven {
  readonly address: string;
  readonly stream?: string;
  readonly reason?: SuppressionReason;
  readonly until?: string;
  readonly note?: string;
}

interface ListQuery {
  readonly address?: string;
  readonly stream?: string;
  readonly reason?: SuppressionReason;
  readonly after?: string;
  readonly limit?: string;
}

const path = '/api/v1/suppressions';
const config = { scope: 'suppression' } as const;

export function suppressionRoutes(app: FastifyInstance, parts: SuppressionRouteParts): void {
  const { suppressions, clock } = parts;
  const note = ({ id, tenant }: ApiKey, what: string, detail: string) =>
    parts.note({ atMs: clock.nowMs(), tenant, what, detail, by: `key ${id}` });
  app.get(path, {
    config,
    schema: { querystring: suppressionListQuerySchema },
    async handler(request) {
      const { tenant } = callerOf(request).key;
      const query = request.query as ListQuery;
      const { address, after, limit = String(listedMax) } = query;
      const page = suppressions.page({
        ...filterOf(query),
        ...(address === undefined ? {} : { address }),
        ...(after === undefined ? {} : { after }),
        tenant,
        limit: Math.min(Number(limit), listedMax),
        nowMs: clock.nowMs(),
      });
      return {
        suppressions: page.entries.map(viewOf),
        ...(page.next === undefined ? {} : { next: page.next }),
      };
    },
  });
  app.post(path, {
    config,
    schema: { body: suppressionsSchema },
    async handler(request) {
      const { key } = callerOf(request);
      const { entries } = request.body as { readonly entries: readonly EntryGiven[] };
      const given = entries.map(({ until, ...entry }, index) =>
        until === undefined ? entry : { ...entry, untilMs: instantOf(until, index) },
      );
      const answer = await suppressions.add(suppressionsGiven(key.tenant, given, clock.nowMs()));
      const whom = entries.length === 1 ? entries[0]!.address : `${entries.length} addresses`;
      await note(key, 'suppression-added', `${whom}: ${answer.added} added`);
      return answer;
    },
  });
  app.delete(path, {
    config,
    schema: { querystring: suppressionRemoveQuerySchema },
    async handler(request) {
      const { key } = callerOf(request);
      const query = request.query as ListQuery;
      const removed = await suppressions.remove(key.tenant, query.address!, filterOf(query));
      if (removed === 0) throw new ApiFault('not-found', 'this address is not suppressed');
      await note(key, 'suppression-removed', `${query.address}: ${removed} removed`);
      return { removed };
    },
  });
}

function filterOf({ stream, reason }: ListQuery): SuppressionFilter {
  return {
    ...(stream === undefined ? {} : { stream }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** @throws ApiFault */
function instantOf(text: string, index: number): number {
  const ms = Date.parse(text);
  if (ms > 0) return ms;
  throw new ApiFault('argument-invalid', 'this is no instant', { path: `/entries/${index}/until` });
}

function viewOf({ address, stream, reason, sinceMs, untilMs, note }: Suppression) {
  return {
    address,
    ...(stream === '' ? {} : { stream }),
    reason,
    since: new Date(sinceMs).toISOString(),
    ...(untilMs === 0 ? {} : { until: new Date(untilMs).toISOString() }),
    ...(note === '' ? {} : { note }),
  };
}
