/**
 * `GET /api/v1/events`: what happened to a tenant's mail, from a cursor on.
 *
 * Runs in:   edge (main thread).
 * Limits:    `eventsMax` events an answer; a minute for the next ones to come; a key's reads and waits (`event-turns.ts`).
 * Invariant: a key sees its own tenant's events, and needs the scope `events`.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { EventView } from '../../../../actors/asks/control.ts';
import type { EventKind } from '../../../../actors/asks/trace-asks.ts';
import type { TenantId } from '../../../../base/ids.ts';
import type { Clock } from '../../../../ports/clock.ts';
import { callerOf } from './caller.ts';
import { eventsMax, eventsQuerySchema } from './event-schema.ts';
import type { EventTurns } from './event-turns.ts';
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

interface EventRouteParts {
  readonly turns: EventTurns;
  readonly clock: Pick<Clock, 'nowMs'>;
}

export function eventRoutes(
  app: FastifyInstance,
  feed: EventFeed,
  { turns, clock }: EventRouteParts,
): void {
  app.get('/api/v1/events', {
    config: { scope: 'events' },
    schema: { querystring: eventsQuerySchema },
    async handler(request) {
      const { key } = callerOf(request);
      turns.take(key, clock.nowMs());
      const query = request.query as Query;
      const stop = query.wait === undefined || query.wait === '0' ? nothing : turns.wait(key);
      try {
        return await pageOf(feed, key.tenant, query, request);
      } finally {
        stop();
      }
    },
  });
}

const nothing = () => {};

/** @throws ApiFault */
async function pageOf(
  feed: EventFeed,
  tenant: TenantId,
  { after = 'start', limit = String(eventsMax), type, campaign, wait = '0' }: Query,
  { raw }: FastifyRequest,
) {
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  const { events, cursor, hasMore, isGone } = await feed({
    ...{ tenant, after, limit: Math.min(Number(limit), eventsMax), signal: gone.signal },
    ...(type === undefined ? {} : { types: [type].flat() }),
    ...(campaign === undefined ? {} : { campaign }),
    waitMs: Number(wait) * 1_000,
  });
  if (isGone) {
    const words = 'events after this cursor are kept no more: begin again with after=start';
    throw new ApiFault('not-found', words, { status: 410 });
  }
  return { events: events.map(({ tenant: _, ...event }) => event), cursor, hasMore };
}
