/**
 * Reads a segment file parcel by parcel, and looks past a bad one for later seals.
 *
 * Runs in:   engine threads and offline commands.
 * Limits:    a window of `windowBytes` is in memory at a time, or one record where that is larger.
 * Invariant: a parcel is handed out only whole: every record's CRC, and the seal's over them, were
 *            right.
 */

import { Buffer } from 'node:buffer';
import { crc32c } from '@node-rs/crc32';
import { emptyBytes, view } from '../../../base/bytes.ts';
import { mebibyte } from '../../../base/units.ts';
import type { DiskFile } from '../../../ports/disk.ts';
import type { JournalRecord, SideBody } from '../record.ts';
import { placeOfSide, readNote, sideNoteBytes } from '../side/format.ts';
import {
  flagCopied,
  flagSealed,
  flagSide,
  type RecordHeader,
  readRecordHeader,
  readSealMeta,
  recordCrc,
  recordHeaderBytes,
  type Seal,
  sealBytes,
  sealMagicBytes,
  sealMetaBytes,
  segmentHeaderBytes,
} from './format.ts';

const windowBytes = 2 * mebibyte;
/**
 * How far past a bad parcel a later seal is looked for: the parcel after it ends well within. Not
 * the whole file: a recycled one is as long as a segment may be, at every open.
 */
const laterSealBytesMax = 16 * mebibyte;

/** What a scan must know of the file it reads. */
export interface ScanRange {
  readonly file: DiskFile;
  readonly segment: number;
  readonly seed: number;
  /** Of a parcel. */
  readonly from: number;
  /** Nothing from here on is read. */
  readonly to: number;
}

export interface ScannedRecord extends JournalRecord {
  readonly isCopied: boolean;
  /** Its body is in a side segment. */
  readonly side?: SideBody;
}

export interface Parcel {
  readonly start: number;
  readonly end: number;
  readonly records: readonly ScannedRecord[];
}

/** Yields whole parcels up to the first that is not; what follows that one is not looked at. */
export async function* parcels(range: ScanRange): AsyncGenerator<Parcel, void> {
  const window = new FileWindow(range.file, range.to);
  let start = range.from;
  while (start < range.to) {
    const parcel = await readParcel(window, range, start);
    if (parcel === undefined) return;
    yield parcel;
    start = parcel.end;
  }
}

async function readParcel(
  window: FileWindow,
  range: ScanRange,
  start: number,
): Promise<Parcel | undefined> {
  const records: ScannedRecord[] = [];
  const crcs: number[] = [];
  for (let offset = start; ; ) {
    const read = await readRecord(window, range, offset);
    if (read === undefined) return undefined;
    const { header, record, bytes } = read;
    offset += bytes;
    if (!header.isSeal) {
      records.push(record);
      crcs.push(header.crc);
      continue;
    }
    const seal = readSealMeta(view(record.meta), 0);
    const isWhole =
      seal.parcelStart === start &&
      seal.recordCount === records.length &&
      seal.recordsCrc === crcOfCrcs(crcs);
    return isWhole ? { start, end: offset, records } : undefined;
  }
}

interface ReadRecord {
  readonly header: RecordHeader;
  readonly record: ScannedRecord;
  readonly bytes: number;
}

async function readRecord(
  window: FileWindow,
  range: ScanRange,
  offset: number,
): Promise<ReadRecord | undefined> {
  if (!window.has(offset, recordHeaderBytes)) await window.move(offset, recordHeaderBytes);
  const head = window.bytes(offset, recordHeaderBytes);
  const header = head === undefined ? undefined : readRecordHeader(head, 0);
  if (header === undefined) return undefined;
  const bytes = recordHeaderBytes + header.metaBytes + header.bodyBytes;
  if (offset + bytes > range.to) return undefined;
  if (!window.has(offset, bytes)) await window.move(offset, bytes);
  const whole = window.bytes(offset, bytes);
  if (whole === undefined || recordCrc(whole, 0, bytes, range.seed) !== header.crc) {
    return undefined;
  }
  return { header, record: recordOf(whole, header, range.segment, offset), bytes };
}

/** `whole` starts with the record's header. */
function recordOf(
  whole: Buffer,
  header: RecordHeader,
  segment: number,
  offset: number,
): ScannedRecord {
  const bodyAt = recordHeaderBytes + header.metaBytes;
  const bytes = bodyAt + header.bodyBytes;
  const { account, keyVersion: version } = header;
  const sealed = (header.flags & flagSealed) === 0 ? undefined : { sealedBy: { account, version } };
  if ((header.flags & flagSide) !== 0 && header.bodyBytes === sideNoteBytes) {
    const side = readNote(whole, bodyAt);
    return {
      place: placeOfSide(header.sequence, side),
      type: header.type,
      tenant: header.tenant,
      meta: whole.subarray(recordHeaderBytes, bodyAt),
      body: emptyBytes,
      isCopied: (header.flags & flagCopied) !== 0,
      side,
      ...sealed,
    };
  }
  return {
    place: {
      sequence: header.sequence,
      segment,
      offset,
      bytes,
      bodyOffset: offset + bodyAt,
      bodyBytes: header.bodyBytes,
    },
    type: header.type,
    tenant: header.tenant,
    meta: whole.subarray(recordHeaderBytes, bodyAt),
    body: whole.subarray(bodyAt, bytes),
    isCopied: (header.flags & flagCopied) !== 0,
    ...sealed,
  };
}

