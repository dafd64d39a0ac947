/**
 * `events`: what happens to mail, in order, out of the event logs of all shards.
 *
 * Runs in:   main thread.
 * Limits:    `eventsMax` events an answer.
 * Invariant: events come at least once: who reads on from the last cursor it has stored misses none that is kept.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import { cursorOf, EventReader, placesOf } from '../events/event-reader.ts';
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
