/**
 * One shard: a journal that is the truth, and an index behind it.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    see limits.ts; an append is refused with `store-busy` above `waitingBytesMax`.
 * Invariant: an append resolves after its records are on disk, and from then on reads see their changes. A failed
 *            write fails its own group only; the shard goes on in a new segment under a new epoch.
 */

import { assert } from '../../base/assert.ts';
import { type Failure, failure, MailError } from '../../base/errors.ts';
import type { ShardId } from '../../base/ids.ts';
import { DiskError } from '../../ports/disk.ts';
import type { EntryVisit, IndexChange, IndexEntry, IndexRange } from '../../ports/shard-index.ts';
import { readApplied } from './applied.ts';
import { Applier } from './applier.ts';
import { Bodies } from './bodies.ts';
import {
  type Checkpoint,
  checkpointChange,
  readCheckpoint,
  writeCheckpoint,
} from './checkpoint.ts';
import { compactSegment } from './compaction.ts';
import { Following } from './follow.ts';
import { GroupCommit } from './group-commit.ts';
import { IndexWriter } from './index-writer.ts';
import { Journal } from './journal/journal.ts';
import { type StoreLimits, storeLimits } from './limits.ts';
import type { FoundBytes } from './near-reads.ts';
import { Opening } from './opening.ts';
import { Overlay } from './overlay.ts';
import type { RecordDraft, RecordPlace, RestoringShard, SideBody } from './record.ts';
import { Room } from './room.ts';
import type { ShardOptions, ShardStatus } from './shard-options.ts';
import { statusOf } from './shard-status.ts';
import { BodyWriter } from './side/body-writer.ts';
import { type Freed, type HeldPart, type Hold, laterIfDisk, Upkeep } from './upkeep.ts';
import type { Sealing } from './vault/sealing.ts';
import { appendKeyed, bodySeal, sealingOf, storedRows, vaultIndex } from './vault/shard-vault.ts';
import type { Vault } from './vault/vault.ts';
import { type SegmentReport, type VerifyReport, verifyJournal, verifyNext } from './verify.ts';
import { WarmReads } from './warm-reads.ts';

export type { ShardOptions, ShardStatus } from './shard-options.ts';

const belowMinimum = failure('disk-full', 'less than data.diskFreeBytesMin is free');

/** Weight of the newest commit in the moving average of their duration. */
const syncWeight = 0.1;

export class Shard implements RestoringShard {
  readonly id: ShardId;
  readonly vault: Vault | undefined;
  /** For who reads on behind the writer, and holds what is still to be read. */
  readonly following: Following;
  protected readonly journal: Journal;
  readonly writer: IndexWriter;
  readonly #options: ShardOptions;
  readonly #limits: StoreLimits;
  readonly #overlay: Overlay;
  readonly #group: GroupCommit;
  readonly #room: Room;
  readonly #bodies: Bodies;
  readonly #applier: Applier;
  readonly #upkeep: Upkeep;
  readonly #opening: Opening;
  readonly #index: ReturnType<typeof vaultIndex>;
  readonly #sealing: Sealing | undefined;
  readonly #epochs: Uint32Array;
  readonly #warm: WarmReads;
  #isOpening = true;
  #readOnlyReason: string | undefined;
  #reopenAtMs = 0;
  #failure: MailError | undefined;
  #syncMs = 0;
  /** What was last told of why new mail is refused. */
  #toldRefusal: Failure | undefined;

