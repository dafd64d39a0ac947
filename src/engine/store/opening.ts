/**
 * Brings a shard's index up to its journal when it is opened.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    the overlay's: the replay waits for the index where it is full.
 * Invariant: parcels that the next segment takes a copy of are left to that copy, unless the shard
 *            is damaged and opens for reading only.
 */

import { MailError } from '../../base/errors.ts';
import type { Disk } from '../../ports/disk.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import type { Applier } from './applier.ts';
import type { Bodies } from './bodies.ts';
import {
  beginOf,
  type Checkpoint,
  CheckpointFinder,
  checkpointChange,
  unpackRows,
} from './checkpoint.ts';
import type { IndexWriter } from './index-writer.ts';
import { segmentHeaderBytes } from './journal/format.ts';
import type { CopiedRecord, Journal, JournalPosition } from './journal/journal.ts';
import type { Damage } from './journal/recovery.ts';
import type { ScannedRecord } from './journal/scan.ts';
import type { Segment } from './journal/segments.ts';
import type { StoreLimits } from './limits.ts';
import type { Overlay } from './overlay.ts';
import type { JournalRecord, RestoringShard } from './record.ts';
import { replayStart, walkSegment } from './replay.ts';
import type { Vault } from './vault/vault.ts';

export interface OpeningParts {
  readonly disk: Disk;
  readonly index: ShardIndex;
  readonly journal: Journal;
  readonly overlay: Overlay;
  readonly writer: IndexWriter;
  readonly applier: Applier;
  readonly bodies: Bodies;
  readonly limits: StoreLimits;
  readonly shard: RestoringShard;
  readonly vault?: Vault;
  /** Of a checkpoint: rows as they stand in the index, those of encrypted accounts sealed. */
  readonly loadRows?: (rows: readonly IndexChange[]) => Promise<void>;
  /** Looks for accounts in the index whose keys nobody knows of. */
  readonly missUnkeyed?: () => void;
}

export class Opening {
  readonly #parts: OpeningParts;
  /** Records up to this sequence need no replay... */
  #after = 0;
  /**
   * ...but for those that epochs after this one copied: the rows of a checkpoint name their old
   * places.
   */
  #epoch = Number.POSITIVE_INFINITY;
  replayedCount = 0;
  rebuildReason: string | undefined;

  constructor(parts: OpeningParts) {
    this.#parts = parts;
  }

  /** Everything up to what `openSegment` will copy. */
  async replay(): Promise<void> {
    const { journal, writer, index, bodies } = this.#parts;
    const start = replayStart(journal, writer.applied);
    this.#parts.missUnkeyed?.();
    if (start.kind === 'from') {
      this.#after = start.position.sequence;
      bodies.countFrom(this.#after + 1);
      await this.#replayFrom(start.position);
      await this.#verifyOlder(start.position.segment);
      return;
    }
    if (journal.segments.count > 0) this.rebuildReason = start.reason;
    else if (writer.applied !== undefined) throw journalGone(writer.applied.sequence);
    await index.clear();
    const checkpoint = await this.#findCheckpoint();
    if (checkpoint !== undefined) await this.#loadCheckpoint(checkpoint);
    this.#parts.missUnkeyed?.();
    this.#after = checkpoint?.covers ?? 0;
    this.#epoch = checkpoint?.epoch ?? Number.POSITIVE_INFINITY;
    bodies.countFrom(this.#after + 1);
    await this.#replayFrom(undefined);
  }

  /** What `openSegment` copied: it is applied again, from its new places. */
  replayCopied(copied: readonly CopiedRecord[]): void {
    for (const { record } of copied) this.#replayOne(record, true);
  }

  /** Bodies the index knows from before the replay. */
  async countOlder(): Promise<void> {
    const { applier, bodies, overlay, journal } = this.#parts;
    const isPartly = this.#parts.vault?.hasMissing === true;
    const lost = await bodies.countOlder(applier.kinds(), overlay, isPartly);
    for (const { sequence, segment, offset } of lost) {
      const hit = [{ segment, offset, sequence, type: 0, meta: undefined }];
      journal.damage.push({ segment, offset, reason: 'the segment of a live body is gone', hit });
    }
    for (const { place, reason } of journal.segments.sides.endReplay()) {
      const { sequence, segment, offset } = place;
      const hit = [{ segment, offset, sequence, type: 0, meta: undefined }];
      journal.damage.push({ segment, offset, reason, hit });
    }
  }

  async #replayFrom(position: JournalPosition | undefined): Promise<void> {
    for (const segment of this.#parts.journal.segments.all()) {
      if (position !== undefined && segment.number < position.segment) continue;
      const isLater = segment.header.epoch > this.#epoch;
      if (segment.lastSequence <= this.#after && !isLater) continue;
      const from = segment.number === position?.segment ? position.offset : segmentHeaderBytes;
      await this.#walk(segment, from, (records) => {
        for (const record of records) {
          const isNewPlace = isLater && record.isCopied;
          if (record.place.sequence > this.#after || isNewPlace) {
            this.#replayOne(record, record.isCopied);
          }
        }
        return this.#parts.writer.isFull ? this.#parts.writer.drain() : undefined;
      });
    }
  }

