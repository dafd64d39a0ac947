/**
 * One shard's journal: the writing end of its segments.
 *
 * Runs in:   the engine thread that owns the shard; one commit at a time.
 * Limits:    `segmentBytesMax` a segment, unless one parcel alone is larger.
 * Invariant: a parcel is written only after the one before it is on disk; after a failed write or
 *            sync nothing is written to that file again: `openSegment` goes on in a new one, under
 *            a new epoch.
 */

import { assert } from '../../../base/assert.ts';
import { emptyBytes } from '../../../base/bytes.ts';
import { MailError } from '../../../base/errors.ts';
import { defaultTenant } from '../../../base/ids.ts';
import { type Disk, DiskError, type DiskFile } from '../../../ports/disk.ts';
import type { Random } from '../../../ports/random.ts';
import type { StoreLimits } from '../limits.ts';
import type { JournalRecord, RecordDraft, RecordPlace } from '../record.ts';
import { epochRecord } from '../record-types.ts';
import { SideSegments } from '../side/side-segments.ts';
import { Nonces } from '../vault/sealed-bytes.ts';
import { sealDraft } from '../vault/sealed-record.ts';
import type { Vault } from '../vault/vault.ts';
import {
  encodeSegmentHeader,
  flagCopied,
  nothingCut,
  recordHeaderBytes,
  type SegmentHeader,
  sealBytes,
  seedOf,
  segmentHeaderBytes,
  segmentName,
  spareName,
} from './format.ts';
import { encodedBytes, ParcelEncoder } from './parcel-encoder.ts';
import { type Damage, damageAt, type Recovered, recover, suspectBytes } from './recovery.ts';
import { parcels, type ScannedRecord } from './scan.ts';
import { type Segment, Segments } from './segments.ts';

export interface JournalOptions {
  readonly disk: Disk;
  /** Of the segment files. */
  readonly folder: string;
  readonly shard: number;
  readonly random: Random;
  readonly limits: StoreLimits;
  /** Opens bodies of encrypted accounts; their drafts bring their keys. */
  readonly vault?: Vault;
}

/** A record at the end of the journal that now stands in the newest segment. */
export interface CopiedRecord {
  readonly from: RecordPlace;
  readonly record: JournalRecord;
}

/** A position between two parcels. */
export interface JournalPosition {
  readonly epoch: number;
  readonly segment: number;
  readonly offset: number;
  /** Of the last record before it. */
  readonly sequence: number;
}

/** Where synced records end, and the parcels before that which a failed sync may have spoiled. */
interface Tail {
  readonly segment: number;
  end: number;
  /** Starts of the parcels that reach into the last `suspectBytes`, oldest first. */
  starts: number[];
}

interface ActiveSegment {
  readonly header: SegmentHeader;
  readonly seed: number;
  readonly file: DiskFile;
  readonly segment: Segment;
}

interface Spare {
  readonly path: string;
  /**
   * The folder was synced since: a cut brings its segment's name back no more, so it may be
   * overwritten.
   */
  readonly isNamed: boolean;
}

/** One for all journals of a thread. */
let zeros = new Uint8Array(0);
/**
 * One write of a megabyte makes one large page of the cache, and every small write into it dirties all of it: in
 * pieces a write and its sync cost 25 µs of CPU instead of 38 (median of 9, ext4).
 */
const fillPieceBytes = 64 * 1_024;

export class Journal {
  readonly segments: Segments;
  readonly damage: Damage[];
  readonly #options: JournalOptions;
  readonly #encoder = new ParcelEncoder();
  #active: ActiveSegment | undefined;
  /**
   * From the start of `openSegment` to the next commit: its caller still has to lead places to the
   * copies.
   */
  #isCopying = false;
  /** The last failure was for want of space. */
  #isFull = false;
  #tail: Tail;
  #epoch: number;
  #sequence: number;
  #numberMax: number;
  /** Files of freed segments, for their blocks: overwriting them changes no file size. */
  #spares: Spare[] = [];
  #garbage: readonly string[];
  readonly #nonces: Nonces;