  protected constructor(options: ShardOptions, limits: StoreLimits, journal: Journal) {
    this.id = options.id;
    this.vault = options.vault;
    this.journal = journal;
    this.#options = options;
    this.#limits = limits;
    const { clock, disk, folder, log, turns } = options;
    const index = vaultIndex(options);
    this.#index = index;
    const floor = () => this.#floor();
    this.#warm = new WarmReads(clock);
    this.#epochs = new Uint32Array(options.epochs ?? new SharedArrayBuffer(4 * (options.id + 1)));
    assert(options.id < this.#epochs.length, 'no epoch word for this shard');
    const overlay = new Overlay(index, options.onChanges);
    this.#overlay = overlay;
    const applied = readApplied(index);
    this.writer = new IndexWriter({ index, overlay, clock, log, limits, floor, turns }, applied);
    this.#room = new Room(disk, clock, folder, limits, () => this.#tellRefusal());
    const bodies = new Bodies(journal);
    this.#bodies = bodies;
    const applier = new Applier(options.kinds, overlay, bodies);
    this.#applier = applier;
    this.#sealing = sealingOf(options, applier, journal);
    this.following = new Following(disk, journal, this.#sealing?.open.bind(this.#sealing));
    this.#group = new GroupCommit({ clock, limits, commit: (drafts) => this.#commit(drafts) });
    const append = (drafts: readonly RecordDraft[]) =>
      appendKeyed(this.#sealing, this.#group, drafts, false);
    this.#upkeep = new Upkeep({
      ...{ journal, bodies, clock, log, limits },
      appliedSequence: () => this.writer.applied?.sequence ?? 0,
      commitIndex: () => this.writer.commitNow(),
      writeCheckpoint: () => this.#writeCheckpoint(),
      compact: (segment) => compactSegment({ disk, applier, append }, segment),
    });
    const { writer } = this;
    const parts = { disk, index, journal, overlay, writer, applier, bodies, limits, shard: this };
    this.#opening = new Opening({ ...parts, ...storedRows(options, index) });
  }

  /** Recovers, replays into the index and into the kinds' `restore`, and opens a new epoch. */
  static async open(options: ShardOptions): Promise<Shard> {
    const limits = storeLimits(options.limits);
    const { disk, id: shard, random } = options;
    const folder = `${options.folder}/journal`;
    const vault = options.vault === undefined ? {} : { vault: options.vault };
    const journal = await Journal.open({ disk, folder, shard, random, limits, ...vault });
    // `this`, not `Shard`: a test opens a variant of its own.
    const opened = new this(options, limits, journal);
    try {
      await opened.#start();
    } catch (error) {
      await opened.#letGo();
      throw error;
    }
    return opened;
  }

  /**
   * Resolves once the records are on disk; appends of one turn, and all that come during a sync, share one.
   * @throws MailError `store-failed`, `disk-full`, `store-busy`, `store-read-only`.
   */
  append(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]> {
    return this.#append(drafts, false);
  }

  /**
   * Begins a body too large to wait in memory for its record: what `seal` answers goes into one draft. `frontBytesMax`
   * is the room kept before what is appended; `account`: whose key seals it, where it has one. @throws MailError, DiskError
   */
  async openBody(frontBytesMax: number, account?: number): Promise<BodyWriter> {
    const sealing = bodySeal(this.#options, account, this.#readOnlyReason);
    return BodyWriter.create(this.journal.segments.sides, this.id, frontBytesMax, sealing);
  }

  /** A sealed body that no append is told of after all. */
  dropBody(body: SideBody): void {
    this.journal.segments.sides.settle(body.segment);
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

  /** As `get`; its bytes are only good until the next read. */
  peek(key: Uint8Array): Uint8Array | undefined {
    return this.#overlay.peek(key);
  }

  range(range: IndexRange): readonly IndexEntry[] {
    return this.#overlay.range(range);
  }

  /** As `range`, until `visit` answers false; its bytes are only good until it returns or reads. */
  each(from: Uint8Array, to: Uint8Array, visit: EntryVisit): void {
    this.#overlay.each(from, to, visit);
  }

  /** Index rows not tied to a record: reads see them now; the index gets them in order with the records'. */
  write(changes: readonly IndexChange[]): void {
    this.#overlay.add(changes);
    if (!this.#isOpening) this.writer.schedule();
  }

  /** Body bytes from disk. The caller holds a lease on the segment, or knows the body to be live. */
  read(place: RecordPlace, from = 0, length = place.bodyBytes - from): Promise<Uint8Array> {
    assert(from >= 0 && length >= 0 && from + length <= place.bodyBytes, 'a read past the body');
    return this.journal.segments.read(this.#bodies.placeNow(place), from, length);
  }

  /**
   * As `read`, where no waiting is needed; into bytes that the next such read writes over. Undefined: only `read` can.
   */
  readNow(place: RecordPlace, from = 0, length = place.bodyBytes - from): Uint8Array | undefined {
    assert(from >= 0 && length >= 0 && from + length <= place.bodyBytes, 'a read past the body');
    const { segments } = this.journal;
    return segments.readNow(this.#bodies.placeNow(place), from, length, this.#warm);
  }

  /** The first bytes of bodies, by few reads; undefined for those that are gone. Unchecked. */
  readNear(places: readonly RecordPlace[], bytesMax: number): Promise<readonly FoundBytes[]> {
    const now = places.map((place) => this.#bodies.placeNow(place));
    return this.journal.segments.readNear(now, bytesMax);
  }

  /** As `readNear`, where no waiting is needed: into the caller's bytes. Undefined: only `readNear` can. */
  readNearNow(
    places: readonly RecordPlace[],
    bytesMax: number,
    into: Uint8Array,
  ): readonly Uint8Array[] | undefined {
    const now = places.map((place) => this.#bodies.placeNow(place));
    return this.journal.segments.readNearNow(now, bytesMax, into, this.#warm);
  }

  /**
   * Where a body stands now: a failed sync or compaction may have copied it since its place was
   * told. `read` and `releaseBody` follow by themselves; a place written to a row must be the newest.
   */
  placeNow(place: RecordPlace): RecordPlace {
    return this.#bodies.placeNow(place);
  }

  /** Keeps the segment where it is until released: for readers that come back for more. */
  lease(segment: number): { release(): void } {
    return this.journal.segments.lease(segment);
  }

  /** Keeps all records from a sequence on, for a reader with a cursor or a backup. */
  hold(from: number, keeps: HeldPart = 'bodies'): Hold {
    return this.#upkeep.hold(from, keeps);
  }

  /** The body is no longer live: its segment may go. Once for each body. */
  releaseBody(place: RecordPlace): void {
    this.#bodies.release(place);
  }

  /** Why new mail may not be taken: below `diskFreeBytesMin`, and in a shard that cannot write. */
  refusal(): Failure | undefined {
    if (this.#readOnlyReason !== undefined) return failure('store-read-only', this.#readOnlyReason);
    return this.#room.hasRoom ? undefined : belowMinimum;
  }

  hasRoom(): boolean {
    return this.refusal() === undefined;
  }

  /** Copies live bodies out of sparse segments, writes a checkpoint and frees what it covers, now. */
  compact(): Promise<Freed> {
    return this.#upkeep.run(true);
  }

  /** Changes that the index does not have yet. */
  get indexLag(): number {
    return this.#overlay.changeCount;
  }

  /** Reads the whole journal as it stands now, while the shard goes on. */
  verify(): Promise<VerifyReport> {
    return verifyJournal(this.#options.disk, this.journal);
  }

  /** As `verify`, of the first segment after number `after` only. */
  verifyNext(after: number): Promise<SegmentReport> {
    return verifyNext(this.#options.disk, this.journal, after);
  }

  status(): ShardStatus {
    const { rebuildReason, replayedCount } = this.#opening;
    return {
      ...statusOf(this.journal, this.writer),
      ...(this.#readOnlyReason === undefined ? {} : { readOnlyReason: this.#readOnlyReason }),
      replayedCount,
      ...(rebuildReason === undefined ? {} : { rebuildReason }),
      backlogCount: this.#group.waitingCount,
      backlogBytes: this.#group.waitingBytes,
      syncMs: this.#syncMs,
      checkpointCovers: this.#upkeep.checkpoint?.covers ?? 0,
      indexLagChanges: this.indexLag,
      hasRoom: this.hasRoom(),
    };
  }

  /** Writes what waits, brings the index up to date and lets go of all files. */
  async close(): Promise<void> {
    if (this.writer.failure !== undefined) this.writer.letPass();
    await this.#upkeep.close();
    await this.#group.flush();
    await this.#room.close();
    try {
      await this.writer.drain();
    } catch (error) {
      // The journal has it all: the index catches up at the next open.
      const detail = String(error);
      this.#options.log.warn({ shard: this.id, detail }, 'closed with an index behind its journal');
    }
    await this.writer.close();
    await this.journal.close();
    await this.#index.close();
  }

  /** Makes one group durable and lets reads see it. Protected, so that a test can get the order wrong. */
  protected async commitGroup(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]> {
    const places = await this.journal.commit(drafts);
    for (let i = 0; i < drafts.length; i++) this.#applier.applyWritten(drafts[i]!, places[i]!);
    this.writer.reached(this.journal.position);
    this.#options.onWritten?.(drafts, places);
    return places;
  }

  #append(drafts: readonly RecordDraft[], isLazy: boolean): Promise<readonly RecordPlace[]> {
    let hasSide = false;
    for (const { type, side } of drafts) {
      assert(this.#applier.kindOf(type) !== undefined, `record type ${type} has no kind`);
      if (side !== undefined) hasSide = true;
    }
    const why = this.#readOnlyReason;
    const appended = appendKeyed(this.#sealing, this.#group, drafts, isLazy, why);
    return hasSide ? appended.finally(() => this.#settleSides(drafts)) : appended;
  }

  /** From here on pins alone keep their files. */
  #settleSides(drafts: readonly RecordDraft[]): void {
    for (const { side } of drafts) if (side !== undefined) this.dropBody(side);
  }

  async #commit(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]> {
    if (this.#readOnlyReason !== undefined) {
      throw new MailError('store-read-only', this.#readOnlyReason);
    }
    if (this.writer.isFull) await this.writer.room();
    if (!this.journal.isOpen) await this.#reopen();
    if (this.#epochWord() !== this.journal.epoch) throw this.#fenced();
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
      // A bug in a kind: the journal may hold what the overlay does not, so nothing more may follow.
      this.#becomeReadOnly(`a record could not be applied: ${String(error)}`);
      return error;
    }
    const failure = await this.#noteFailure(error);
    // This group's asks get their own failure; if reopening fails too, the next group gets that one.
    await this.#reopen().catch((other: unknown) => {
      if (!(other instanceof MailError)) throw other;
    });
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
    if (this.#epochWord() !== this.journal.epoch) throw this.#fenced();
    try {
      for (const { from, record } of await this.#openEpoch(this.journal.epoch + 1)) {
        this.#applier.relocate(from, record);
      }
      this.writer.reached(this.journal.position);
    } catch (error) {
      if (error instanceof MailError) this.#becomeReadOnly(error.detail);
      if (!(error instanceof DiskError)) throw error;
      const failure = await this.#noteFailure(error);
      this.#reopenAtMs = nowMs + this.#limits.retryDelayMs;
      throw failure;
    }
  }

  /** The epoch stands in the shared word only once its segment is on disk. */
  async #openEpoch(epoch: number) {
    const copied = await this.journal.openSegment(epoch);
    Atomics.store(this.#epochs, this.id, epoch);
    return copied;
  }

  #epochWord(): number {
    return Atomics.load(this.#epochs, this.id);
  }

  #fenced(): MailError {
    const reason = 'another owner opened this shard';
    this.#becomeReadOnly(reason);
    return new MailError('store-failed', reason);
  }

  #becomeReadOnly(reason: string): void {
    this.#readOnlyReason ??= reason;
    this.#tellRefusal();
  }

  #tellRefusal(isFirst = false): void {
    if (this.#isOpening) return;
    const refusal = this.refusal();
    const isNews = refusal?.code !== this.#toldRefusal?.code;
    if (!isNews && !isFirst) return;
    this.#toldRefusal = refusal;
    this.#options.onRefusal?.(refusal);
  }

  async #start(): Promise<void> {
    const { damage } = this.journal;
    if (damage.length === 0) await this.#room.begin();
    await this.#opening.replay();
    const isSound = damage.length === 0;
    if (isSound) {
      const epoch = Math.max(this.journal.epoch, this.#epochWord()) + 1;
      this.#opening.replayCopied(await this.#openFirst(epoch));
    }
    await this.#opening.countOlder();
    this.writer.isAppliedStored = damage.length === 0;
    if (damage.length > 0) {
      const [{ segment, offset, reason }] = damage as [(typeof damage)[0]];
      this.#readOnlyReason = `damaged: segment ${segment} offset ${offset}: ${reason}`;
      this.#options.log.error({ shard: this.id, damage }, 'damaged: open for reading only');
    } else {
      await this.#room.start();
      await this.#upkeep.removeSides().catch(laterIfDisk);
      this.writer.reached(this.journal.position);
      this.#upkeep.start(readCheckpoint(this));
    }
    this.#isOpening = false;
    this.writer.schedule();
    this.#tellRefusal(true);
  }

  /** As `#openEpoch`; others may have taken the room since it was looked for, so the reserve is given up here too. */
  async #openFirst(epoch: number) {
    try {
      return await this.#openEpoch(epoch);
    } catch (error) {
      if (!(error instanceof DiskError && error.fault === 'no-space')) throw error;
      await this.#room.noteFull();
      return await this.#openEpoch(epoch);
    }
  }

  /** It did not open: the next try makes all of it anew. */
  async #letGo(): Promise<void> {
    await this.#room.close();
    await this.writer.close();
    await this.journal.close();
    await this.#index.close();
  }

  #floor(): number {
    const floor = this.#options.indexFloor?.() ?? Number.POSITIVE_INFINITY;
    return Math.min(floor, this.#sealing?.unappliedFrom ?? floor);
  }

  /** Undefined: the index lags, and nothing is let go for now. */
  async #writeCheckpoint(): Promise<Checkpoint | undefined> {
    const { journal } = this;
    await this.writer.commitNow();
    const checkpoint = await writeCheckpoint(this.#index, {
      get epoch() {
        return journal.epoch;
      },
      append: (drafts) => this.#group.append(drafts, false),
      read: (place) => this.read(place),
    });
    if (checkpoint === undefined) return undefined;
    if (journal.epoch !== checkpoint.epoch) {
      throw new MailError('not-possible-now', 'a new epoch began');
    }
    this.write([checkpointChange(checkpoint)]);
    return checkpoint;
  }
}
