/**
 * One shard: a journal that is the truth, and an index behind it.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    see limits.ts; an append is refused with `store-busy` above `waitingBytesMax`.
 * Invariant: an append resolves after its records are on disk, and from then on reads see their changes. A failed
 *            write fails its own group only; the shard goes on in a new segment under a new epoch.
 */

import { assert } from '../../base/assert.ts';
import { MailError } from '../../base/errors.ts';
import type { ShardId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Disk, DiskError } from '../../ports/disk.ts';
import type { Random } from '../../ports/random.ts';
import type { IndexChange, IndexEntry, IndexRange, ShardIndex } from '../../ports/shard-index.ts';
import { readApplied } from './applied.ts';
import { GroupCommit } from './group-commit.ts';
import { IndexWriter } from './index-writer.ts';
import { segmentHeaderBytes } from './journal/format.ts';
import { Journal } from './journal/journal.ts';
import type { Damage } from './journal/recovery.ts';
import { type StoreLimits, storeLimits } from './limits.ts';
import { Overlay } from './overlay.ts';
import {
  type JournalRecord,
  type RecordDraft,
  type RecordKind,
  type RecordPlace,
  type ShardReader,
  WrittenRecord,
} from './record.ts';
import { kindTypeMax, kindTypeMin } from './record-types.ts';
import { replayStart, walkSegment } from './replay.ts';
import { Room } from './room.ts';

export interface ShardOptions {
  readonly id: ShardId;
  /** `data/shards/NNN`: the journal goes into `journal/` under it. */
  readonly folder: string;
  readonly disk: Disk;
  /** Opened by the caller, closed by the shard. */
  readonly index: ShardIndex;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly kinds: readonly RecordKind[];
  /** One word a shard, shared by all threads: the epoch that may write. */
  readonly epochs?: SharedArrayBuffer;
  /** Lowest sequence that is not in the index yet: the stored applied position never passes it. */
  readonly indexFloor?: () => number;
  readonly limits?: Partial<StoreLimits>;
}

export interface ShardStatus {
  readonly epoch: number;
  readonly lastSequence: number;
  /** Why nothing may be written; absent in good health. */
  readonly readOnlyReason?: string;
  readonly damage: readonly Damage[];
  /** Records replayed at open, and whether the index was made again. */
  readonly replayedCount: number;
  readonly rebuildReason?: string;
  readonly backlogCount: number;
  readonly backlogBytes: number;
  /** Moving average of write and sync together. */
  readonly syncMs: number;
  readonly segmentCount: number;
  readonly segmentBytes: number;
  readonly liveBytes: number;
  /** Changes not yet in the index, and why it lags when it failed. */
  readonly indexLagChanges: number;
  readonly indexLagRecords: number;
  readonly indexFailure?: string;
  readonly hasRoom: boolean;
}

/** Weight of the newest commit in the moving average of their duration. */
const syncWeight = 0.1;
/** Released sequences remembered for a copy of the journal's end. */
const releasedCountMax = 1_024;

export class Shard implements ShardReader {
  readonly id: ShardId;
  protected readonly journal: Journal;
  protected readonly writer: IndexWriter;
  readonly #options: ShardOptions;
  readonly #limits: StoreLimits;
  readonly #overlay: Overlay;
  readonly #group: GroupCommit;
  readonly #room: Room;
  readonly #kinds: (RecordKind | undefined)[] = [];
  readonly #epochs: Uint32Array;
  /** Bodies whose record was copied after their place was given out. */
  readonly #relocated = new Map<number, RecordPlace>();
  readonly #released = new Map<number, RecordPlace>();
  #replayFrom = Number.POSITIVE_INFINITY;
  /** Bodies before this sequence were not counted: their segments are kept. */
  #uncountedBefore = 0;
  #isOpening = true;
  #replayedCount = 0;
  #rebuildReason: string | undefined;
  #readOnlyReason: string | undefined;
  #reopenAtMs = 0;
  #failure: MailError | undefined;
  #syncMs = 0;

