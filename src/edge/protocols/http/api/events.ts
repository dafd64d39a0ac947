/**
 * `GET /api/v1/events`: what happened to a tenant's mail, from a cursor on.
 *
 * Runs in:   edge (main thread).
 * Limits:    `eventsMax` events an answer; a minute for the next ones to come.
 * Invariant: a key sees its own tenant's events, and needs the scope `events`.
 */

import type { FastifyInstance } from 'fastify';
import type { EventView } from '../../../../actors/asks/control.ts';
import type { EventKind } from '../../../../actors/asks/trace-asks.ts';
import type { TenantId } from '../../../../base/ids.ts';
import { callerOf } from './caller.ts';
import { eventsMax, eventsQuerySchema } from './event-schema.ts';
import { ApiFault } from './fault.ts';

export interface EventFeedQuery {
  readonly tenant: TenantId;
  /** `start`, `end` or a cursor. */
  readonly after: string;
  readonly limit: number;
  readonly types?: readonly EventKind[];
  readonly campaign?: string;
  readonly waitMs: number;
  /** The asker went away. */
  readonly signal: AbortSignal;
}

export interface EventFeedPage {
  readonly events: readonly EventView[];
  readonly cursor: string;
  readonly hasMore: boolean;
  /** Events behind the cursor are kept no more. */
  readonly isGone: boolean;
}

/** @throws MailError `argument-invalid` for what is no cursor. */
export type EventFeed = (query: EventFeedQuery) => Promise<EventFeedPage>;

interface Query {
  readonly after?: string;
  readonly limit?: string;
  readonly type?: EventKind | readonly EventKind[];
  readonly campaign?: string;
  readonly wait?: string;
}

export function eventRoutes(app: FastifyInstance, feed: EventFeed): void {
  app.get('/api/v1/events', {
    config: { scope: 'events' },
    schema: { querystring: eventsQuerySchema },
    async handler(request) {
      const { tenant } = callerOf(request).key;
      const {
        after = 'start',
        limit = String(eventsMax),
        type,
        campaign,
        wait = '0',
      } = request.query as Query;
      const gone = new AbortController();
      request.raw.once('close', () => gone.abort());
      const { events, cursor, hasMore, isGone } = await feed({
        ...{ tenant, after, limit: Math.min(Number(limit), eventsMax), signal: gone.signal },
        ...(type === undefined ? {} : { types: [type].flat() }),
        ...(campaign === undefined ? {} : { campaign }),
        waitMs: Number(wait) * 1_000,
      });
      if (isGone) {
        throw new ApiFault(
          'not-found',
          'events after this cursor are kept no more: begin again with after=start',
          {
            status: 410,
          },
        );
      }
      return { events: events.map(({ tenant: _, ...event }) => event), cursor, hasMore };
    },
  });
}
