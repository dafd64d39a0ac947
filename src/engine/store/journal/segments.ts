/**
 * The segments of one journal as they stand now: what is live in each, who reads it, and the files
 * open for reading.
 *
 * Runs in:   engine threads.
 * Limits:    `openFilesMax` files are held open; the one not used for longest is closed first. `nowBytesMax` are read
 *            at once.
 * Invariant: a segment with a live body, a lease or a read under way is never freed.
 */

import { Buffer } from 'node:buffer';
import { assert } from '../../../base/assert.ts';
import { emptyBytes, view } from '../../../base/bytes.ts';
import { MailError } from '../../../base/errors.ts';
import { kibibyte } from '../../../base/units.ts';
import { type Disk, DiskError, type DiskFile } from '../../../ports/disk.ts';
import { readNear, readNearNow } from '../near-reads.ts';
import type { RecordPlace, SideBody } from '../record.ts';
import { readSideBody, readSideHeader, readSideOpener } from '../side/body-reader.ts';
import { isSide } from '../side/format.ts';
import type { SideSegments } from '../side/side-segments.ts';
import { openedPart, recordFrontBytes, withFront, withoutFront } from '../vault/sealed-reads.ts';
import { openWholeBody } from '../vault/sealed-record.ts';
import type { Vault } from '../vault/vault.ts';
import type { WarmReads } from '../warm-reads.ts';
import {
  flagSealed,
  readRecordHeader,
  recordCrc,
  recordHeaderBytes,
  type SegmentHeader,
} from './format.ts';

export interface Segment {
  readonly number: number;
  readonly header: SegmentHeader;
  readonly seed: number;
  readonly path: string;
  /** End of valid records; `undefined` where only a scan can tell. */
  end: number | undefined;
  /** Of the newest record known to be in it. */
  lastSequence: number;
  fileBytes: number;
  liveBodies: number;
  liveBytes: number;
  leases: number;
}

const nowBytesMax = 128 * kibibyte;
/** What was read at once, by any journal of the thread. */
const now = Buffer.allocUnsafeSlow(nowBytesMax);

interface OpenFile {
  readonly file: Promise<DiskFile>;
  /** The same, once it is open. */
  opened: DiskFile | undefined;
  reads: number;
  isForgotten: boolean;
}

export class Segments {
  /** Files with one large body each: pins, leases and reads find them by their numbers. */
  readonly sides: SideSegments;
  readonly #shard: number;
  readonly #disk: Disk;
  readonly #openFilesMax: number;
  readonly #byNumber = new Map<number, Segment>();
  /** In order of last use. */
  readonly #files = new Map<number, OpenFile>();
  readonly #vault: Vault | undefined;

