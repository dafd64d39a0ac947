/**
 * `events`: what happens to mail, in order, out of the event logs of all shards.
 *
 * Runs in:   main thread.
 * Limits:    `limit` events an answer, shared by the shards; `askMsMax` for each.
 * Invariant: a cursor names a position for every shard; a shard that cannot be asked keeps its place in it. Events come
 *            at least once: who reads on from the last cursor it has stored misses none that is kept.
 */

import { Buffer } from 'node:buffer';
import { pack, unpack } from 'msgpackr';
import type { ControlHandlers, ControlResult, EventView } from '../../actors/asks/control.ts';
import {
  type EventPosition,
  type EventsPage,
  type EventsQuery,
  eventAsks,
} from '../../actors/asks/event-asks.ts';
import { MailError } from '../../base/errors.ts';
import { shardId } from '../../base/ids.ts';
import { eventViewOf } from './event-views.ts';
import { askShard } from './shard-asks.ts';
import type { TraceParts } from './trace-handlers.ts';

const askMsMax = 30_000;
const eventsMax = 10_000;

export function eventHandlers(parts: TraceParts): ControlHandlers {
  return { events: ({ after, limit }) => events(parts, after, Math.min(limit, eventsMax)) };
}

type Place = EventsQuery['after'];

async function events(
  parts: TraceParts,
  after: string,
  limit: number,
): Promise<ControlResult<'events'>> {
  const places = placesOf(after, parts.shards);
  const share = Math.max(1, Math.floor(limit / parts.shards));
  const found: EventView[] = [];
  const unread: { readonly shard: number; readonly reason: string }[] = [];
  let isCut = false;
  let hasMore = false;
  await Promise.all(
    places.map(async (place, shard) => {
      const query: EventsQuery = { after: place, limit: share };
      const answer = await askShard(parts, {
        shard: shardId(shard),
        actor: 'events',
        name: eventAsks.read,
        meta: query,
        msMax: askMsMax,
      });
      if (!answer.ok) {
        unread.push({ shard, reason: answer.detail || answer.code });
        return;
      }
      const page = answer.value as EventsPage;
      places[shard] = page.next;
      isCut ||= page.isCut;
      hasMore ||= page.hasMore;
      page.events.forEach((event, i) => {
        found.push(eventViewOf(event, shard, page.positions[i]!));
      });
    }),
  );
  // One shard's events stay in their order: the sort is stable.
  found.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return { events: found, cursor: cursorOf(places), isCut, hasMore, unread };
}

function cursorOf(places: readonly Place[]): string {
  return Buffer.from(pack(places)).toString('base64url');
}

/** @throws MailError `argument-invalid` */
function placesOf(after: string, shards: number): Place[] {
  if (after === 'start' || after === 'end') return new Array<Place>(shards).fill(after);
  const places = decoded(after);
  if (!Array.isArray(places) || places.length !== shards || !places.every(isPlace)) {
    throw new MailError('argument-invalid', 'this is no cursor of this server');
  }
  return places;
}

function decoded(cursor: string): unknown {
  try {
    return unpack(Buffer.from(cursor, 'base64url'));
  } catch {
    return undefined;
  }
}

function isPlace(place: unknown): place is Place {
  if (place === 'start' || place === 'end') return true;
  return isPosition(place);
}

function isPosition(place: unknown): place is EventPosition {
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  return Array.isArray(place) && place.length === 3 && place.every(isCount);
}
