/**
 * The event log of one shard: what happened to messages. A row of files in `events/`, append-only.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    `EventLogLimits`. Past `unwrittenBytesMax` that wait for the disk, what no record tells is dropped and
 *            counted; for the rest `isFull` says to wait.
 * Invariant: a view, never the truth: no fault here reaches mail. Gathered events are written at `batchBytesMax` or
 *            after `flushMs`, synced at a segment's close and every `syncMs`; `onSynced` says up to where the journal's
 *            are there for good, and `onFault` that those behind must come again (`journal-follower.ts`). All work on
 *            files is one chain: nothing of it overlaps, readers aside.
 */

import type { EventsPage, EventsQuery } from '../../actors/asks/event-asks.ts';
import type { EventTail, PackedEvent, TracePage } from '../../actors/asks/trace-asks.ts';
import { assert } from '../../base/assert.ts';
import type { Log } from '../../base/log.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import { type Disk, DiskError } from '../../ports/disk.ts';
import type { JournalPosition } from '../store/journal/journal.ts';
import { Batch } from './batch.ts';
import { ClosedSegments, type Keep } from './closed-segments.ts';
import { readForward } from './forward.ts';
import { entriesMax } from './key-index.ts';
import { lastEventOf } from './last-event.ts';
import { ageParts, type EventLogLimits, eventLogLimits, segmentBytesMin } from './limits.ts';
import { type Search, type SearchPlace, search } from './search.ts';
import { type ClosedSegment, examineSegment, OpenSegment } from './segment.ts';
import { namesIn } from './share.ts';

export interface EventLogOptions {
  /** `data/shards/NNN`: the files go into `events/` under it. */
  readonly folder: string;
  readonly shard: number;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly keep: () => Promise<Keep>;
  readonly limits?: Partial<EventLogLimits>;
  /** Everything that was marked up to here is on disk. */
  readonly onSynced?: (position: JournalPosition) => void;
  /** What was told since the last `onSynced` may be lost: not before `retryMs` it is worth another try. */
  readonly onFault?: () => void;
}

/** Events that wait for the disk, and the place of the journal they bring it up to. */
interface Turned {
  readonly batch: Batch;
  readonly covers: JournalPosition | undefined;
  /** Of another life than the log's: a fault came between. */
  readonly life: number;
}

/** What an opening found of events. */
export interface Found {
  /** Its events are from before records told them. */
  readonly isOld: boolean;
  /** See `lastEventOf`; undefined where not all files are whole. */
  readonly last: EventTail | undefined;
}

