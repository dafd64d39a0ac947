/**
 * The closed segments of an event log, and how long they stay: whole ones go, the oldest first, when they are too
 * old or too much.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    `store.eventsKeepMs`, the shard's share of `store.eventsBytesMax`, `segmentsMax` files.
 * Invariant: a list handed out by `all` is never changed: a search goes on with it while segments go.
 */

import type { Log } from '../../base/log.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Disk, DiskError } from '../../ports/disk.ts';
import type { ClosedSegment } from './segment.ts';

export interface Keep {
  readonly keepMs: number;
  /** This shard's share of `store.eventsBytesMax`. */
  readonly bytesMax: number;
}

export interface ClosedSegmentsOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly keep: () => Promise<Keep>;
  readonly shareMs: number;
  readonly segmentsMax: number;
}

export class ClosedSegments {
  readonly #options: ClosedSegmentsOptions;
  #segments: readonly ClosedSegment[] = [];
  #keep: Keep = { keepMs: Number.POSITIVE_INFINITY, bytesMax: Number.POSITIVE_INFINITY };
  #keepReadMs = Number.NEGATIVE_INFINITY;

  constructor(options: ClosedSegmentsOptions) {
    this.#options = options;
  }

  /** Oldest first. */
  get all(): readonly ClosedSegment[] {
    return this.#segments;
  }

  /** As it was read last; without bounds before. */
  get keep(): Keep {
    return this.#keep;
  }

  add(segment: ClosedSegment): void {
    this.#segments = [...this.#segments, segment];
  }

  /** What may be kept changes with settings, and with how many shards have events. */
  readKeep(): Promise<void> {
    const { clock, shareMs, keep } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#keepReadMs < shareMs) return Promise.resolve();
    return this.#quietly(async () => {
      this.#keep = await keep();
      this.#keepReadMs = nowMs;
    });
  }

  /** Removes what is too old or, together with the open segment's bytes, too much. */
  removeOld(openBytes: number): Promise<void> {
    return this.#quietly(async () => {
      const { keepMs, bytesMax } = this.#keep;
      const oldMs = this.#options.clock.nowMs() - keepMs;
      let bytes = openBytes;
      for (const segment of this.#segments) bytes += segment.bytes;
      for (const segment of this.#segments) {
        const isMany = this.#segments.length > this.#options.segmentsMax;
        if (segment.lastMs >= oldMs && bytes <= bytesMax && !isMany) return;
        bytes -= segment.bytes;
        await this.#removeFirst();
      }
    });
  }

  /** Gives room on a full disk. */
  removeOldest(): Promise<void> {
    return this.#quietly(() => this.#removeFirst());
  }

  async #removeFirst(): Promise<void> {
    const [oldest] = this.#segments;
    if (oldest === undefined) return;
    this.#segments = this.#segments.slice(1);
    await this.#options.disk.remove(oldest.path);
  }

  /** A fault costs nothing here: it is told, and the next upkeep tries again. */
  async #quietly(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#options.log.warn({ detail: error.message }, 'upkeep of the event log failed');
    }
  }
}