  private constructor(options: JournalOptions, recovered: Recovered) {
    this.#options = options;
    const { disk, folder, shard, limits } = options;
    const sides = new SideSegments(disk, folder, recovered.sides);
    this.segments = new Segments(disk, limits.openFilesMax, shard, sides, options.vault);
    this.#nonces = new Nonces(options.random);
    this.damage = [...recovered.damage];
    this.#epoch = recovered.epochMax;
    this.#sequence = recovered.lastSequence;
    this.#numberMax = recovered.numberMax;
    this.#garbage = recovered.garbage;
    for (const [i, { header, seed, path, fileBytes, end }] of recovered.segments.entries()) {
      const next = recovered.segments[i + 1];
      const lastSequence =
        next === undefined ? recovered.lastSequence : next.header.firstSequence - 1;
      this.segments.add({
        number: header.segment,
        header,
        seed,
        path,
        fileBytes,
        end,
        lastSequence,
        liveBodies: 0,
        liveBytes: 0,
        leases: 0,
      });
    }
    const last = recovered.segments.at(-1);
    this.#tail = {
      segment: last?.header.segment ?? 0,
      end: last?.end ?? 0,
      starts: last === undefined ? [] : [recovered.suspectStart],
    };
  }

  /**
   * Looks at what is there and writes nothing: `openSegment` comes next, or nothing where there is
   * damage.
   */
  static async open(options: JournalOptions): Promise<Journal> {
    await options.disk.makeFolder(options.folder);
    return new Journal(options, await recover(options.disk, options.folder, options.shard));
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Of the last record that is on disk. */
  get lastSequence(): number {
    return this.#sequence;
  }

  /** Where the next parcel goes. */
  get position(): JournalPosition {
    const { segment, end: offset } = this.#tail;
    return { epoch: this.#epoch, segment, offset, sequence: this.#sequence };
  }

  /** Where the parcels start that `openSegment` will copy; `undefined` in an empty journal. */
  get suspectStart(): number | undefined {
    return this.#tail.starts[0];
  }

  /** Whether a record lies in what a failure would make us copy, or is being copied. */
  isSuspect(place: RecordPlace): boolean {
    return this.#isCopying || this.isAtEnd(place);
  }

  /** Whether a failure from now on would make us copy the record. */
  isAtEnd(place: RecordPlace): boolean {
    return place.segment === this.#tail.segment && place.offset >= (this.#tail.starts[0] ?? 0);
  }

  /** Whether a parcel may be written: false before `openSegment` and after a failure. */
  get isOpen(): boolean {
    return this.#active !== undefined;
  }

  /**
   * Opens `epoch` with a new segment: what a failed sync may have spoiled at the end of the last
   * one is copied into it, and all of it is on disk when this returns. Until then nothing of the
   * journal may be served.
   * @throws DiskError; `MailError` `store-read-only` when the last parcels cannot be read back.
   */
  async openSegment(epoch: number): Promise<readonly CopiedRecord[]> {
    assert(epoch > this.#epoch || this.#tail.segment === 0, `epoch ${epoch} is not new`);
    this.#isCopying = true;
    await this.#leaveActive();
    const suspects = await this.#readSuspects();
    const previousEnd = this.#tail.starts[0] ?? this.#tail.end;
    const opening: RecordDraft = {
      type: epochRecord,
      tenant: defaultTenant,
      meta: emptyBytes,
      body: [],
    };
    const drafts = [...suspects.map(draftOf), opening];
    const sequences = suspects.map((record) => record.place.sequence);
    sequences.push(this.#sequence + 1);
    const previousSegment = this.#tail.segment;
    const left = this.segments.get(previousSegment)?.header;
    // Nothing is left of a segment copied whole, and its last sync may have failed in a process that
    // is gone: it leaves the chain, for its bytes may be others after a power cut.
    const isLeft = left === undefined || previousEnd > segmentHeaderBytes;
    const knownSequence = this.#sequence;
    const link = isLeft
      ? { previousSegment, previousEnd, knownSequence, keptSequence: knownSequence }
      : {
          previousSegment: left.previousSegment,
          previousEnd: left.previousEnd,
          knownSequence,
          keptSequence: Math.min(left.keptSequence, knownSequence),
        };
    const places = await this.#birth(epoch, link, drafts, sequences, flagCopied);
    const previous = this.segments.get(previousSegment);
    if (previous !== undefined) {
      previous.end = previousEnd;
      previous.lastSequence = Math.min(previous.lastSequence, sequences[0]! - 1);
    }
    await this.#removeGarbage();
    return suspects.map((record, i) => ({
      from: record.place,
      record: { ...record, place: places[i]! },
    }));
  }

  /**
   * Writes one parcel and returns once it is on disk. @throws DiskError: then `openSegment` before
   * anything else.
   */
  async commit(clear: readonly RecordDraft[]): Promise<readonly RecordPlace[]> {
    const active = this.#active;
    const drafts = this.#sealed(clear);
    assert(active !== undefined, 'a commit to a journal that is not open');
    this.#isCopying = false;
    let bytes = sealBytes;
    let arenaBytes = 0;
    for (const draft of drafts) {
      bytes += encodedBytes(draft);
      arenaBytes += recordHeaderBytes + draft.meta.byteLength;
    }
    const start = this.#tail.end;
    try {
      if (start + bytes > this.#options.limits.segmentBytesMax && start > segmentHeaderBytes) {
        return await this.#roll(drafts);
      }
      this.#encoder.begin(active.header, active.seed, start, arenaBytes);
      const places = this.#addAll(drafts);
      const { parts, end } = this.#encoder.seal();
      const fill = this.#fillAfter(active.segment, end);
      await active.file.write(start, parts);
      if (fill !== undefined) await writeInPieces(active.file, end, fill);
      await active.file.sync();
      active.segment.fileBytes = Math.max(active.segment.fileBytes, end + (fill?.byteLength ?? 0));
      this.#advance(active.segment, start, end, places);
      return places;
    } catch (error) {
      // With no space left, what there is goes to records and not to zeros.
      this.#isFull = error instanceof DiskError && error.fault === 'no-space';
      await this.#leaveActive();
      throw error;
    }
  }

  /**
   * Gives a free segment's file to the next one opened, or removes it where there are enough of
   * these.
   */
  async recycle(number: number): Promise<void> {
    const segment = this.segments.get(number);
    assert(segment !== undefined && number !== this.#tail.segment, `segment ${number} cannot go`);
    await this.segments.drop(number);
    const { disk, limits } = this.#options;
    // A segment of one large parcel would keep its size for ever.
    const isWorthKeeping =
      segment.fileBytes <= limits.segmentBytesMax && this.#spares.length < limits.spareSegmentsMax;
    if (!isWorthKeeping) return disk.remove(segment.path);
    const path = spareName(segment.path);
    await disk.rename(segment.path, path);
    this.#spares.push({ path, isNamed: false });
  }

  async close(): Promise<void> {
    await this.#leaveActive();
    await this.segments.close();
  }

  /** Sealed for the sequences they get now: nothing else is written before them. */
  #sealed(drafts: readonly RecordDraft[]): readonly RecordDraft[] {
    const { shard, vault } = this.#options;
    if (vault?.isUsed !== true) return drafts;
    const first = this.#sequence + 1;
    return drafts.map((draft, i) => sealDraft(draft, shard, first + i, this.#nonces));
  }

  #addAll(drafts: readonly RecordDraft[]): RecordPlace[] {
    const places = new Array<RecordPlace>(drafts.length);
    let sequence = this.#sequence;
    for (let i = 0; i < drafts.length; i++)
      places[i] = this.#encoder.add(drafts[i]!, ++sequence, 0);
    return places;
  }

  #advance(segment: Segment, start: number, end: number, places: readonly RecordPlace[]): void {
    this.#sequence = places.at(-1)!.sequence;
    segment.end = end;
    segment.lastSequence = this.#sequence;
    const tail = this.#tail;
    tail.end = end;
    tail.starts.push(start);
    while (tail.starts.length > 1 && tail.starts[1]! <= start - suspectBytes) tail.starts.shift();
  }

  /** Zeros to write behind a parcel that makes the file grow. */
  #fillAfter(segment: Segment, end: number): Uint8Array | undefined {
    if (end <= segment.fileBytes || this.#isFull) return undefined;
    const { fillBytesMax, segmentBytesMax } = this.#options.limits;
    const bytes = Math.min(end, fillBytesMax, segmentBytesMax - end);
    if (bytes <= 0) return undefined;
    if (zeros.byteLength < bytes) zeros = new Uint8Array(fillBytesMax);
    return zeros.subarray(0, bytes);
  }

  async #roll(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]> {
    const { segment: previousSegment, end: previousEnd } = this.#tail;
    const knownSequence = this.#sequence;
    const link = { previousSegment, previousEnd, knownSequence, keptSequence: nothingCut };
    const sequences = drafts.map((_, i) => this.#sequence + 1 + i);
    const left = this.#active;
    const places = await this.#birth(this.#epoch, link, drafts, sequences, 0);
    if (left !== undefined) await closeQuietly(left.file);
    return places;
  }

  /** Makes a segment of a header and one parcel; on disk with its name when this returns. */
  async #birth(
    epoch: number,
    link: Omit<SegmentHeader, 'shard' | 'segment' | 'epoch' | 'salt' | 'firstSequence'>,
    drafts: readonly RecordDraft[],
    sequences: readonly number[],
    copiedFlag: number,
  ): Promise<RecordPlace[]> {
    const { disk, folder, shard, random } = this.#options;
    const number = ++this.#numberMax;
    const salt = new DataView(random.bytes(4).slice().buffer).getUint32(0);
    const header: SegmentHeader = {
      shard,
      segment: number,
      epoch,
      salt,
      firstSequence: sequences[0]!,
      ...link,
    };
    let arenaBytes = 0;
    for (const draft of drafts) arenaBytes += recordHeaderBytes + draft.meta.byteLength;
    this.#encoder.beginSegment(header, encodeSegmentHeader(header), arenaBytes);
    const places = drafts.map((draft, i) => {
      const flags = sequences[i]! <= link.knownSequence ? copiedFlag : 0;
      return this.#encoder.add(draft, sequences[i]!, flags);
    });
    const { parts, end } = this.#encoder.seal();
    const path = `${folder}/${segmentName(number)}`;
    const { file, fileBytes } = await this.#openFile(path);
    try {
      await file.write(0, parts);
      await file.sync();
      const renamed = new Set(this.#spares);
      await disk.syncFolder(folder);
      this.segments.sides.noteFoundNamed();
      this.#spares = this.#spares.map((spare) =>
        renamed.has(spare) ? { ...spare, isNamed: true } : spare,
      );
    } catch (error) {
      await closeQuietly(file);
      this.#garbage = [...this.#garbage, path];
      this.#isFull = error instanceof DiskError && error.fault === 'no-space';
      throw error;
    }
    const segment: Segment = {
      number,
      header,
      seed: seedOf(header),
      path,
      end,
      lastSequence: places.at(-1)!.sequence,
      fileBytes: Math.max(fileBytes, end),
      liveBodies: 0,
      liveBytes: 0,
      leases: 0,
    };
    this.segments.add(segment);
    this.#active = { header, seed: segment.seed, file, segment };
    this.#epoch = epoch;
    this.#sequence = segment.lastSequence;
    this.#tail = { segment: number, end, starts: [segmentHeaderBytes] };
    return places;
  }

  async #openFile(path: string): Promise<{ file: DiskFile; fileBytes: number }> {
    const { disk, folder } = this.#options;
    const spare = this.#spares.shift();
    if (spare === undefined) return { file: await disk.open(path, 'create'), fileBytes: 0 };
    if (!spare.isNamed) await disk.syncFolder(folder);
    await disk.rename(spare.path, path);
    const file = await disk.open(path, 'write');
    return { file, fileBytes: await file.size() };
  }

  async #readSuspects(): Promise<ScannedRecord[]> {
    const { segment: number, end, starts } = this.#tail;
    const segment = this.segments.get(number);
    const from = starts[0];
    if (segment === undefined || from === undefined || from === end) return [];
    const file = await this.#options.disk.open(segment.path, 'read');
    try {
      const range = { file, segment: number, seed: segment.seed, from, to: end };
      const records: ScannedRecord[] = [];
      let wholeEnd = from;
      for await (const parcel of parcels(range)) {
        records.push(...parcel.records);
        wholeEnd = parcel.end;
      }
      if (wholeEnd !== end) {
        this.damage.push(await damageAt({ ...range, from: wholeEnd }));
        throw new MailError('store-read-only', `segment ${number} is damaged at ${wholeEnd}`);
      }
      // Epoch records are not worth a copy: every open would copy all those before it.
      return records.filter((record) => record.type !== epochRecord);
    } finally {
      await closeQuietly(file);
    }
  }

  async #leaveActive(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    if (active !== undefined) await closeQuietly(active.file);
  }

  async #removeGarbage(): Promise<void> {
    const paths = this.#garbage;
    this.#garbage = [];
    for (const path of paths) {
      // Removed, not recycled: a half-durable rename may have left two names for one file.
      await this.#options.disk.remove(path).catch((error: unknown) => {
        if (!(error instanceof DiskError)) throw error;
      });
    }
  }
}

function draftOf(record: ScannedRecord): RecordDraft {
  const { type, tenant, meta, body, side, sealedBy } = record;
  // A sealed one as it stands: it keeps its sequence, and its key may not be at hand.
  const sealed = sealedBy === undefined ? undefined : { sealedBy };
  if (side !== undefined) return { type, tenant, meta, body: [], side, ...sealed };
  return { type, tenant, meta, body: [body], ...sealed };
}

async function closeQuietly(file: DiskFile): Promise<void> {
  // All that had to be on disk was synced before; what was not is given up.
  await file.close().catch(() => {});
}

async function writeInPieces(file: DiskFile, start: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; at += fillPieceBytes) {
    await file.write(start + at, [bytes.subarray(at, at + fillPieceBytes)]);
  }
}
