/**
 * The bytes of an event segment file: header, batches, footer and trailer.
 *
 *   header (32) │ batch │ batch │ … │ footer: directory, entries │ trailer (32)
 *
 * A batch is a header (24) and frames; a frame is lengths (6), the hashes of the keys the event is found by, and the
 * event as msgpack. The footer finds batches by key (`key-index.ts`). Only a segment that was closed has one.
 *
 * Runs in:   engine threads; pure. Numbers are little-endian.
 * Limits:    offsets are u32.
 * Invariant: every CRC-32C starts from that of the header (shard and number), so bytes of another file never pass.
 */

import { Buffer } from 'node:buffer';
import { crc32c } from '@node-rs/crc32';

export const fileHeaderBytes = 32;
export const batchHeaderBytes = 24;
export const frameHeaderBytes = 6;
export const trailerBytes = 32;

const formatVersion = 1;
const fileMagic = 0x74764543; // "CEvt" as stored
const batchMagic = 0x74614243; // "CBat"
const trailerMagic = 0x646e4543; // "CEnd"

export function encodeFileHeader(shard: number, number: number): Buffer {
  const bytes = Buffer.alloc(fileHeaderBytes);
  bytes.writeUInt32LE(fileMagic, 0);
  bytes.writeUInt32LE(formatVersion, 4);
  bytes.writeUInt32LE(shard, 8);
  bytes.writeUInt32LE(number, 12);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 28)), 28);
  return bytes;
}

/** Where the CRCs of a segment start. */
export function seedOf(shard: number, number: number): number {
  return encodeFileHeader(shard, number).readUInt32LE(28);
}

/** Fills in the header of a batch whose frames begin at `batchHeaderBytes`. */
export function finishBatch(batch: Buffer, eventCount: number, lastMs: number, seed: number): void {
  batch.writeUInt32LE(batchMagic, 0);
  batch.writeUInt32LE(batch.length - batchHeaderBytes, 8);
  batch.writeUInt32LE(eventCount, 12);
  batch.writeDoubleLE(lastMs, 16);
  batch.writeUInt32LE(crc32c(batch.subarray(8), seed), 4);
}

/** Length of the whole batch that begins here; 0 where none does. */
export function batchLength(header: Buffer): number {
  if (header.length < batchHeaderBytes || header.readUInt32LE(0) !== batchMagic) return 0;
  return batchHeaderBytes + header.readUInt32LE(8);
}

/** `batch` is as long as its header says. */
export function isWholeBatch(batch: Buffer, seed: number): boolean {
  return batch.readUInt32LE(4) === crc32c(batch.subarray(8), seed);
}

export function batchLastMs(batch: Buffer): number {
  return batch.readDoubleLE(16);
}

/** What a closed segment's last bytes tell of it. */
export interface Trailer {
  /** Where the footer begins: the end of the batches. */
  readonly footerAt: number;
  readonly entryCount: number;
  readonly bucketBits: number;
  readonly lastMs: number;
}

export function encodeTrailer(trailer: Trailer, seed: number): Buffer {
  const bytes = Buffer.alloc(trailerBytes);
  bytes.writeUInt32LE(trailerMagic, 0);
  bytes.writeUInt32LE(trailer.footerAt, 8);
  bytes.writeUInt32LE(trailer.entryCount, 12);
  bytes.writeUInt32LE(trailer.bucketBits, 16);
  bytes.writeDoubleLE(trailer.lastMs, 24);
  bytes.writeUInt32LE(crc32c(bytes.subarray(8), seed), 4);
  return bytes;
}

/** `undefined` where the segment was not closed in order. */
export function decodeTrailer(bytes: Buffer, seed: number): Trailer | undefined {
  if (bytes.length !== trailerBytes || bytes.readUInt32LE(0) !== trailerMagic) return undefined;
  if (bytes.readUInt32LE(4) !== crc32c(bytes.subarray(8), seed)) return undefined;
  return {
    footerAt: bytes.readUInt32LE(8),
    entryCount: bytes.readUInt32LE(12),
    bucketBits: bytes.readUInt32LE(16),
    lastMs: bytes.readDoubleLE(24),
  };
}

/** FNV-1a over UTF-16 units, mixed so that the high bits, which choose a footer's bucket, are as good as the low. */
export function keyHash(key: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x0100_0193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85eb_ca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2_ae35);
  // 0 stands for no key.
  return (hash ^ (hash >>> 16)) >>> 0 || 1;
}

/** Addresses are found in any case; ids are upper case throughout (`base/ids.ts`). */
export function addressKey(address: string): string {
  return address.toLowerCase();
}
