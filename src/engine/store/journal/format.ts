/**
 * The bytes of a segment file: its header, the record header, and the seal that ends a parcel.
 *
 * Runs in:   engine threads; pure.
 * Limits:    segment number, epoch, offsets, meta and body lengths are u32; sequences are below
 *            2^53.
 * Invariant: a record's CRC-32C starts from the CRC of its segment's header (shard, segment, epoch,
 *            salt) and covers its own sequence, so a record of another life of the same file never
 *            passes.
 */

import { Buffer } from 'node:buffer';
import { crc32c } from '@node-rs/crc32';
import type { TenantId } from '../../../base/ids.ts';

const formatVersion = 1;
export const segmentHeaderBytes = 64;
export const recordHeaderBytes = 36;
export const sealMetaBytes = 24;
export const sealBytes = recordHeaderBytes + sealMetaBytes;

const segmentMagic = 0x4b484331; // "1CHK" as stored
const recordMagic = 0x63655243; // "CRec"
const sealMagic = 0x6c615343; // "CSal"
/** As it stands in the file: what a search for later seals looks for. */
export const sealMagicBytes = Buffer.from('CSal', 'latin1');

/** The `keptSequence` of a segment that goes on in the epoch of the one before. */
export const nothingCut = Number.MAX_SAFE_INTEGER;

/** A record that was copied from the end of an earlier segment, with its sequence. */
export const flagCopied = 1;
/** A record whose body is in a side segment: what stands in its place is a note of it (`side/format.ts`). */
export const flagSide = 2;
/** Meta and body are sealed (`vault/sealed-record.ts`) by the key that the header names. */
export const flagSealed = 4;

export interface SegmentHeader {
  readonly shard: number;
  readonly segment: number;
  readonly epoch: number;
  /** Random: nobody outside can write bytes that pass as records of this segment. */
  readonly salt: number;
  readonly firstSequence: number;
  /** The last sequence the journal held when this segment was opened: those above it were cut. */
  readonly knownSequence: number;
  /** The segment before this one, and where its valid records end; 0, 0 for the first. */
  readonly previousSegment: number;
  readonly previousEnd: number;
  /**
   * The least that openings since the segment before this one was left found the journal to hold;
   * `nothingCut` where there was none. Less than `knownSequence` where segments between were copied
   * whole and left the chain: sequences from there on were given out again.
   */
  readonly keptSequence: number;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  bytes.writeUInt32LE(segmentMagic, 0);
  bytes.writeUInt32LE(formatVersion, 4);
  bytes.writeUInt32LE(header.shard, 8);
  bytes.writeUInt32LE(header.segment, 12);
  bytes.writeUInt32LE(header.epoch, 16);
  bytes.writeUInt32LE(header.salt, 20);
  writeU53(bytes, header.firstSequence, 24);
  writeU53(bytes, header.knownSequence, 32);
  bytes.writeUInt32LE(header.previousSegment, 40);
  bytes.writeUInt32LE(header.previousEnd, 44);
  writeU53(bytes, header.keptSequence, 48);
  bytes.writeUInt32LE(headerCrc(bytes), segmentHeaderBytes - 4);
  return bytes;
}

/** `undefined` where the bytes are no whole header of this format. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < segmentHeaderBytes) return undefined;
  if (bytes.readUInt32LE(0) !== segmentMagic) return undefined;
  if (bytes.readUInt32LE(segmentHeaderBytes - 4) !== headerCrc(bytes)) return undefined;
  if (bytes.readUInt32LE(4) !== formatVersion) return undefined;
  return {
    shard: bytes.readUInt32LE(8),
    segment: bytes.readUInt32LE(12),
    epoch: bytes.readUInt32LE(16),
    salt: bytes.readUInt32LE(20),
    firstSequence: readU53(bytes, 24),
    knownSequence: readU53(bytes, 32),
    previousSegment: bytes.readUInt32LE(40),
    previousEnd: bytes.readUInt32LE(44),
    keptSequence: readU53(bytes, 48),
  };
}

/** Where the CRC of every record in a segment starts. */
export function seedOf(header: SegmentHeader): number {
  return encodeSegmentHeader(header).readUInt32LE(segmentHeaderBytes - 4);
}

