/**
 * The bytes of a side segment (a file that holds one large body) and of the record that names it.
 *
 * Runs in:   engine threads; pure.
 * Limits:    numbers of side segments are u32 with the highest bit set, so no journal segment has one.
 * Invariant: header and record say the same of the body: two CRC-32Cs, for what was put in front of it last and for
 *            the rest that was written as it came.
 *
 * Layout: header | gap | front | rest. The front ends where the rest begins; the gap before it holds nothing.
 */

import { Buffer } from 'node:buffer';
import { crc32c } from '@node-rs/crc32';
import type { RecordPlace, SideBody } from '../record.ts';

export const sideHeaderBytes = 64;
/** What stands in a record in the place of its body. */
export const sideNoteBytes = 24;
export const sideNumberMin = 0x8000_0000;

const sideMagic = 0x53484331; // "1CHS" as stored
const formatVersion = 1;
/** The body is sealed; how stands behind the header (`sealed-side.ts`). */
const sealedVersion = 2;
const noteAt = 12;
const crcAt = sideHeaderBytes - 4;

export function isSide(segment: number): boolean {
  return segment >= sideNumberMin;
}

export function sideName(number: number): string {
  return `${String(number - sideNumberMin).padStart(8, '0')}.body`;
}

/** The number of a side segment's file name, or `undefined` for any other name. */
export function sideOfName(name: string): number | undefined {
  return /^\d{8,10}\.body$/.test(name) ? sideNumberMin + Number.parseInt(name, 10) : undefined;
}

export function placeOfSide(sequence: number, side: SideBody): RecordPlace {
  const { segment, bodyOffset, bodyBytes } = side;
  return { sequence, segment, offset: bodyOffset, bytes: bodyBytes, bodyOffset, bodyBytes };
}

export function encodeNote(side: SideBody): Buffer {
  const bytes = Buffer.alloc(sideNoteBytes);
  writeNote(bytes, 0, side);
  return bytes;
}

function writeNote(to: Buffer, at: number, side: SideBody): void {
  to.writeUInt32LE(side.segment, at);
  to.writeUInt32LE(side.bodyOffset, at + 4);
  to.writeUInt32LE(side.bodyBytes, at + 8);
  to.writeUInt32LE(side.frontBytes, at + 12);
  to.writeUInt32LE(side.frontCrc, at + 16);
  to.writeUInt32LE(side.restCrc, at + 20);
}

export function readNote(from: Buffer, at: number): SideBody {
  return {
    segment: from.readUInt32LE(at),
    bodyOffset: from.readUInt32LE(at + 4),
    bodyBytes: from.readUInt32LE(at + 8),
    frontBytes: from.readUInt32LE(at + 12),
    frontCrc: from.readUInt32LE(at + 16),
    restCrc: from.readUInt32LE(at + 20),
  };
}

export function encodeSideHeader(shard: number, side: SideBody, isSealed = false): Buffer {
  const bytes = Buffer.alloc(sideHeaderBytes);
  bytes.writeUInt32LE(sideMagic, 0);
  bytes.writeUInt32LE(isSealed ? sealedVersion : formatVersion, 4);
  bytes.writeUInt32LE(shard, 8);
  writeNote(bytes, noteAt, side);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, crcAt)), crcAt);
  return bytes;
}

/** `undefined` where the bytes are no whole header of this format and shard. */
export function decodeSideHeader(bytes: Buffer, shard: number): SideBody | undefined {
  if (bytes.length < sideHeaderBytes || bytes.readUInt32LE(0) !== sideMagic) return undefined;
  if (bytes.readUInt32LE(crcAt) !== crc32c(bytes.subarray(0, crcAt))) return undefined;
  const version = bytes.readUInt32LE(4);
  if (version !== formatVersion && version !== sealedVersion) return undefined;
  return bytes.readUInt32LE(8) === shard ? readNote(bytes, noteAt) : undefined;
}

/** Of a header that was decoded. */
export function isSealedSide(header: Buffer): boolean {
  return header.readUInt32LE(4) === sealedVersion;
}

export function isSameSide(one: SideBody, other: SideBody): boolean {
  return (
    one.segment === other.segment &&
    one.bodyOffset === other.bodyOffset &&
    one.bodyBytes === other.bodyBytes &&
    one.frontBytes === other.frontBytes &&
    one.frontCrc === other.frontCrc &&
    one.restCrc === other.restCrc
  );
}