/** Records of a bad parcel that are themselves right, and the headers of those that are not. */
export async function salvage(
  range: ScanRange,
): Promise<{ readonly whole: readonly ScannedRecord[]; readonly hit: readonly RecordHit[] }> {
  const window = new FileWindow(range.file, range.to);
  const whole: ScannedRecord[] = [];
  const hit: RecordHit[] = [];
  for (let offset = range.from; offset < range.to; ) {
    await window.move(offset, recordHeaderBytes);
    const head = window.bytes(offset, recordHeaderBytes);
    const header = head === undefined ? undefined : readRecordHeader(head, 0);
    if (header === undefined) break;
    const bytes = recordHeaderBytes + header.metaBytes + header.bodyBytes;
    if (offset + bytes > range.to) break;
    const read = await readRecord(window, range, offset);
    if (read === undefined) {
      const { sequence, type, metaBytes } = header;
      await window.move(offset, recordHeaderBytes + metaBytes);
      const meta = window.bytes(offset, recordHeaderBytes + metaBytes)?.subarray(recordHeaderBytes);
      hit.push({ segment: range.segment, offset, sequence, type, meta });
    } else if (!header.isSeal) {
      whole.push(read.record);
    }
    offset += bytes;
  }
  return { whole, hit };
}

/** A record named by its header although its bytes are not what was written. */
export interface RecordHit {
  readonly segment: number;
  readonly offset: number;
  readonly sequence: number;
  readonly type: number;
  /** As it stands there, unproven: often enough to name the message. */
  readonly meta: Uint8Array | undefined;
}

export interface FoundSeal {
  readonly seal: Seal;
  readonly end: number;
}

/**
 * The first right seal of a parcel that starts after `range.from`. A parcel is written only after
 * the one before it is on disk, so such a seal says that the parcel at `range.from` was, and is
 * damaged. With `seed` undefined (the file's header is bad) a seal is checked by the seed it names
 * itself.
 */
export async function findLaterSeal(
  range: Omit<ScanRange, 'seed'> & { readonly seed: number | undefined },
): Promise<FoundSeal | undefined> {
  const { file } = range;
  const to = Math.min(range.to, range.from + laterSealBytesMax);
  for (let at = range.from; at + sealBytes <= to; at += windowBytes - sealBytes + 1) {
    const bytes = view(await file.read(at, Math.min(windowBytes, to - at)));
    for (
      let i = bytes.indexOf(sealMagicBytes);
      i !== -1;
      i = bytes.indexOf(sealMagicBytes, i + 1)
    ) {
      if (i + sealBytes > bytes.length) break;
      const seal = sealAt(bytes, i, range.segment, range.seed);
      if (seal !== undefined && seal.parcelStart > range.from)
        return { seal, end: at + i + sealBytes };
    }
  }
  return undefined;
}

function sealAt(
  bytes: Buffer,
  at: number,
  segment: number,
  seed: number | undefined,
): Seal | undefined {
  const header = readRecordHeader(bytes, at);
  if (header === undefined || header.metaBytes !== sealMetaBytes || header.bodyBytes !== 0) {
    return undefined;
  }
  const seal = readSealMeta(bytes, at + recordHeaderBytes);
  if (seal.segment !== segment || seal.seed !== (seed ?? seal.seed)) return undefined;
  if (seal.parcelStart < segmentHeaderBytes) return undefined;
  return recordCrc(bytes, at, sealBytes, seal.seed) === header.crc ? seal : undefined;
}

function crcOfCrcs(crcs: readonly number[]): number {
  const bytes = Buffer.allocUnsafe(crcs.length * 4);
  for (let i = 0; i < crcs.length; i++) bytes.writeUInt32LE(crcs[i]!, i * 4);
  return crc32c(bytes);
}

/** A moving view of a file; views handed out stay right when it moves on. */
class FileWindow {
  readonly #file: DiskFile;
  readonly #to: number;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(file: DiskFile, to: number) {
    this.#file = file;
    this.#to = to;
  }

  has(offset: number, length: number): boolean {
    return offset >= this.#start && offset + length <= this.#start + this.#bytes.length;
  }

  async move(offset: number, length: number): Promise<void> {
    if (this.has(offset, length)) return;
    const wanted = Math.min(Math.max(windowBytes, length), Math.max(0, this.#to - offset));
    this.#bytes = view(await this.#file.read(offset, wanted));
    this.#start = offset;
  }

  /** `undefined` where the file ends before. */
  bytes(offset: number, length: number): Buffer | undefined {
    if (!this.has(offset, length)) return undefined;
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + length);
  }
}
