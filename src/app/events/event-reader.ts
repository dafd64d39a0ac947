/**
 * Reads the event logs of all shards as one stream, from a cursor on, and waits for what comes.
 *
 * Runs in:   main thread.
 * Limits:    `limit` events a page, shared by the shards; `askMsMax` for each; `waitersMax` wait at a time, for whom all
 *            shards are asked once in `lookMs`.
 * Invariant: one shard's events keep their order, so those of one message do; a cursor names a position for every
 *            shard, and a shard that cannot be asked keeps its place in it.
 */

import { Buffer } from 'node:buffer';
import { pack, unpack } from 'msgpackr';
import type { EventView } from '../../actors/asks/control.ts';
import {
  type EventFilter,
  type EventPosition,
  type EventsPage,
  type EventsQuery,
  eventAsks,
} from '../../actors/asks/event-asks.ts';
import type { Router } from '../../actors/router.ts';
import { MailError } from '../../base/errors.ts';
import { shardId } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import { eventViewOf } from '../control/event-views.ts';
import { askShard } from '../control/shard-asks.ts';

export interface EventReaderParts {
  readonly router: Pick<Router, 'ask'>;
  readonly clock: Clock;
  readonly shards: number;
}

export type Place = EventsQuery['after'];

const waitersMax = 256;
const askMsMax = 30_000;
const lookMs = 1_000;

interface PlacedEvent {
  readonly view: EventView;
  readonly shard: number;
  readonly position: EventPosition;
}

export interface UnreadShard {
  readonly shard: number;
  readonly reason: string;
}

/** The next events of all shards, the earliest first; one shard's in its order. */
export class EventPage {
  readonly events: readonly EventView[];
  readonly isCut: boolean;
  readonly isGone: boolean;
  readonly hasMore: boolean;
  readonly unread: readonly UnreadShard[];
  readonly #placed: readonly PlacedEvent[];
  readonly #next: readonly Place[];

  constructor(
    placed: readonly PlacedEvent[],
    next: readonly Place[],
    facts: Pick<EventPage, 'isCut' | 'isGone' | 'hasMore' | 'unread'>,
  ) {
    this.events = placed.map(({ view }) => view);
    this.isCut = facts.isCut;
    this.isGone = facts.isGone;
    this.hasMore = facts.hasMore;
    this.unread = facts.unread;
    this.#placed = placed;
    this.#next = next;
  }

  /** Behind the first `count` events; behind all of them, what was passed over included. */
  placesAfter(count = this.#placed.length): readonly Place[] {
    const places = [...this.#next];
    const isLeft = new Set<number>();
    for (const { shard, position } of this.#placed.slice(count)) {
      if (isLeft.has(shard)) continue;
      isLeft.add(shard);
      places[shard] = position;
    }
    return places;
  }
}

export class EventReader {
  readonly #parts: EventReaderParts;
  readonly #waiters = new Set<() => void>();
  #isLooking = false;
  #ends = '';
  #isClosed = false;

  constructor(parts: EventReaderParts) {
    this.#parts = parts;
  }

  async read(after: readonly Place[], limit: number, only?: EventFilter): Promise<EventPage> {
    const { shards } = this.#parts;
    const next = [...after];
    const share = Math.max(1, Math.floor(limit / shards));
    const found: PlacedEvent[][] = [];
    const unread: UnreadShard[] = [];
    const facts = { isCut: false, isGone: false, hasMore: false, unread };
    await Promise.all(
      after.map(async (place, shard) => {
        const page = await this.#ask(shard, { after: place, limit: share, ...given(only) });
        if (typeof page === 'string') {
          unread.push({ shard, reason: page });
          return;
        }
        next[shard] = page.next;
        facts.isCut ||= page.isCut;
        facts.isGone ||= page.isGone;
        facts.hasMore ||= page.hasMore;
        found.push(
          page.events.map((event, i) => {
            const position = page.positions[i]!;
            return { view: eventViewOf(event, shard, position), shard, position };
          }),
        );
      }),
    );
    return new EventPage(merged(found), next, facts);
  }

  /** Where all events there are end. */
  async end(): Promise<readonly Place[]> {
    const after = new Array<Place>(this.#parts.shards).fill('end');
    return (await this.read(after, 0)).placesAfter();
  }

  /** Resolves when something may have come, or the time is over. */
  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#isClosed || signal?.aborted === true) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    // Who is one too many looks for itself, a second later.
    const isMany = this.#waiters.size >= waitersMax;
    const timer = this.#parts.clock.setTimer(isMany ? Math.min(ms, lookMs) : ms, resolve);
    const onAbort = () => resolve();
    signal?.addEventListener('abort', onAbort);
    if (!isMany) this.#waiters.add(resolve);
    if (!this.#isLooking && !isMany) void this.#look();
    await promise;
    timer.cancel();
    // A webhook's signal lives as long as the webhook, and waits each second.
    signal?.removeEventListener('abort', onAbort);
    this.#waiters.delete(resolve);
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** One look for all who wait. */
  async #look(): Promise<void> {
    this.#isLooking = true;
    const { clock } = this.#parts;
    while (this.#waiters.size > 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => clock.setTimer(lookMs, resolve));
      if (this.#waiters.size === 0 || this.#isClosed) break;
      const ends = cursorOf(await this.end());
      if (ends !== this.#ends) this.#wake();
      this.#ends = ends;
    }
    this.#isLooking = false;
  }

  #wake(): void {
    for (const resolve of [...this.#waiters]) resolve();
  }

  async #ask(shard: number, meta: EventsQuery): Promise<EventsPage | string> {
    const answer = await askShard(this.#parts, {
      shard: shardId(shard),
      actor: 'events',
      name: eventAsks.read,
      meta,
      msMax: askMsMax,
    });
    return answer.ok ? (answer.value as EventsPage) : answer.detail || answer.code;
  }
}

function given(only: EventFilter | undefined): { only?: EventFilter } {
  return only === undefined ? {} : { only };
}

/** The earliest of the shards' next events comes next. */
function merged(rows: readonly (readonly PlacedEvent[])[]): PlacedEvent[] {
  const out: PlacedEvent[] = [];
  const at = rows.map(() => 0);
  for (;;) {
    let least = -1;
    for (let i = 0; i < rows.length; i++) {
      const head = rows[i]![at[i]!];
      if (head === undefined) continue;
      if (least < 0 || head.view.at < rows[least]![at[least]!]!.view.at) least = i;
    }
    if (least < 0) return out;
    out.push(rows[least]![at[least]!]!);
    at[least]!++;
  }
}

export function cursorOf(places: readonly Place[]): string {
  return Buffer.from(pack(places)).toString('base64url');
}

/** Of a cursor, `start` or `end`. @throws MailError `argument-invalid` */
export function placesOf(after: string, shards: number): Place[] {
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
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  return Array.isArray(place) && place.length === 3 && place.every(isCount);
}
