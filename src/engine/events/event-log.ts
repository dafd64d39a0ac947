/**
 * The event log of one shard: what happened to messages, for `trace`. A row of files in `events/`, append-only.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    `EventLogLimits`. What comes while `unwrittenBytesMax` wait for the disk is dropped and counted.
 * Invariant: a view, never the truth: no fault here reaches mail. Gathered events are written at `batchBytesMax` or
 *            after `flushMs`, so a kill loses a second of them; synced at a segment's close and every `syncMs`, so a
 *            power cut loses as much. All work on files is one chain: nothing of it overlaps, readers aside.
 */

import type { PackedEvent, TracePage } from '../../actors/asks/trace-asks.ts';
import { assert } from '../../base/assert.ts';
import type { Log } from '../../base/log.ts';
import { kibibyte, mebibyte, minuteMs, secondMs } from '../../base/units.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import { type Disk, DiskError } from '../../ports/disk.ts';
import { Batch } from './batch.ts';
import { entriesMax } from './key-index.ts';
import { type Search, search } from './search.ts';
import { type ClosedSegment, examineSegment, OpenSegment } from './segment.ts';
import { namesIn } from './share.ts';

export interface EventLogLimits {
  readonly batchBytesMax: number;
  readonly flushMs: number;
  readonly syncMs: number;
  /** A segment is closed at this size, or at a quarter of the shard's share where that is less. */
  readonly segmentBytesMax: number;
  readonly unwrittenBytesMax: number;
  /** More files than this (restarts make short ones) are not kept. */
  readonly segmentsMax: number;
  /** How often old segments are looked for besides every close of one. */
  readonly upkeepMs: number;
  /** The shard's share is worked out again this often at most. */
  readonly shareMs: number;
  /** After a failed write nothing is written for so long. */
  readonly retryMs: number;
}

export const eventLogLimits: EventLogLimits = {
  batchBytesMax: 256 * kibibyte,
  flushMs: secondMs,
  syncMs: 10 * secondMs,
  segmentBytesMax: 8 * mebibyte,
  unwrittenBytesMax: 4 * mebibyte,
  segmentsMax: 512,
  upkeepMs: 10 * minuteMs,
  shareMs: minuteMs,
  retryMs: 10 * secondMs,
};

/** No share makes segments smaller than this. */
const segmentBytesMin = 16 * kibibyte;
/** A segment spans at most this part of the time events are kept, so that they do not outlive it by more. */
const ageParts = 8;

export interface Keep {
  readonly keepMs: number;
  /** This shard's share of `store.eventsBytesMax`. */
  readonly bytesMax: number;
}

export interface EventLogOptions {
  /** `data/shards/NNN`: the files go into `events/` under it. */
  readonly folder: string;
  readonly shard: number;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly keep: () => Promise<Keep>;
  readonly limits?: Partial<EventLogLimits>;
}

export class EventLog {
  readonly #options: EventLogOptions;
  readonly #limits: EventLogLimits;
  readonly #folder: string;
  #batch = new Batch();
  #spare: Batch | undefined;
  #unwrittenBytes = 0;
  #droppedCount = 0;
  #work: Promise<void> = Promise.resolve();
  /** Oldest first. */
  #closed: ClosedSegment[] = [];
  #open: OpenSegment | undefined;
  #nextNumber = 1;
  #isFolderMade = false;
  #isNameSynced = true;
  #keep: Keep | undefined;
  #keepReadMs = 0;
  #notBeforeMs = 0;
  #flushTimer: Timer | undefined;
  #syncTimer: Timer | undefined;
  #upkeepTimer: Timer | undefined;
  #isStarted = false;
  #isClosed = false;

  constructor(options: EventLogOptions) {
    this.#options = options;
    this.#limits = { ...eventLogLimits, ...options.limits };
    this.#folder = `${options.folder}/events`;
  }

  /** The shard is ours: looks at what is there, in the background. */
  start(): void {
    this.#isStarted = true;
    this.#enqueue(() => this.#load());
    this.#scheduleUpkeep();
  }

