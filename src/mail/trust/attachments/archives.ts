/**
 * Whether a RAR or 7z archive is locked, as far as its headers tell.
 *
 * Runs in:   engine threads and jobs; linear.
 * Specs:     RAR 5.0 archive format (headers), 7zFormat.txt (AES is coder 06F10701).
 * Limits:    `rarHeadersMax` headers, `rarRecordsMax` records of one.
 */

import { Buffer } from 'node:buffer';
import { view } from '../../../base/bytes.ts';

const sevenZipAes = Buffer.from([0x06, 0xf1, 0x07, 0x01]);
const rar5Magic = 7;
const rarHeadersMax = 1_000;
const rarRecordsMax = 100;

/** By its headers at the end, as far as they are not packed themselves. */
export function isLockedSevenZip(bytes: Uint8Array): boolean {
  const all = view(bytes);
  if (all.length < 32) return false;
  const start = 32 + Number(all.readBigUInt64LE(12));
  return start < all.length && all.includes(sevenZipAes, start);
}

export function isLockedRar(bytes: Uint8Array): boolean {
  const all = view(bytes);
  return all[6] === 0 ? isLockedRar4(all) : isLockedRar5(all);
}

/** HEAD_CRC, HEAD_TYPE, HEAD_FLAGS, HEAD_SIZE; ADD_SIZE where flag 0x8000 says so. */
function isLockedRar4(all: Buffer): boolean {
  let at = rar5Magic;
  for (let count = 0; count < rarHeadersMax && at + 11 <= all.length; count++) {
    const type = all[at + 2];
    const flags = all.readUInt16LE(at + 3);
    const size = all.readUInt16LE(at + 5);
    if (type === 0x73 && (flags & 0x80) !== 0) return true;
    if (type === 0x74 && (flags & 0x04) !== 0) return true;
    if (type === 0x7b || size < 7) return false;
    at += size + (type === 0x74 || (flags & 0x8000) !== 0 ? all.readUInt32LE(at + 7) : 0);
  }
  return false;
}

/** CRC, then numbers of 7 bits a byte: size of the header, type, flags, sizes of extra area and data. */
function isLockedRar5(all: Buffer): boolean {
  let at = rar5Magic + 1;
  for (let count = 0; count < rarHeadersMax; count++) {
    const size = numberAt(all, at + 4);
    if (size === undefined) return false;
    const type = numberAt(all, size.end);
    const flags = type && numberAt(all, type.end);
    if (type === undefined || flags === undefined) return false;
    if (type.value === 4) return true;
    if (type.value === 5) return false;
    const extra = (flags.value & 1) === 0 ? undefined : numberAt(all, flags.end);
    const data = (flags.value & 2) === 0 ? undefined : numberAt(all, (extra ?? flags).end);
    const end = size.end + size.value;
    if (type.value === 2 && extra !== undefined && isLockedExtra(all, end - extra.value, end)) {
      return true;
    }
    at = end + (data?.value ?? 0);
  }
  return false;
}

/** Records of size, type and data; type 1 is encryption. */
function isLockedExtra(all: Buffer, start: number, end: number): boolean {
  let at = start;
  for (let count = 0; count < rarRecordsMax && at < end; count++) {
    const size = numberAt(all, at);
    const type = size && numberAt(all, size.end);
    if (size === undefined || type === undefined || size.value === 0) return false;
    if (type.value === 1) return true;
    at = size.end + size.value;
  }
  return false;
}

function numberAt(
  all: Buffer,
  start: number,
): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let i = 0; i < 6; i++) {
    const byte = all[start + i];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: start + i + 1 };
  }
  return undefined;
}