  protected constructor(options: ShardOptions, limits: StoreLimits, journal: Journal) {
    this.id = options.id;
    this.journal = journal;
    this.#options = options;
    this.#limits = limits;
    const { clock, index, log } = options;
    for (const kind of options.kinds) {
      assert(kind.type >= kindTypeMin && kind.type <= kindTypeMax, `type of ${kind.name}`);
      assert(this.#kinds[kind.type] === undefined, `record type ${kind.type} is there twice`);
      this.#kinds[kind.type] = kind;
    }
    this.#epochs = new Uint32Array(options.epochs ?? new SharedArrayBuffer(4 * (options.id + 1)));
    assert(options.id < this.#epochs.length, 'no epoch word for this shard');
    this.#overlay = new Overlay(index);
    this.writer = new IndexWriter(
      {
        index,
        overlay: this.#overlay,
        clock,
        log,
        limits,
        floor: options.indexFloor ?? (() => Number.POSITIVE_INFINITY),
      },
      readApplied(index),
    );
    this.#room = new Room(options.disk, clock, options.folder, limits);
    this.#group = new GroupCommit({
      clock,
      limits,
      commit: (drafts) => this.#commitTimed(drafts),
    });
  }

  /** Recovers, replays into the index and into the kinds' `restore`, and opens a new epoch. */
  static async open(options: ShardOptions): Promise<Shard> {
    const limits = storeLimits(options.limits);
    const { disk, folder, id, random } = options;
    const journal = await Journal.open({
      disk,
      folder: `${folder}/journal`,
      shard: id,
      random,
      limits,
    });
    // `this` and not `Shard`: a test opens a variant of its own.
    const shard = new this(options, limits, journal);
    await shard.#start();
    return shard;
  }

  /** Resolves once the records are on disk. @throws MailError `store-failed`, `disk-full`, `store-busy`, `store-read-only`. */
  append(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]> {
    return this.#append(drafts, false);
  }

  /** As `append`, but waits up to `lazyMsMax` for a group to go with. */
  appendLazily(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]> {
    return this.#append(drafts, true);
  }

  /** Everything appended before is on disk, or failed. */
  flush(): Promise<void> {
    return this.#group.flush();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#overlay.get(key);
  }

  range(range: IndexRange): readonly IndexEntry[] {
    return this.#overlay.range(range);
  }