  #replayOne(record: JournalRecord, isCopied: boolean): void {
    const { applier, shard } = this.#parts;
    if (applier.replay(record, isCopied, shard)) this.replayedCount++;
  }

  /**
   * Segments from before the replay, newest first: damage there shows now and not when it is read.
   */
  async #verifyOlder(before: number): Promise<void> {
    let bytesLeft = this.#parts.limits.openScanBytesMax;
    const older = this.#parts.journal.segments.all().filter(({ number }) => number < before);
    for (const segment of older.reverse()) {
      bytesLeft -= segment.end ?? segment.fileBytes;
      if (bytesLeft < 0) return;
      await this.#walk(segment, segmentHeaderBytes, () => undefined);
    }
  }

  async #findCheckpoint(): Promise<Checkpoint | undefined> {
    const finder = new CheckpointFinder();
    for (const segment of this.#parts.journal.segments.all()) {
      await this.#walkWhole(segment, (records) => {
        for (const record of records) finder.see(record);
      });
    }
    return finder.found;
  }

  async #loadCheckpoint(checkpoint: Checkpoint): Promise<void> {
    const { journal, overlay, writer, loadRows } = this.#parts;
    const sealed: IndexChange[] = [];
    for (const segment of journal.segments.all()) {
      if (segment.lastSequence < checkpoint.begin) continue;
      await this.#walkWhole(segment, (records) => {
        for (const record of records) {
          if (beginOf(record) !== checkpoint.begin) continue;
          if (loadRows === undefined) overlay.add(unpackRows(record.body));
          else sealed.push(...unpackRows(record.body));
        }
        if (sealed.length > 0) return loadRows?.(sealed.splice(0));
        return writer.isFull ? writer.drain() : undefined;
      });
    }
    overlay.add([checkpointChange(checkpoint)]);
  }

  /** Up to what will be copied; to the end in a damaged journal, which takes no copy. */
  async #walk(
    segment: Segment,
    from: number,
    visit: (records: readonly ScannedRecord[]) => Promise<void> | undefined,
  ): Promise<void> {
    const { journal, disk } = this.#parts;
    const isTail = segment.number === journal.position.segment;
    const isCopied = isTail && journal.damage.length === 0;
    const to = isCopied ? journal.suspectStart : segment.end;
    this.#note(await walkSegment({ disk, segment, from, to, visit }));
  }

  async #walkWhole(
    segment: Segment,
    visit: (records: readonly ScannedRecord[]) => Promise<void> | undefined | void,
  ): Promise<void> {
    const { disk } = this.#parts;
    const from = segmentHeaderBytes;
    const see = (records: readonly ScannedRecord[]) => visit(records) ?? undefined;
    this.#note(await walkSegment({ disk, segment, from, to: segment.end, visit: see }));
  }

  #note(found: readonly Damage[]): void {
    const { damage } = this.#parts.journal;
    for (const one of found) {
      const isSame = (other: Damage) =>
        other.segment === one.segment && other.offset === one.offset;
      if (!damage.some(isSame)) damage.push(one);
    }
  }
}

/** An index without a journal is no index to throw away: somebody removed the mail, and must hear of it. */
function journalGone(sequence: number): MailError {
  return new MailError(
    'store-failed',
    `the journal is gone, and the index knows of ${sequence} records: put the journal back, or remove the index to start empty`,
  );
}
