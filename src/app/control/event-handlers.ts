/**
 * `events`: what happens to mail, in order, out of the event logs of all shards.
 *
 * Runs in:   main thread.
 * Limits:    `eventsMax` events an answer.
 * Invariant: events come at least once: who reads on from the last cursor it has stored misses none that is kept.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { EventSinkView } from '../../actors/asks/event-control.ts';
import { secondMs } from '../../base/units.ts';
import { cursorOf, EventReader, placesOf } from '../events/event-reader.ts';
import type { EventStreams } from '../events/open-streams.ts';
import type { SinkFacts } from '../events/sink-feeder.ts';
import type { TraceParts } from './trace-handlers.ts';

const eventsMax = 10_000;

export function eventHandlers(parts: TraceParts): ControlHandlers {
  const reader = new EventReader(parts);
  return {
    events: async ({ after, limit }) => {
      const places = placesOf(after, parts.shards);
      const page = await reader.read(places, Math.min(limit, eventsMax));
      const { events, isCut, hasMore, unread } = page;
      return { events, cursor: cursorOf(page.placesAfter()), isCut, hasMore, unread };
    },
  };
}

/** Where events go on to, besides webhooks. */
export function sinkHandlers({ sinks }: Pick<EventStreams, 'sinks'>): ControlHandlers {
  return { 'events.sinks': async () => ({ sinks: sinks().map(sinkView) }) };
}

function sinkView(facts: SinkFacts): EventSinkView {
  const { lagMs, lastSentMs, failingSinceMs, ...rest } = facts;
  return {
    ...rest,
    state: failingSinceMs > 0 ? 'failing' : 'active',
    lagSeconds: Math.round(lagMs / secondMs),
    ...(lastSentMs === 0 ? {} : { lastSent: new Date(lastSentMs).toISOString() }),
    ...(failingSinceMs === 0 ? {} : { failingSince: new Date(failingSinceMs).toISOString() }),
  };
}
