/**
 * Answers `trace.read`: what one shard's event log knows of a message or an address.
 *
 * Runs in:   engine threads.
 * Limits:    `eventsPerAskMax` events an answer; a search ends at its ask's deadline with what it has found.
 */

import type { ArrivedAsk, Handlers } from '../../actors/ask.ts';
import { eventsPerAskMax, type TraceQuery, traceAsks } from '../../actors/asks/trace-asks.ts';
import { failure } from '../../base/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from './event-log.ts';
import { searchKeyOf } from './frames.ts';

export interface TraceHandlerParts {
  /** The open shard's event log; undefined where the shard is not open here. */
  readonly eventLogOf: (ask: ArrivedAsk) => EventLog | undefined;
  readonly clock: Clock;
}

/** Before the deadline, so that the answer still finds its asker. */
const spareMs = 500;

export function traceHandlers({ eventLogOf, clock }: TraceHandlerParts): Handlers {
  return {
    [traceAsks.read]: async (ask) => {
      const events = eventLogOf(ask);
      if (events === undefined) {
        return failure('not-possible-now', `shard ${ask.shard} is not open here`);
      }
      const { of, limit, sinceMs } = ask.meta as TraceQuery;
      const value = await events.read({
        key: searchKeyOf(of),
        limit: Math.min(limit, eventsPerAskMax),
        sinceMs,
        isOver: () => ask.deadlineMs !== 0 && clock.nowMs() > ask.deadlineMs - spareMs,
      });
      return { ok: true, value };
    },
  };
}