export class EventLog {
  readonly #options: EventLogOptions;
  readonly #limits: EventLogLimits;
  readonly #folder: string;
  #batch = new Batch();
  #spare: Batch | undefined;
  #unwrittenBytes = 0;
  #droppedCount = 0;
  /** Told up to here; of that written, and of that synced. */
  #marked: JournalPosition | undefined;
  #written: JournalPosition | undefined;
  #synced: JournalPosition | undefined;
  #life = 0;
  #lastTold: EventTail | undefined;
  #isOld = false;
  #work: Promise<void> = Promise.resolve();
  readonly #closed: ClosedSegments;
  #open: OpenSegment | undefined;
  #nextNumber = 1;
  #isFolderMade = false;
  #isNameSynced = true;
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
    const { shareMs, segmentsMax } = this.#limits;
    this.#closed = new ClosedSegments({ ...options, shareMs, segmentsMax });
  }

  /** The shard is ours: looks at what is there. */
  async start(): Promise<Found> {
    this.#isStarted = true;
    this.#enqueue(() => this.#load());
    this.#scheduleUpkeep();
    await this.#work;
    return { isOld: this.#isOld, last: this.#lastTold };
  }

  /** So much waits for the disk that whoever can come again should. */
  get isFull(): boolean {
    return this.#unwrittenBytes > this.#limits.unwrittenBytesMax;
  }

  /** Events that no record tells, dropped because the disk did not take them. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** An event that no record tells. */
  append(event: PackedEvent): void {
    if (this.isFull || this.#isClosed) this.#droppedCount++;
    else this.#add(event, true);
  }

  /** An event of a record: `mark` comes behind all those up to a place of the journal. */
  tell(event: PackedEvent): void {
    assert(!this.#isClosed, 'who follows the journal stops before its log');
    this.#add(event, false);
  }

  mark(position: JournalPosition): void {
    this.#marked = position;
    this.#scheduleSync();
  }

  #add(event: PackedEvent, isLone: boolean): void {
    assert(this.#isStarted, 'nothing happens to mail before its shard is open');
    this.#batch.append(event, isLone);
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
    return await search(this.#place(), wanted);
  }

  /** The next events after a position; sees everything appended so far. */
  async readForward(query: EventsQuery): Promise<EventsPage> {
    await this.flush();
    return await readForward(this.#place(), query);
  }

  #place(): SearchPlace {
    const { disk, clock, shard } = this.#options;
    const segments =
      this.#open === undefined ? this.#closed.all : [...this.#closed.all, this.#open];
    return { disk, clock, shard, segments };
  }

  /** Writes, syncs and closes all that is open. */
  async close(): Promise<void> {
    this.#turnBatch();
    this.#isClosed = true;
    this.#upkeepTimer?.cancel();
    this.#syncTimer?.cancel();
    this.#enqueue(async () => {
      this.#coverIdle();
      await this.#closeOpen();
      this.#tellSynced(this.#written);
    });
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
    const turned = { batch: full, covers: this.#marked, life: this.#life };
    this.#enqueue(() => this.#write(turned));
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
    this.#forgetUnsynced();
    // On a full disk old events make room for mail.
    if (error.fault === 'no-space') await this.#closed.removeOldest();
    // Never written to again; a new file is tried later.
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.#closed.add(await open.abandon());
  }

  /** What records told since the last sync comes again. */
  #forgetUnsynced(): void {
    this.#life++;
    this.#marked = this.#synced;
    this.#written = this.#synced;
    this.#droppedCount += this.#batch.loneCount;
    this.#batch.clear();
    this.#options.onFault?.();
  }

  /** Nothing waits to be written: all that was told is. */
  #coverIdle(): void {
    if (this.#batch.eventCount === 0 && this.#unwrittenBytes === 0) this.#written = this.#marked;
  }

  #tellSynced(position: JournalPosition | undefined): void {
    if (position === undefined || position === this.#synced) return;
    this.#synced = position;
    this.#options.onSynced?.(position);
  }

  async #write({ batch, covers, life }: Turned): Promise<void> {
    const { length, loneCount } = batch;
    let isWritten = false;
    try {
      if (life !== this.#life) return;
      if (this.#options.clock.monotonicMs() < this.#notBeforeMs) {
        // What comes behind these must not be taken for all that was told.
        if (batch.eventCount > loneCount) this.#forgetUnsynced();
        return;
      }
      this.#open ??= await this.#create();
      await this.#open.append(batch);
      isWritten = true;
      this.#written = covers;
    } finally {
      if (!isWritten) this.#droppedCount += loneCount;
      this.#unwrittenBytes -= length;
      batch.clear();
      this.#spare = batch;
    }
    if (this.#isLong(this.#open)) {
      await this.#closeOpen();
      this.#tellSynced(this.#written);
      await this.#upkeep();
    } else this.#scheduleSync();
  }

  #isLong({ bytes, keys }: OpenSegment): boolean {
    return bytes >= this.#segmentBytes() || keys.count >= entriesMax;
  }

  #segmentBytes(): number {
    const quarter = this.#closed.keep.bytesMax / 4;
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
    const created = await OpenSegment.create(disk, this.#path(number), shard, number);
    // How large it may become follows from how many shards have events, itself among them.
    await this.#closed.readKeep();
    return created;
  }

  async #closeOpen(): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    await this.#syncName();
    const closed = await open.close();
    this.#open = undefined;
    this.#closed.add(closed);
  }

  #scheduleSync(): void {
    if (this.#isClosed) return;
    this.#syncTimer ??= this.#options.clock.setTimer(this.#limits.syncMs, () => {
      this.#syncTimer = undefined;
      this.#enqueue(() => this.#sync());
    });
  }

  async #sync(): Promise<void> {
    this.#coverIdle();
    if (this.#open?.isDirty === true) {
      await this.#syncName();
      await this.#open.sync();
    }
    this.#tellSynced(this.#written);
  }

  async #syncName(): Promise<void> {
    if (this.#isNameSynced) return;
    await this.#options.disk.syncFolder(this.#folder);
    this.#isNameSynced = true;
  }

  async #load(): Promise<void> {
    const { disk, shard, log } = this.#options;
    const numbers = await segmentNumbers(disk, this.#folder);
    let isWhole = true;
    for (const number of numbers) {
      this.#nextNumber = number + 1;
      try {
        const segment = await this.#found(number);
        if (segment !== undefined) this.#closed.add(segment);
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        log.warn({ shard, segment: number, detail: error.message }, 'events that cannot be read');
        isWhole = false;
      }
    }
    const segments = this.#closed.all;
    // What stands in the last one says something of those before it only where they are all on disk.
    isWhole &&= segments.every(({ trailer }) => trailer !== undefined);
    const last = segments.at(-1);
    const lastTold = last === undefined ? 'old' : await lastEventOf(disk, last);
    if (lastTold === 'old') this.#isOld = last !== undefined;
    else if (isWhole) this.#lastTold = lastTold;
    this.#isFolderMade = numbers.length > 0;
    await this.#upkeep();
  }

  /** A segment that was there at start: one a crash left open is closed now. */
  async #found(number: number): Promise<ClosedSegment | undefined> {
    const { disk, shard, clock } = this.#options;
    const path = this.#path(number);
    const found = await examineSegment(disk, path, shard, number);
    if (found.trailer !== undefined) return found;
    // As it is, it is read batch by batch; the next start tries again. Its events are taken for new ones.
    const unclosed = { ...found, lastMs: clock.nowMs() };
    let recovered: OpenSegment | undefined;
    try {
      recovered = await OpenSegment.recover(disk, path, shard, number);
      if (recovered === undefined) {
        await disk.remove(path);
        return undefined;
      }
      const closed = await recovered.close();
      await disk.rename(closed.path, path);
      await disk.syncFolder(this.#folder);
      return { ...closed, path };
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      await recovered?.abandon();
      this.#options.log.warn({ segment: number, detail: error.message }, 'events left unclosed');
      return unclosed;
    }
  }

  #scheduleUpkeep(): void {
    const { clock } = this.#options;
    this.#upkeepTimer = clock.setTimer(this.#limits.upkeepMs, () => {
      this.#enqueue(() => this.#upkeep());
      this.#scheduleUpkeep();
    });
  }

  async #upkeep(): Promise<void> {
    if (this.#open === undefined && this.#closed.all.length === 0) return;
    await this.#closed.readKeep();
    const agedMs = this.#options.clock.nowMs() - this.#closed.keep.keepMs / ageParts;
    if (this.#open !== undefined && this.#open.firstMs < agedMs) await this.#closeOpen();
    await this.#closed.removeOld(this.#open?.bytes ?? 0);
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