  /** Index rows not tied to a record: reads see them now; the index gets them in order with the records'. */
  write(changes: readonly IndexChange[]): void {
    this.#overlay.add(changes);
    if (!this.#isOpening) this.writer.schedule();
  }

  /** Body bytes from disk. The caller holds a lease on the segment, or knows the body to be live. */
  read(place: RecordPlace, from = 0, length = place.bodyBytes - from): Promise<Uint8Array> {
    assert(from >= 0 && length >= 0 && from + length <= place.bodyBytes, 'a read past the body');
    return this.journal.segments.read(this.#placeNow(place), from, length);
  }

  lease(segment: number): { release(): void } {
    return this.journal.segments.lease(segment);
  }

  /** The body is no longer live: its segment may go. Once for each body. */
  releaseBody(place: RecordPlace): void {
    if (place.bodyBytes === 0) return;
    // At open, bodies from before the replayed part are counted after the replay: what it released is not there.
    if (this.#isOpening && place.sequence < this.#replayFrom) return;
    if (place.sequence < this.#uncountedBefore) return;
    const now = this.#placeNow(place);
    this.journal.segments.release(now);
    this.#relocated.delete(place.sequence);
    if (this.journal.isSuspect(now)) this.#noteReleased(now);
  }

  /** Whether new mail may be taken: false below `diskFreeBytesMin`, and in a shard that cannot write. */
  hasRoom(): boolean {
    return this.#readOnlyReason === undefined && this.#room.hasRoom;
  }

  status(): ShardStatus {
    const segments = this.journal.segments.all();
    const applied = this.writer.applied?.sequence ?? 0;
    return {
      epoch: this.journal.epoch,
      lastSequence: this.journal.lastSequence,
      ...(this.#readOnlyReason === undefined ? {} : { readOnlyReason: this.#readOnlyReason }),
      damage: this.journal.damage,
      replayedCount: this.#replayedCount,
      ...(this.#rebuildReason === undefined ? {} : { rebuildReason: this.#rebuildReason }),
      backlogCount: this.#group.waitingCount,
      backlogBytes: this.#group.waitingBytes,
      syncMs: this.#syncMs,
      segmentCount: segments.length,
      segmentBytes: segments.reduce((sum, segment) => sum + segment.fileBytes, 0),
      liveBytes: segments.reduce((sum, segment) => sum + segment.liveBytes, 0),
      indexLagChanges: this.#overlay.changeCount,
      indexLagRecords: Math.max(0, this.journal.lastSequence - applied),
      ...(this.writer.failure === undefined ? {} : { indexFailure: this.writer.failure }),
      hasRoom: this.hasRoom(),
    };
  }

  /** Writes what waits, brings the index up to date and lets go of all files. */
  async close(): Promise<void> {
    await this.#group.flush();
    await this.#room.close();
    try {
      await this.writer.drain();
    } catch (error) {
      // The journal has it all: the index catches up at the next open.
      this.#options.log.warn(
        { shard: this.id, detail: String(error) },
        'closed behind its journal',
      );
    }
    await this.writer.close();
    await this.journal.close();
    await this.#options.index.close();
  }

  /** Makes one group durable and lets reads see it. Protected, so that a test can get the order wrong. */
  protected async commitGroup(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]> {
    const places = await this.journal.commit(drafts);
    this.applyGroup(drafts, places);
    return places;
  }

  protected applyGroup(drafts: readonly RecordDraft[], places: readonly RecordPlace[]): void {
    for (let i = 0; i < drafts.length; i++) {
      const kind = this.#kinds[drafts[i]!.type];
      if (kind !== undefined) this.#apply(kind, new WrittenRecord(places[i]!, drafts[i]!));
    }
    this.writer.reached(this.journal.position);
  }

  #append(drafts: readonly RecordDraft[], isLazy: boolean): Promise<readonly RecordPlace[]> {
    if (this.#readOnlyReason !== undefined) {
      return Promise.reject(new MailError('store-read-only', this.#readOnlyReason));
    }
    for (const { type } of drafts) {
      assert(this.#kinds[type] !== undefined, `record type ${type} has no kind`);
    }
    return this.#group.append(drafts, isLazy);
  }

  #apply(kind: RecordKind, record: JournalRecord): void {
    const changes = kind.apply(record, this);
    if (changes.length > 0) this.#overlay.add(changes);
    if (kind.pinsBody === true && record.place.bodyBytes > 0) {
      this.journal.segments.pin(record.place);
    }
  }

  async #commitTimed(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]> {
    if (this.#readOnlyReason !== undefined) {
      throw new MailError('store-read-only', this.#readOnlyReason);
    }
    if (this.writer.isFull) await this.writer.room();
    if (!this.journal.isOpen) await this.#reopen();
    if (Atomics.load(this.#epochs, this.id) !== this.journal.epoch) {
      this.#readOnlyReason = 'another owner opened this shard';
      throw new MailError('store-failed', this.#readOnlyReason);
    }
    const { clock } = this.#options;
    const startMs = clock.monotonicMs();
    try {
      const places = await this.commitGroup(drafts);
      this.#syncMs += (clock.monotonicMs() - startMs - this.#syncMs) * syncWeight;
      return places;
    } catch (error) {
      throw await this.#failed(error);
    }
  }

  /** A group failed: its asks fail, and the shard goes on in a new segment if the disk lets it. */
  async #failed(error: unknown): Promise<unknown> {
    if (!(error instanceof DiskError)) {
      // A bug in a kind: the journal may hold what the overlay does not.
      this.#readOnlyReason ??= `a record could not be applied: ${String(error)}`;
      return error;
    }
    const failure = await this.#noteFailure(error);
    await this.#reopen().catch(() => {});
    return failure;
  }

  async #noteFailure(error: DiskError): Promise<MailError> {
    const isFull = error.fault === 'no-space';
    const code = isFull ? 'disk-full' : 'store-failed';
    this.#failure = new MailError(code, error.message, { cause: error });
    this.#reopenAtMs = 0;
    this.#options.log.error({ shard: this.id, detail: error.message }, 'a write failed: fenced');
    if (isFull) await this.#room.noteFull();
    return this.#failure;
  }

  /** @throws MailError when it cannot be now; not tried again for `retryDelayMs`. */
  async #reopen(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs < this.#reopenAtMs) throw this.#failure;
    try {
      await this.#openEpoch();
    } catch (error) {
      if (error instanceof MailError) {
        this.#readOnlyReason = error.detail;
        throw error;
      }
      if (!(error instanceof DiskError)) throw error;
      const failure = await this.#noteFailure(error);
      this.#reopenAtMs = nowMs + this.#limits.retryDelayMs;
      throw failure;
    }
  }

  /** The next epoch, in the shared word and in a new segment; records copied into it are applied again. */
  async #openEpoch(): Promise<void> {
    const epoch = Math.max(this.journal.epoch, this.#isOpening ? this.#word() : 0) + 1;
    if (!this.#isOpening && this.#word() !== this.journal.epoch) {
      throw new MailError('store-failed', 'another owner opened this shard');
    }
    const copied = await this.journal.openSegment(epoch);
    Atomics.store(this.#epochs, this.id, epoch);
    if (this.#isOpening) this.#replayFrom = Math.min(this.#replayFrom, firstSequence(copied));
    for (const { from, record } of copied) {
      if (this.#isOpening) this.#replayOne(record);
      else this.#relocate(from, record);
    }
    this.writer.reached(this.journal.position);
  }

  #word(): number {
    return Atomics.load(this.#epochs, this.id);
  }

  /** A record's copy takes over: index rows and pins go to the new place, holders of the old one are led there. */
  #relocate(from: RecordPlace, record: JournalRecord): void {
    const kind = this.#kinds[record.type];
    if (kind === undefined) return;
    const changes = kind.apply(record, this);
    if (changes.length > 0) this.#overlay.add(changes);
    if (kind.pinsBody !== true || from.bodyBytes === 0 || this.#released.has(from.sequence)) return;
    this.journal.segments.pin(record.place);
    this.journal.segments.release(from);
    this.#relocated.set(from.sequence, record.place);
  }

  #placeNow(place: RecordPlace): RecordPlace {
    return this.#relocated.size === 0 ? place : (this.#relocated.get(place.sequence) ?? place);
  }

  #noteReleased(place: RecordPlace): void {
    this.#released.set(place.sequence, place);
    if (this.#released.size < releasedCountMax) return;
    for (const [sequence, other] of this.#released) {
      if (!this.journal.isSuspect(other)) this.#released.delete(sequence);
    }
  }

  async #start(): Promise<void> {
    await this.#replay();
    const { damage } = this.journal;
    if (damage.length > 0) {
      const [first] = damage;
      this.#readOnlyReason = `damaged: segment ${first!.segment} offset ${first!.offset}: ${first!.reason}`;
      this.#options.log.error({ shard: this.id, damage }, 'damaged: open for reading only');
    } else {
      await this.#openEpoch();
      await this.#room.start();
    }
    this.#countLive();
    this.#isOpening = false;
    this.writer.schedule();
  }

  /** Up to the parcels that `openSegment` copies; in a damaged shard, which opens no segment, up to the end. */
  async #replay(): Promise<void> {
    const start = replayStart(this.journal, this.writer.applied);
    const segments = this.journal.segments.all();
    if (start.kind === 'rebuild') {
      if (segments.length > 0) this.#rebuildReason = start.reason;
      await this.#options.index.clear();
    }
    const position = start.kind === 'from' ? start.position : undefined;
    this.#replayFrom = position === undefined ? 0 : position.sequence + 1;
    const isDamaged = this.journal.damage.length > 0;
    const suspectStart = isDamaged ? undefined : this.journal.suspectStart;
    for (const segment of segments) {
      if (position !== undefined && segment.number < position.segment) continue;
      const from = segment.number === position?.segment ? position.offset : segmentHeaderBytes;
      const isTail = segment === segments.at(-1);
      const to = isTail ? (suspectStart ?? segment.end) : segment.end;
      const found = await walkSegment({
        disk: this.#options.disk,
        segment,
        from,
        to,
        visit: (records) => this.#replayParcel(records),
      });
      for (const damage of found) this.#noteDamage(damage);
    }
  }

  #noteDamage(damage: Damage): void {
    const isKnown = this.journal.damage.some(
      (other) => other.segment === damage.segment && other.offset === damage.offset,
    );
    if (!isKnown) this.journal.damage.push(damage);
  }

  #replayParcel(records: readonly JournalRecord[]): Promise<void> | undefined {
    for (const record of records) this.#replayOne(record);
    return this.writer.isFull ? this.writer.drain() : undefined;
  }

  #replayOne(record: JournalRecord): void {
    if (record.type < kindTypeMin) return;
    const kind = this.#kinds[record.type];
    if (kind === undefined) {
      throw new MailError('store-failed', `record type ${record.type} is unknown to this version`);
    }
    this.#apply(kind, record);
    kind.restore?.(record, this);
    this.#replayedCount++;
  }

  /** Bodies from before the replayed part, as the index knows them. */
  #countLive(): void {
    for (const kind of this.#kinds) {
      if (kind?.pinsBody !== true) continue;
      if (kind.livePlaces === undefined) this.#uncountedBefore = this.#replayFrom;
      for (const place of kind.livePlaces?.(this) ?? []) {
        if (place.sequence >= this.#replayFrom || place.bodyBytes === 0) continue;
        this.journal.segments.pin(place);
      }
    }
  }
}

function firstSequence(copied: readonly { readonly record: JournalRecord }[]): number {
  return copied[0]?.record.place.sequence ?? Number.POSITIVE_INFINITY;
}
