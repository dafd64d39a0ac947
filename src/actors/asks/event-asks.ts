/**
 * The ask that reads a shard's events in their order, from where a reader came to.
 *
 * Runs in: both sides; plain data only.
 */

import type { TenantId } from '../../base/ids.ts';
import type { PackedEvent } from './trace-asks.ts';

export const eventAsks = {
  /** meta: `EventsQuery`; answer: `EventsPage`. Class `long`. */
  read: 'events.read',
  /** meta: `EventNote[]`; answered once they are on disk. */
  note: 'events.note',
} as const;

export const notesPerAskMax = 1_000;

/** An operator's act. */
export interface EventNote {
  readonly atMs: number;
  readonly tenant: TenantId;
  /** In one word what was done. */
  readonly what: string;
  readonly detail: string;
  readonly by: string;
}

/** In a shard's log: segment, offset of a batch in it, number of an event in that. What stands there comes next. */
export type EventPosition = readonly [segment: number, offset: number, index: number];

export interface EventsQuery {
  /** `start`: from the oldest that is kept; `end`: nothing that was there before. */
  readonly after: EventPosition | 'start' | 'end';
  /** 0: only where it goes on. */
  readonly limit: number;
  readonly only?: EventFilter;
}

/** What is not of interest is passed over where the log is. */
export interface EventFilter {
  readonly tenant?: TenantId;
  /** Places in `eventKinds`; absent: all. */
  readonly kinds?: readonly number[];
  readonly campaign?: string;
  /** Of the event's instant. */
  readonly sinceMs?: number;
}

export interface EventsPage {
  readonly events: readonly PackedEvent[];
  /** Where each event stands. */
  readonly positions: readonly EventPosition[];
  /** Where the next page begins. */
  readonly next: EventPosition;
  /** Events between `after` and the first of these are kept no more. */
  readonly isCut: boolean;
  /** As `isCut`, for they were too old or too many, and not for damage. */
  readonly isGone: boolean;
  /** There may be more already. */
  readonly hasMore: boolean;
}
