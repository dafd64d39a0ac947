/**
 * The events of one tenant as the HTTP API gives them, with a wait for the next where there is none.
 *
 * Runs in:   main thread.
 * Limits:    `readsMax` pages are read for an answer: what is passed over for other tenants costs the asker no more.
 */

import type { EventFilter } from '../../actors/asks/event-asks.ts';
import { eventNumbers } from '../../actors/asks/trace-asks.ts';
import { nodeClock } from '../../adapters/node/clock.ts';
import type { EventFeed, EventFeedQuery } from '../../edge/protocols/http/api/events.ts';
import {
  cursorOf,
  type EventPage,
  type EventReader,
  type Place,
  placesOf,
} from './event-reader.ts';

const readsMax = 16;

export function eventFeed(reader: EventReader, shards: number): EventFeed {
  return async (query) => {
    const { after, waitMs, signal } = query;
    const endMs = nodeClock.monotonicMs() + waitMs;
    let places: readonly Place[] = placesOf(after, shards);
    for (;;) {
      const page = await firstPage(reader, places, query);
      const isOver = page.events.length > 0 || page.isGone || page.hasMore;
      const leftMs = endMs - nodeClock.monotonicMs();
      places = page.placesAfter();
      if (isOver || leftMs <= 0 || signal.aborted) {
        const { events, hasMore, isGone } = page;
        return { events, hasMore, isGone, cursor: cursorOf(places) };
      }
      await reader.wait(leftMs, signal);
    }
  };
}

/** The first that has something; the last one looked at where none has. */
async function firstPage(
  reader: EventReader,
  after: readonly Place[],
  query: EventFeedQuery,
): Promise<EventPage> {
  const only = filterOf(query);
  let page = await reader.read(after, query.limit, only);
  for (let reads = 1; reads < readsMax; reads++) {
    if (page.events.length > 0 || page.isGone || !page.hasMore) return page;
    page = await reader.read(page.placesAfter(), query.limit, only);
  }
  return page;
}

function filterOf({ tenant, types, campaign }: EventFeedQuery): EventFilter {
  return {
    tenant,
    ...(types === undefined ? {} : { kinds: types.map((type) => eventNumbers[type]) }),
    ...(campaign === undefined ? {} : { campaign }),
  };
}