  /** Events dropped because the disk did not take them. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  append(event: PackedEvent): void {
    assert(this.#isStarted, 'nothing happens to mail before its shard is open');
    if (this.#unwrittenBytes > this.#limits.unwrittenBytesMax || this.#isClosed) {
      this.#droppedCount++;
      return;
    }
    this.#batch.append(event);
    if (this.#batch.length >= this.#batchBytesMax()) this.#turnBatch();
    else
      this.#flushTimer ??= this.#options.clock.setTimer(this.#limits.flushMs, () => {
        this.#turnBatch();
      });
  }

  /** Resolves when everything appended so far is written (not synced). */
  async flush(): Promise<void> {
    this.#turnBatch();
    await this.#work;
  }

  /** Sees everything appended so far. */
  async read(wanted: Search): Promise<TracePage> {
    await this.flush();
    const { disk, clock, shard } = this.#options;
    const segments = this.#open === undefined ? this.#closed : [...this.#closed, this.#open];
    return await search({ disk, clock, shard, segments }, wanted);
  }

  /** Writes, syncs and closes all that is open. */
  async close(): Promise<void> {
    this.#turnBatch();
    this.#isClosed = true;
    this.#upkeepTimer?.cancel();
    this.#syncTimer?.cancel();
    this.#enqueue(() => this.#closeOpen());
    await this.#work;
  }

