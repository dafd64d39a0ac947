/**
 * Brings the event log of a shard up to its journal, and keeps it there: what records tell is told as they are
 * written; what a kill, a fault or a slow disk kept out of the log is read from the journal again.
 *
 * Runs in:   the engine thread that owns the shard (hot path: each group commit).
 * Limits:    the journal is held for the log up to `heldRecordsMax` records, a tenth of that on a full disk.
 *            What is lost so is counted and logged.
 * Invariant: nothing here waits for a disk before mail does. Records behind `#told` are told, in the order of the
 *            journal; segments behind what the log has synced are held; so each event comes at least once, and by the
 *            same id each time.
 */

import { Buffer } from 'node:buffer';
import { Packr } from 'msgpackr';
import { MailError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import { DiskError } from '../../ports/disk.ts';
import type { JournalPosition } from '../store/journal/journal.ts';
import type { RecordDraft, RecordPlace } from '../store/record.ts';
import type { Shard } from '../store/shard.ts';
import type { EventLog, Found } from './event-log.ts';
import { eventLogLimits } from './limits.ts';
import { type TellingRecord, tellRecord } from './record-events.ts';

export type FollowedShard = Pick<Shard, 'following' | 'hold' | 'get' | 'write' | 'hasRoom'>;

export interface FollowerOptions {
  readonly eventLog: EventLog;
  readonly clock: Clock;
  readonly log: Log;
  readonly heldRecordsMax?: number;
  readonly retryMs?: number;
}

/** Not in a checkpoint: there it would be of an older instant than the event files. */
const toldKey = Buffer.of(0x00, 0x03);
const packr = new Packr({ useRecords: false });
const journalStart: JournalPosition = { epoch: 0, segment: 0, offset: 0, sequence: 0 };

/** Records that wait while those before them are read. */
const queuedRecordsMax = 8_192;

interface QueuedGroup {
  readonly records: readonly TellingRecord[];
  readonly position: JournalPosition;
}

/** A fault came between: another run begins where the log is sure of itself. */
class Superseded extends Error {}

export class JournalFollower {
  readonly #options: FollowerOptions;
  readonly #heldRecordsMax: number;
  readonly #retryMs: number;
  #store: FollowedShard | undefined;
  #hold: ReturnType<FollowedShard['hold']> | undefined;
  #told: JournalPosition = journalStart;
  #synced: JournalPosition = journalStart;
  /** Of the record after `#told`, so many parts stand in the log already. */
  #partsTold = 0;
  /** Each commit is told as it comes; otherwise the journal is read. */
  #isLive = false;
  #isBegun = false;
  #isClosed = false;
  /** What lies behind `#told` was held: if it is gone, it is lost. */
  #wasHeld = false;
  /** Groups written since the reading began; undefined: they are too many, or nothing is read. */
  #queued: QueuedGroup[] | undefined;
  #queuedCount = 0;
  #lostCount = 0;
  #run = 0;
  #running: Promise<void> = Promise.resolve();
  #retryTimer: Timer | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#heldRecordsMax = options.heldRecordsMax ?? eventLogLimits.heldRecordsMax;
    this.#retryMs = options.retryMs ?? eventLogLimits.retryMs;
  }

  /** Records that will never be told. */
  get lostCount(): number {
    return this.#lostCount;
  }

  /** The shard is open and writes. Resolves when all that its journal tells is in the log, or has failed to be. */
  begin(store: FollowedShard): Promise<void> {
    this.#store = store;
    // Events tell nothing of bodies: a large one's file goes as soon as it is dead.
    this.#hold = store.hold(0, 'records');
    this.#running = this.#begin(store);
    return this.#running;
  }

  /** A group of records is on disk. */
  onWritten(drafts: readonly RecordDraft[], places: readonly RecordPlace[]): void {
    const store = this.#store;
    if (store === undefined || this.#isClosed) return;
    if (!this.#isLive) {
      this.#queue(store, drafts, places);
      this.#boundHold(store);
      return;
    }
    if (this.#options.eventLog.isFull) {
      this.#isLive = false;
      this.#catchUp();
      return;
    }
    for (let i = 0; i < drafts.length; i++) this.#tell(tellingOf(drafts[i]!, places[i]!));
    this.#reached(store.following.position);
  }

  /** The log has this on disk. */
  onSynced(position: JournalPosition): void {
    this.#synced = position;
    this.#hold?.advance(position.sequence + 1);
    this.#store?.write([{ put: toldKey, value: packPosition(position) }]);
  }

  /** The log may have lost what it has not synced. */
  onFault(): void {
    if (this.#store === undefined || !this.#isBegun || this.#isClosed) return;
    this.#isLive = false;
    this.#dropQueued();
    this.#run++;
    this.#told = this.#synced;
    this.#partsTold = 0;
    this.#boundHold(this.#store);
    this.#retryLater();
  }

  /** Before the log is closed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isLive = false;
    this.#run++;
    this.#retryTimer?.cancel();
    await this.#running;
  }

  async #begin(store: FollowedShard): Promise<void> {
    const found = await this.#options.eventLog.start();
    this.#startAfter(store, found);
    this.#isBegun = true;
    this.#synced = this.#told;
    this.#hold?.advance(this.#told.sequence + 1);
    await this.#readOn(this.#run);
  }

  /** Where the log came to: by the row of its last sync, or by its own last event where that is later. */
  #startAfter(store: FollowedShard, { isOld, last }: Found): void {
    const row = unpackPosition(store.get(toldKey));
    const end = store.following.position;
    this.#wasHeld = row !== undefined;
    this.#told = row ?? (isOld ? end : journalStart);
    const sequence = Math.max(this.#told.sequence, (last?.sequence ?? 0) - 1);
    if (sequence > end.sequence) {
      const detail = `they reach record ${sequence}, it ends at ${end.sequence}`;
      this.#options.log.warn({ detail }, 'events are of another journal than this shard has now');
      this.#told = journalStart;
      return;
    }
    if (last !== undefined && last.sequence > this.#told.sequence) {
      this.#told = { ...this.#told, sequence: last.sequence - 1 };
      this.#partsTold = last.part + 1;
    }
  }

  #catchUp(): void {
    const run = this.#run;
    this.#running = this.#running.then(() => this.#readOn(run));
  }

  /** Reads what the log lacks, until there is nothing left: from then on commits are told as they come. */
  async #readOn(run: number): Promise<void> {
    const store = this.#store!;
    const { eventLog, log } = this.#options;
    try {
      while (run === this.#run && !this.#isLive) {
        await eventLog.flush();
        if (run !== this.#run) return;
        if (this.#told.sequence >= store.following.position.sequence) {
          this.#isLive = true;
          return;
        }
        const end = store.following.position;
        // What is written while the rest is read waits here: under load there would always be something left to read.
        this.#queued = [];
        const gone = await this.#readTo(store, run);
        if (run !== this.#run) return;
        if (gone > 0 && this.#wasHeld) this.#lost(gone);
        // A damaged journal: what cannot be read is not waited for.
        if (this.#told.sequence < end.sequence) this.#reached(end);
        this.#wasHeld = true;
        this.#tellQueued();
      }
    } catch (error) {
      if (error instanceof Superseded) return;
      if (!(error instanceof DiskError) && !(error instanceof MailError)) throw error;
      log.warn({ detail: error.message }, 'the journal could not be read for its events');
      if (run === this.#run) this.#retryLater();
    }
  }

  async #readTo(store: FollowedShard, run: number): Promise<number> {
    const { eventLog } = this.#options;
    return await store.following.read(this.#told, (records, position) => {
      if (run !== this.#run) throw new Superseded();
      for (const { type, tenant, meta, place } of records) {
        const { sequence, bodyBytes } = place;
        this.#tell({ type, tenant, meta, sequence, bodyBytes, unpacked: undefined });
      }
      this.#reached(position);
      return eventLog.isFull ? eventLog.flush() : undefined;
    });
  }

  #queue(
    store: FollowedShard,
    drafts: readonly RecordDraft[],
    places: readonly RecordPlace[],
  ): void {
    if (this.#queued === undefined) return;
    this.#queuedCount += drafts.length;
    const { position } = store.following;
    // Bodies stay out of it.
    const records = drafts.map((draft, i) => tellingOf(draft, places[i]!));
    this.#queued.push({ records, position });
    if (this.#queuedCount > queuedRecordsMax) this.#dropQueued();
  }

  /** Nothing lies between what was read and what waits: from here on each commit is told as it comes. */
  #tellQueued(): void {
    const queued = this.#queued;
    if (queued === undefined) return;
    this.#dropQueued();
    for (const { records, position } of queued) {
      for (const record of records) this.#tell(record);
      this.#reached(position);
    }
    this.#isLive = true;
  }

  #dropQueued(): void {
    this.#queued = undefined;
    this.#queuedCount = 0;
  }

  #tell(record: TellingRecord): void {
    if (record.sequence <= this.#told.sequence) return;
    const { eventLog } = this.#options;
    // Numbers of one record come to no more than its recipients: what stands in the log is passed over.
    const isNext = record.sequence === this.#told.sequence + 1;
    const partsTold = isNext ? this.#partsTold : 0;
    tellRecord(record, (event, part) => {
      if (part >= partsTold) eventLog.tell(event);
    });
  }

  #reached(position: JournalPosition): void {
    if (position.sequence < this.#told.sequence) return;
    if (position.sequence > this.#told.sequence) this.#partsTold = 0;
    this.#told = position;
    this.#options.eventLog.mark(position);
  }

  #retryLater(): void {
    this.#retryTimer?.cancel();
    this.#retryTimer = this.#options.clock.setTimer(this.#retryMs, () => {
      if (this.#store === undefined || this.#isClosed) return;
      this.#boundHold(this.#store);
      this.#catchUp();
    });
  }

  #boundHold(store: FollowedShard): void {
    const held = store.following.position.sequence - this.#synced.sequence;
    const most = store.hasRoom() ? this.#heldRecordsMax : this.#heldRecordsMax / 10;
    if (held > most) this.#letGo(store);
  }

  /** The journal is not held any longer for what the log lacks. */
  #letGo(store: FollowedShard): void {
    const end = store.following.position;
    const count = end.sequence - this.#synced.sequence;
    this.#run++;
    this.#dropQueued();
    this.#told = end;
    this.#synced = end;
    this.#partsTold = 0;
    this.#hold?.advance(end.sequence + 1);
    this.#lost(count);
    this.#retryLater();
  }

  #lost(records: number): void {
    this.#options.log.error(
      { records },
      'events of these records are lost: they could not be kept',
    );
    this.#lostCount += records;
  }
}

function tellingOf(
  { type, tenant, meta, unpacked }: RecordDraft,
  place: RecordPlace,
): TellingRecord {
  const { sequence, bodyBytes } = place;
  return { type, tenant, meta, sequence, bodyBytes, unpacked };
}

function packPosition({ epoch, segment, offset, sequence }: JournalPosition): Uint8Array {
  return packr.pack([epoch, segment, offset, sequence]);
}

function unpackPosition(row: Uint8Array | undefined): JournalPosition | undefined {
  if (row === undefined) return undefined;
  const [epoch, segment, offset, sequence] = packr.unpack(row) as [number, number, number, number];
  return { epoch, segment, offset, sequence };
}
