/**
 * Finds the newest events of a key in the segments of one shard.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    the thread is held at most `sliceMs` at a time; one batch and the events found are in memory.
 */

import { type PackedEvent, type TracePage, tailOf } from '../../actors/asks/trace-asks.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Disk, DiskError, type DiskFile } from '../../ports/disk.ts';
import { eventAt, framesWith, type SearchKey } from './frames.ts';
import { footerOffsetsOf } from './key-index.ts';
import {
  batchesOf,
  type ClosedSegment,
  closeQuietly,
  type OpenSegment,
  readBatch,
} from './segment.ts';

/** Design §2: long asks run in slices of so much. */
const sliceMs = 2;
/** Events unpacked between two looks at the clock: about 0.1 ms. */
const unpackedPerLook = 64;

export interface Search {
  readonly key: SearchKey;
  readonly limit: number;
  readonly sinceMs: number;
  /** Nobody waits for the answer any more. */
  readonly isOver: () => boolean;
}

export interface SearchPlace {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly shard: number;
  /** Oldest first. */
  readonly segments: readonly (ClosedSegment | OpenSegment)[];
}

export async function search(place: SearchPlace, wanted: Search): Promise<TracePage> {
  const run = new SearchRun(place, wanted);
  await run.run();
  return run.page();
}

class SearchRun {
  readonly #place: SearchPlace;
  readonly #wanted: Search;
  /** Newest first. */
  readonly #found: PackedEvent[] = [];
  /** Those of them that records tell. */
  readonly #named = new Set<string>();
  #isCutShort = false;
  #sliceStartMs: number;

  constructor(place: SearchPlace, wanted: Search) {
    this.#place = place;
    this.#wanted = wanted;
    this.#sliceStartMs = place.clock.monotonicMs();
  }

  page(): TracePage {
    const { limit } = this.#wanted;
    const isComplete = !this.#isCutShort && this.#found.length <= limit;
    return { events: this.#found.slice(0, limit).reverse(), isComplete };
  }

  async run(): Promise<void> {
    for (const segment of this.#place.segments.toReversed()) {
      if (this.#isEnough()) return;
      if (segment.lastMs < this.#wanted.sinceMs) {
        // Older than what the asker has; whether it names the key is not worth a look.
        this.#isCutShort = true;
        continue;
      }
      try {
        await this.#searchSegment(segment);
      } catch (error) {
        // Retention took it meanwhile, or it cannot be read: the others still tell what they know.
        if (!(error instanceof DiskError)) throw error;
        this.#isCutShort = true;
      }
    }
  }

  async #searchSegment(segment: ClosedSegment | OpenSegment): Promise<void> {
    const { disk, shard } = this.#place;
    const file = await disk.open(segment.path, 'read');
    try {
      const { hash } = this.#wanted.key;
      if ('keys' in segment) await this.#searchAt(file, segment, segment.keys.offsetsOf(hash));
      else if (segment.trailer !== undefined) {
        const offsets = await footerOffsetsOf(file, segment.trailer, hash);
        await this.#searchAt(file, segment, offsets);
      } else {
        const offsets: number[] = [];
        for await (const { offset } of batchesOf(file, shard, segment.number)) {
          offsets.push(offset);
          await this.#breathe();
        }
        await this.#searchAt(file, segment, offsets.reverse());
      }
    } finally {
      await closeQuietly(file);
    }
  }

  async #searchAt(
    file: DiskFile,
    segment: ClosedSegment | OpenSegment,
    offsets: readonly number[],
  ): Promise<void> {
    for (const offset of offsets) {
      if (this.#isEnough()) return;
      const batch = await readBatch(file, offset, segment.seed);
      if (batch === undefined) this.#isCutShort = true;
      else await this.#searchBatch(batch);
      await this.#breathe();
    }
  }

  async #searchBatch(batch: Buffer): Promise<void> {
    const { key, sinceMs } = this.#wanted;
    const places = framesWith(batch, key.hash);
    for (let i = places.length - 2; i >= 0; i -= 2) {
      const event = eventAt(batch, places[i]!, places[i + 1]!, key);
      if (event !== undefined && event[1] >= sinceMs) this.#take(event);
      else if (event !== undefined) this.#isCutShort = true;
      if (this.#isEnough()) return;
      if ((i >> 1) % unpackedPerLook === 0) await this.#breathe();
    }
  }

  /** After a fault of the disk an event may stand in the log twice. */
  #take(event: PackedEvent): void {
    const { sequence, part } = tailOf(event);
    const name = sequence === 0 ? undefined : `${sequence}.${part}`;
    if (name !== undefined && this.#named.has(name)) return;
    if (name !== undefined) this.#named.add(name);
    this.#found.push(event);
  }

  #isEnough(): boolean {
    if (this.#found.length > this.#wanted.limit) return true;
    if (!this.#wanted.isOver()) return false;
    this.#isCutShort = true;
    return true;
  }

  /** Lets the thread's other work run once a slice is used up. */
  async #breathe(): Promise<void> {
    const { clock } = this.#place;
    if (clock.monotonicMs() - this.#sliceStartMs < sliceMs) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#sliceStartMs = clock.monotonicMs();
  }
}
