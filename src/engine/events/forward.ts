/**
 * Reads a shard's events in the order in which they came, page by page.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    one batch and one page of events are in memory; other work runs between batches; a page ends after
 *            `scannedBytesMax`, whatever was found.
 * Invariant: a position holds through restarts: a segment's batches stand where they were written. What retention took
 *            is skipped, and told.
 */

import type {
  EventFilter,
  EventPosition,
  EventsPage,
  EventsQuery,
} from '../../actors/asks/event-asks.ts';
import { type PackedEvent, tailOf } from '../../actors/asks/trace-asks.ts';
import { mebibyte } from '../../base/units.ts';
import { DiskError } from '../../ports/disk.ts';
import { fileHeaderBytes } from './format.ts';
import { eventsOf } from './frames.ts';
import type { SearchPlace } from './search.ts';
import { type ClosedSegment, closeQuietly, type OpenSegment, readBatch } from './segment.ts';

type Segment = ClosedSegment | OpenSegment;

/** Of one page. */
const scannedBytesMax = 4 * mebibyte;

export async function readForward(place: SearchPlace, query: EventsQuery): Promise<EventsPage> {
  const run = new ForwardRun(place, query);
  await run.run();
  return run.page();
}

class ForwardRun {
  readonly #place: SearchPlace;
  readonly #limit: number;
  readonly #events: PackedEvent[] = [];
  readonly #positions: EventPosition[] = [];
  #next: EventPosition;
  readonly #only: EventFilter;
  #isCut = false;
  #isGone = false;
  #hasMore = false;
  #scannedBytes = 0;

  constructor(place: SearchPlace, { after, limit, only = {} }: EventsQuery) {
    this.#only = only;
    this.#place = place;
    this.#limit = limit;
    this.#next = typeof after === 'string' ? placeOf(after, place.segments) : after;
  }

  page(): EventsPage {
    return {
      events: this.#events,
      positions: this.#positions,
      next: this.#next,
      isCut: this.#isCut,
      isGone: this.#isGone,
      hasMore: this.#hasMore,
    };
  }

  async run(): Promise<void> {
    for (const segment of this.#place.segments) {
      if (segment.number < this.#next[0]) continue;
      if (segment.number > this.#next[0]) this.#enter(segment.number);
      if (this.#isTooOld(segment)) {
        this.#next = [segment.number, endOf(segment), 0];
        continue;
      }
      try {
        await this.#readSegment(segment);
      } catch (error) {
        // Retention took it meanwhile, or it cannot be read.
        if (!(error instanceof DiskError)) throw error;
        this.#isCut = true;
      }
      if (this.#hasMore) return;
    }
  }

  /** Numbers follow each other, but for files that a crash left empty. */
  #enter(number: number): void {
    const isFirst = this.#place.segments[0]?.number === number;
    if (isFirst && this.#next[0] > 0) {
      this.#isCut = true;
      this.#isGone = true;
    }
    this.#next = [number, fileHeaderBytes, 0];
  }

  /** An open one takes events still. */
  #isTooOld(segment: Segment): boolean {
    return 'trailer' in segment && segment.lastMs < (this.#only.sinceMs ?? 0);
  }

  async #readSegment(segment: Segment): Promise<void> {
    const { disk } = this.#place;
    const end = endOf(segment);
    if (this.#next[1] >= end) return;
    const file = await disk.open(segment.path, 'read');
    try {
      while (this.#next[1] < end) {
        const [, offset, index] = this.#next;
        const batch = await readBatch(file, offset, segment.seed);
        if (batch === undefined) {
          this.#isCut = true;
          this.#next = [segment.number, end, 0];
          return;
        }
        this.#takeBatch(batch, segment.number, offset, index);
        this.#scannedBytes += batch.length;
        // Few of many events may be of interest: whoever asks goes on.
        if (this.#scannedBytes > scannedBytesMax) this.#hasMore = true;
        if (this.#hasMore) return;
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    } finally {
      await closeQuietly(file);
    }
  }

  #takeBatch(batch: Buffer, segment: number, offset: number, from: number): void {
    let index = 0;
    for (const event of eventsOf(batch)) {
      if (index >= from && isWanted(event, this.#only)) {
        if (this.#events.length >= this.#limit) {
          this.#hasMore = true;
          this.#next = [segment, offset, index];
          return;
        }
        this.#events.push(event);
        this.#positions.push([segment, offset, index]);
      }
      index++;
    }
    this.#next = [segment, offset + batch.length, 0];
  }
}

function isWanted(event: PackedEvent, { tenant, kinds, campaign, sinceMs }: EventFilter): boolean {
  if (tenant !== undefined && event[3] !== tenant) return false;
  if (kinds !== undefined && !kinds.includes(event[0])) return false;
  if (sinceMs !== undefined && event[1] < sinceMs) return false;
  return campaign === undefined || tailOf(event).campaign === campaign;
}

function placeOf(after: 'start' | 'end', segments: readonly Segment[]): EventPosition {
  const last = segments.at(-1);
  if (after === 'start' || last === undefined) return [0, fileHeaderBytes, 0];
  return [last.number, endOf(last), 0];
}

/** Of its batches. */
function endOf(segment: Segment): number {
  return 'trailer' in segment && segment.trailer !== undefined
    ? segment.trailer.footerAt
    : segment.bytes;
}