  constructor(disk: Disk, openFilesMax: number, shard: number, sides: SideSegments, vault?: Vault) {
    this.#vault = vault;
    this.#disk = disk;
    this.#shard = shard;
    this.sides = sides;
    sides.beforeGoing((number) => this.#forget(number));
    this.#openFilesMax = openFilesMax;
  }

  add(segment: Segment): void {
    assert(!this.#byNumber.has(segment.number), `segment ${segment.number} is there twice`);
    this.#byNumber.set(segment.number, segment);
  }

  get(number: number): Segment | undefined {
    return this.#byNumber.get(number);
  }

  get count(): number {
    return this.#byNumber.size;
  }

  /** Ascending by number. */
  all(): Segment[] {
    return [...this.#byNumber.values()].sort((a, b) => a.number - b.number);
  }

  /** What all of them are, files of large bodies included. */
  sizes() {
    const segments = [...this.#byNumber.values()];
    return {
      segmentCount: segments.length,
      segmentBytes: segments.reduce((sum, segment) => sum + segment.fileBytes, this.sides.bytes),
      liveBytes: segments.reduce((sum, segment) => sum + segment.liveBytes, this.sides.liveBytes),
    };
  }

  /** Takes a segment out: nothing may live in it. Its file is the caller's from then on. */
  async drop(number: number): Promise<void> {
    const segment = this.#byNumber.get(number);
    assert(segment !== undefined && isFree(segment), `segment ${number} is in use`);
    this.#byNumber.delete(number);
    await this.#forget(number);
  }

  /** Whether a body at this place can be read. */
  has(place: RecordPlace): boolean {
    const { segment } = place;
    return isSide(segment) ? this.sides.has(segment) : this.#byNumber.has(segment);
  }

  pin(place: RecordPlace): void {
    if (isSide(place.segment)) {
      this.sides.pin(place);
      return;
    }
    const segment = this.#byNumber.get(place.segment);
    assert(segment !== undefined, `a live body in a segment that is gone: ${place.segment}`);
    segment.liveBodies++;
    segment.liveBytes += place.bytes;
  }

  release(place: RecordPlace): void {
    if (isSide(place.segment)) {
      this.sides.release(place);
      return;
    }
    const segment = this.#byNumber.get(place.segment);
    assert(
      segment !== undefined && segment.liveBodies > 0,
      `a body released twice: ${place.segment}/${place.offset}`,
    );
    segment.liveBodies--;
    segment.liveBytes -= place.bytes;
  }

  lease(number: number): { release(): void } {
    if (isSide(number)) return this.sides.lease(number);
    const segment = this.#byNumber.get(number);
    if (segment === undefined) throw new MailError('not-found', `segment ${number} is gone`);
    segment.leases++;
    let isHeld = true;
    return {
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        segment.leases--;
      },
    };
  }

  /** Part of a body; a body read whole is checked against its record's CRC. */
  async read(place: RecordPlace, from: number, length: number): Promise<Uint8Array> {
    // A record without a body pins nothing: its segment may be gone.
    if (length === 0) return emptyBytes;
    const number = place.segment;
    const segment = this.#byNumber.get(number);
    const found = isSide(number) ? this.sides.get(number) : segment;
    if (found === undefined) throw new MailError('not-found', `segment ${number} is gone`);
    const opened = this.#open(found);
    opened.reads++;
    try {
      const file = await opened.file;
      if (from === 0 && length === place.bodyBytes) {
        if (segment === undefined) {
          return await readWholeSide(file, this.#shard, place, this.#vault);
        }
        return await readWhole(file, segment, place, this.#vault);
      }
      const part = await file.read(place.bodyOffset + from, length);
      const vault = this.#vault;
      if (vault?.isUsed !== true) return part;
      if (segment === undefined) {
        return (await readSideOpener(file, this.#shard, vault))?.part(from, part) ?? part;
      }
      return openedPart(vault, await file.read(place.offset, recordFrontBytes), from, part);
    } finally {
      opened.reads--;
      if (opened.isForgotten && opened.reads === 0) await closeQuietly(opened);
    }
  }

  /**
   * As `read`, where that takes no waiting; into bytes that the next call writes over. Undefined: `read` has to, or to
   * say what is wrong.
   */
  readNow(
    place: RecordPlace,
    from: number,
    length: number,
    reads: WarmReads,
  ): Uint8Array | undefined {
    const segment = this.#byNumber.get(place.segment);
    const isWhole = from === 0 && length === place.bodyBytes;
    const bytes = isWhole ? place.bytes : length;
    if (segment === undefined || bytes > nowBytesMax) return undefined;
    const file = this.#open(segment).opened;
    if (file === undefined) return undefined;
    const into = now.subarray(0, bytes);
    const position = isWhole ? place.offset : place.bodyOffset + from;
    if (!readAtOnce(file, position, into, reads)) return undefined;
    const vault = this.#vault;
    if (isWhole) return bodyOf(into, segment, place, vault);
    if (vault?.isUsed !== true) return into;
    const front = Buffer.allocUnsafe(recordFrontBytes);
    if (!readAtOnce(file, place.offset, front, reads)) return undefined;
    return openedPart(vault, front, from, into);
  }

  /** The first bytes of bodies, `bytesMax` of each, unchecked; undefined for those that are gone. */
  readNear(
    places: readonly RecordPlace[],
    bytesMax: number,
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const vault = this.#vault;
    if (vault?.isUsed === true) return this.#readNearSealed(vault, places, bytesMax);
    return readNear(places, bytesMax, (...span) => this.#readSpan(...span));
  }

  /** As `readNear`, where that takes no waiting; into the caller's bytes. */
  readNearNow(
    places: readonly RecordPlace[],
    bytesMax: number,
    into: Uint8Array,
    reads: WarmReads,
  ): readonly Uint8Array[] | undefined {
    const vault = this.#vault?.isUsed === true ? this.#vault : undefined;
    const wanted = vault === undefined ? places : places.map((one) => withFront(one, bytesMax));
    const most = vault === undefined ? bytesMax : Number.POSITIVE_INFINITY;
    const found = readNearNow(wanted, most, into, (number, from, bytes) => {
      const segment = this.#byNumber.get(number);
      const file = segment === undefined ? undefined : this.#open(segment).opened;
      if (file === undefined || bytes.byteLength > nowBytesMax) return false;
      return readAtOnce(file, from, bytes, reads);
    });
    if (vault === undefined) return found;
    return found?.map((read, i) => withoutFront(vault, places[i]!, read));
  }

  /** As `readNear`, each with the beginning of its record, which says whether and how it is sealed. */
  async #readNearSealed(
    vault: Vault,
    places: readonly RecordPlace[],
    bytesMax: number,
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const wanted = places.map((place) => withFront(place, bytesMax));
    const most = Number.POSITIVE_INFINITY;
    const read = await readNear(wanted, most, (...span) => this.#readSpan(...span));
    const opened = read.map(async (bytes, i) => {
      const place = places[i]!;
      if (bytes === undefined || bytes.byteLength === 0) return bytes;
      if (!isSide(place.segment)) return withoutFront(vault, place, bytes);
      const side = this.sides.get(place.segment);
      return side === undefined ? undefined : this.read(place, 0, bytes.byteLength);
    });
    return Promise.all(opened);
  }

  async #readSpan(number: number, from: number, length: number): Promise<Uint8Array | undefined> {
    if (length === 0) return emptyBytes;
    const found = isSide(number) ? this.sides.get(number) : this.#byNumber.get(number);
    if (found === undefined) return undefined;
    const lease = this.lease(number);
    const opened = this.#open(found);
    opened.reads++;
    try {
      return await (await opened.file).read(from, length);
    } finally {
      lease.release();
      opened.reads--;
      if (opened.isForgotten && opened.reads === 0) await closeQuietly(opened);
    }
  }

  async close(): Promise<void> {
    for (const number of [...this.#files.keys()]) await this.#forget(number);
  }

  #open(segment: Pick<Segment, 'number' | 'path'>): OpenFile {
    const { number } = segment;
    const known = this.#files.get(number);
    if (known !== undefined) {
      this.#files.delete(number);
      this.#files.set(number, known);
      return known;
    }
    const file = this.#disk.open(segment.path, 'read');
    const opened: OpenFile = { file, opened: undefined, reads: 0, isForgotten: false };
    file.then(
      (ready) => {
        opened.opened = ready;
      },
      () => this.#files.delete(number),
    );
    this.#files.set(number, opened);
    if (this.#files.size > this.#openFilesMax) {
      const [oldest] = this.#files.keys();
      void this.#forget(oldest!);
    }
    return opened;
  }

  async #forget(number: number): Promise<void> {
    const opened = this.#files.get(number);
    if (opened === undefined) return;
    this.#files.delete(number);
    opened.isForgotten = true;
    if (opened.reads === 0) await closeQuietly(opened);
  }
}

/** False: not all of it, or not now. */
function readAtOnce(file: DiskFile, position: number, into: Uint8Array, reads: WarmReads): boolean {
  try {
    return reads.read(file, position, into) === into.byteLength;
  } catch (error) {
    if (error instanceof DiskError) return false;
    throw error;
  }
}

export function isFree(segment: Segment): boolean {
  return segment.liveBodies === 0 && segment.leases === 0;
}

async function readWhole(
  file: DiskFile,
  segment: Segment,
  place: RecordPlace,
  vault: Vault | undefined,
): Promise<Uint8Array> {
  const body = bodyOf(view(await file.read(place.offset, place.bytes)), segment, place, vault);
  if (body !== undefined) return body;
  const where = `segment ${place.segment} offset ${place.offset} sequence ${place.sequence}`;
  throw new MailError('store-failed', `a record on disk is not what was written: ${where}`);
}

/** Undefined where the record's bytes are not what was written. */
function bodyOf(
  bytes: Buffer,
  segment: Segment,
  place: RecordPlace,
  vault: Vault | undefined,
): Uint8Array | undefined {
  const header = bytes.length < place.bytes ? undefined : readRecordHeader(bytes, 0);
  const isRight =
    header !== undefined &&
    header.sequence === place.sequence &&
    recordCrc(bytes, 0, place.bytes, segment.seed) === header.crc;
  if (!isRight) return undefined;
  const body = bytes.subarray(place.bodyOffset - place.offset);
  if ((header.flags & flagSealed) === 0) return body;
  const meta = bytes.subarray(recordHeaderBytes, recordHeaderBytes + header.metaBytes);
  const by = { account: header.account, version: header.keyVersion };
  return openWholeBody(vault, segment.header.shard, header, by, meta, body);
}

async function readWholeSide(
  file: DiskFile,
  shard: number,
  place: RecordPlace,
  vault: Vault | undefined,
): Promise<Uint8Array> {
  const side = await readSideHeader(file, shard);
  const isNamed = side !== undefined && isPlaceOf(place, side);
  const sealed = isNamed ? await readSideBody(file, side) : undefined;
  const opener = sealed === undefined ? undefined : await readSideOpener(file, shard, vault);
  const bytes = sealed !== undefined && opener !== undefined ? opener.whole(sealed) : sealed;
  if (bytes !== undefined) return bytes;
  const where = `side segment ${place.segment} sequence ${place.sequence}`;
  throw new MailError('store-failed', `a body on disk is not what was written: ${where}`);
}

function isPlaceOf({ segment, bodyOffset, bodyBytes }: RecordPlace, side: SideBody): boolean {
  return side.segment === segment && side.bodyOffset === bodyOffset && side.bodyBytes === bodyBytes;
}

async function closeQuietly(opened: OpenFile): Promise<void> {
  // A file that was only read has nothing to lose when closing it fails.
  await opened.file.then((file) => file.close()).catch(() => {});
}