export interface RecordHeader {
  readonly crc: number;
  readonly isSeal: boolean;
  readonly metaBytes: number;
  readonly bodyBytes: number;
  readonly type: number;
  readonly flags: number;
  readonly tenant: TenantId;
  readonly sequence: number;
  /** Of a sealed record: whose key, and which. */
  readonly account: number;
  readonly keyVersion: number;
}

/** Writes all but the CRC, which needs the body too. Account and version of the key are 0 for a clear record. */
export function writeRecordHeader(
  to: Buffer,
  offset: number,
  isSeal: boolean,
  type: number,
  flags: number,
  tenant: number,
  sequence: number,
  metaBytes: number,
  bodyBytes: number,
  account = 0,
  keyVersion = 0,
): void {
  to.writeUInt32LE(isSeal ? sealMagic : recordMagic, offset);
  to.writeUInt32LE(metaBytes, offset + 8);
  to.writeUInt32LE(bodyBytes, offset + 12);
  // Type, flags and the key's version in one write.
  to.writeUInt32LE(type + flags * 256 + keyVersion * 65_536, offset + 16);
  to.writeUInt32LE(account, offset + 20);
  to.writeUInt32LE(tenant, offset + 24);
  writeU53(to, sequence, offset + 28);
}

export function readRecordHeader(from: Buffer, offset: number): RecordHeader | undefined {
  const magic = from.readUInt32LE(offset);
  if (magic !== recordMagic && magic !== sealMagic) return undefined;
  return {
    crc: from.readUInt32LE(offset + 4),
    isSeal: magic === sealMagic,
    metaBytes: from.readUInt32LE(offset + 8),
    bodyBytes: from.readUInt32LE(offset + 12),
    type: from.readUInt8(offset + 16),
    flags: from.readUInt8(offset + 17),
    keyVersion: from.readUInt16LE(offset + 18),
    account: from.readUInt32LE(offset + 20),
    tenant: from.readUInt32LE(offset + 24) as TenantId,
    sequence: readU53(from, offset + 28),
  };
}

/** CRC of a whole record lying at `offset`, `bytes` long. */
export function recordCrc(from: Buffer, offset: number, bytes: number, seed: number): number {
  return crc32c(from.subarray(offset + 8, offset + bytes), seed);
}

export interface Seal {
  readonly parcelStart: number;
  readonly recordCount: number;
  /** CRC-32C over the CRCs of the parcel's records, in order. */
  readonly recordsCrc: number;
  readonly seed: number;
  readonly segment: number;
  readonly epoch: number;
}

export function writeSealMeta(to: Buffer, offset: number, seal: Seal): void {
  to.writeUInt32LE(seal.parcelStart, offset);
  to.writeUInt32LE(seal.recordCount, offset + 4);
  to.writeUInt32LE(seal.recordsCrc, offset + 8);
  to.writeUInt32LE(seal.seed, offset + 12);
  to.writeUInt32LE(seal.segment, offset + 16);
  to.writeUInt32LE(seal.epoch, offset + 20);
}

export function readSealMeta(from: Buffer, offset: number): Seal {
  return {
    parcelStart: from.readUInt32LE(offset),
    recordCount: from.readUInt32LE(offset + 4),
    recordsCrc: from.readUInt32LE(offset + 8),
    seed: from.readUInt32LE(offset + 12),
    segment: from.readUInt32LE(offset + 16),
    epoch: from.readUInt32LE(offset + 20),
  };
}

export function segmentName(segment: number): string {
  return `${String(segment).padStart(8, '0')}.seg`;
}

/** What a segment's file is called between two lives. */
export function spareName(segmentPath: string): string {
  return segmentPath.replace(/\.seg$/, '.free');
}

export function isSpareName(name: string): boolean {
  return /^\d{8,10}\.free$/.test(name);
}

/** The number of a segment file's name, or `undefined` for any other name. */
export function segmentOfName(name: string): number | undefined {
  return /^\d{8,10}\.seg$/.test(name) ? Number.parseInt(name, 10) : undefined;
}

function headerCrc(bytes: Buffer): number {
  return crc32c(bytes.subarray(0, segmentHeaderBytes - 4));
}

function writeU53(to: Buffer, value: number, offset: number): void {
  to.writeUInt32LE(value >>> 0, offset);
  to.writeUInt32LE(Math.floor(value / 0x1_0000_0000), offset + 4);
}

function readU53(from: Buffer, offset: number): number {
  return from.readUInt32LE(offset) + from.readUInt32LE(offset + 4) * 0x1_0000_0000;
}
