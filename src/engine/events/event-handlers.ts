/**
 * Answers `events.read`: the next events of one shard.
 *
 * Runs in:   engine threads.
 * Limits:    `eventsPerAskMax` events an answer.
 */

import type { ArrivedAsk, Handlers } from '../../actors/ask.ts';
import { type EventsQuery, eventAsks } from '../../actors/asks/event-asks.ts';
import { eventsPerAskMax } from '../../actors/asks/trace-asks.ts';
import { failure } from '../../base/errors.ts';
import type { EventLog } from './event-log.ts';

export function eventHandlers(eventLogOf: (ask: ArrivedAsk) => EventLog | undefined): Handlers {
  return {
    [eventAsks.read]: async (ask) => {
      const log = eventLogOf(ask);
      if (log === undefined) {
        return failure('not-possible-now', `shard ${ask.shard} is not open here`);
      }
      const { after, limit } = ask.meta as EventsQuery;
      const value = await log.readForward({ after, limit: Math.min(limit, eventsPerAskMax) });
      return { ok: true, value };
    },
  };
}