  #turnBatch(): void {
    this.#flushTimer?.cancel();
    this.#flushTimer = undefined;
    const full = this.#batch;
    if (full.eventCount === 0) return;
    this.#batch = this.#spare ?? new Batch();
    this.#spare = undefined;
    this.#unwrittenBytes += full.length;
    this.#enqueue(() => this.#write(full));
  }

  /** A fault of the disk costs events, and is told; anything else is a bug and ends the thread. */
  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => this.#failed(error));
  }

  async #failed(error: unknown): Promise<void> {
    if (!(error instanceof DiskError)) throw error;
    const { clock, log } = this.#options;
    this.#notBeforeMs = clock.monotonicMs() + this.#limits.retryMs;
    const detail = error.message;
    log.warn({ detail, dropped: this.#droppedCount }, 'the event log could not be written');
    // Never written to again (design §3); a new file is tried later.
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.#closed.push(await open.abandon());
    // A full disk: old events make room for mail.
    if (error.fault === 'no-space') await this.#quietly(() => this.#removeOldest());
  }

  /** A fault on the way costs nothing: it is told, and tried again with the next upkeep. */
  async #quietly(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#options.log.warn({ detail: error.message }, 'upkeep of the event log failed');
    }
  }

  async #write(batch: Batch): Promise<void> {
    const { length, eventCount } = batch;
    let isWritten = false;
    try {
      if (this.#options.clock.monotonicMs() < this.#notBeforeMs) return;
      this.#open ??= await this.#create();
      await this.#open.append(batch);
      isWritten = true;
    } finally {
      if (!isWritten) this.#droppedCount += eventCount;
      this.#unwrittenBytes -= length;
      batch.clear();
      this.#spare = batch;
    }
    if (this.#isFull(this.#open)) {
      await this.#closeOpen();
      await this.#upkeep();
    } else this.#scheduleSync();
  }

  #isFull({ bytes, keys }: OpenSegment): boolean {
    return bytes >= this.#segmentBytes() || keys.count >= entriesMax;
  }

  #segmentBytes(): number {
    const quarter = (this.#keep?.bytesMax ?? Number.POSITIVE_INFINITY) / 4;
    return Math.min(this.#limits.segmentBytesMax, Math.max(segmentBytesMin, quarter));
  }

  #batchBytesMax(): number {
    return Math.min(this.#limits.batchBytesMax, this.#segmentBytes() / 4);
  }

  async #create(): Promise<OpenSegment> {
    const { disk, folder, shard } = this.#options;
    if (!this.#isFolderMade) {
      await disk.makeFolder(this.#folder);
      await disk.syncFolder(folder);
      this.#isFolderMade = true;
    }
    const number = this.#nextNumber++;
    this.#isNameSynced = false;
    return await OpenSegment.create(disk, this.#path(number), shard, number);
  }

  async #closeOpen(): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    await this.#syncName();
    const closed = await open.close();
    this.#open = undefined;
    this.#closed.push(closed);
  }

  #scheduleSync(): void {
    if (this.#isClosed) return;
    this.#syncTimer ??= this.#options.clock.setTimer(this.#limits.syncMs, () => {
      this.#syncTimer = undefined;
      this.#enqueue(() => this.#sync());
    });
  }

  async #sync(): Promise<void> {
    if (this.#open?.isDirty !== true) return;
    await this.#syncName();
    await this.#open.sync();
  }

  async #syncName(): Promise<void> {
    if (this.#isNameSynced) return;
    await this.#options.disk.syncFolder(this.#folder);
    this.#isNameSynced = true;
  }

  async #load(): Promise<void> {
    const { disk, shard, log } = this.#options;
    const numbers = await segmentNumbers(disk, this.#folder);
    for (const number of numbers) {
      this.#nextNumber = number + 1;
      try {
        const segment = await this.#found(number);
        if (segment !== undefined) this.#closed.push(segment);
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        log.warn({ shard, segment: number, detail: error.message }, 'events that cannot be read');
      }
    }
    this.#isFolderMade = numbers.length > 0;
    await this.#upkeep();
  }

  /** A segment that was there at start: one a crash left open is closed now. */
  async #found(number: number): Promise<ClosedSegment | undefined> {
    const { disk, shard } = this.#options;
    const path = this.#path(number);
    const found = await examineSegment(disk, path, shard, number);
    if (found.trailer !== undefined) return found;
    const recovered = await OpenSegment.recover(disk, path, shard, number);
    if (recovered !== undefined) return await recovered.close();
    await disk.remove(path);
    return undefined;
  }

  #scheduleUpkeep(): void {
    const { clock } = this.#options;
    this.#upkeepTimer = clock.setTimer(this.#limits.upkeepMs, () => {
      this.#enqueue(() => this.#upkeep());
      this.#scheduleUpkeep();
    });
  }

  async #upkeep(): Promise<void> {
    if (this.#open === undefined && this.#closed.length === 0) return;
    await this.#quietly(() => this.#readKeep());
    const keepMs = this.#keep?.keepMs ?? Number.POSITIVE_INFINITY;
    const agedMs = this.#options.clock.nowMs() - keepMs / ageParts;
    if (this.#open !== undefined && this.#open.firstMs < agedMs) await this.#closeOpen();
    await this.#quietly(() => this.#removeOld());
  }

  /** What is too old or too much goes, whole segments at a time. */
  async #removeOld(): Promise<void> {
    if (this.#keep === undefined) return;
    const { keepMs, bytesMax } = this.#keep;
    const oldMs = this.#options.clock.nowMs() - keepMs;
    let bytes = this.#open?.bytes ?? 0;
    for (const segment of this.#closed) bytes += segment.bytes;
    for (const { lastMs, bytes: freed } of this.#closed) {
      const isTooMuch = bytes > bytesMax || this.#closed.length > this.#limits.segmentsMax;
      if (lastMs >= oldMs && !isTooMuch) return;
      bytes -= freed;
      await this.#removeOldest();
    }
  }

  async #removeOldest(): Promise<void> {
    const [oldest] = this.#closed;
    if (oldest === undefined) return;
    // A search holds the old list.
    this.#closed = this.#closed.slice(1);
    await this.#options.disk.remove(oldest.path);
  }

  async #readKeep(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#keep !== undefined && nowMs - this.#keepReadMs < this.#limits.shareMs) return;
    this.#keep = await this.#options.keep();
    this.#keepReadMs = nowMs;
  }

  #path(number: number): string {
    return `${this.#folder}/${String(number).padStart(10, '0')}${suffix}`;
  }
}

const suffix = '.events';

/** Ascending. */
async function segmentNumbers(disk: Disk, folder: string): Promise<number[]> {
  return (await namesIn(disk, folder))
    .filter((name) => /^\d{10}\.events$/.test(name))
    .map((name) => Number(name.slice(0, -suffix.length)));
}
