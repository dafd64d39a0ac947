/**
 * Unpacks what an aggregate report comes in: XML as it is, by gzip, or in a zip archive.
 *
 * Runs in:   anywhere; pure, and blocks for as long as `reportBytesMax` take.
 * Specs:     RFC 9990 §3.5.2 (gzip; zip is what many still send), RFC 1952, PKWARE APPNOTE §4.3.
 * Limits:    `reportBytesMax` of XML, whatever was said of its size; `entriesMax` files of an archive are looked at.
 * Invariant: never throws.
 */

import type { Buffer } from 'node:buffer';
import { gunzipSync, inflateRawSync } from 'node:zlib';
import { view } from '../../../base/bytes.ts';
import { reportBytesMax } from './parse.ts';

export const entriesMax = 20;
const endRecord = 0x06054b50;
const endBytes = 22;
const endSearchBytesMax = endBytes + 65_535;
const entryRecord = 0x02014b50;
const entryBytes = 46;
const localRecord = 0x04034b50;
const localBytes = 30;
const stored = 0;
const deflated = 8;

/** XML, as far as can be told; undefined: it cannot be unpacked, or is more than a report. */
export function unpackReport(bytes: Uint8Array): Uint8Array | undefined {
  const given = view(bytes);
  try {
    if (given[0] === 0x1f && given[1] === 0x8b) {
      // Some packers pack twice.
      const once = gunzipSync(given, { maxOutputLength: reportBytesMax });
      return once[0] === 0x1f && once[1] === 0x8b
        ? gunzipSync(once, { maxOutputLength: reportBytesMax })
        : once;
    }
    if (given.length > 4 && given.readUInt32LE(0) === localRecord) return unzipped(given);
  } catch {
    return undefined;
  }
  return given.length <= reportBytesMax ? given : undefined;
}

/** The first file that may be XML. */
function unzipped(archive: Buffer): Uint8Array | undefined {
  let at = directoryOf(archive);
  for (let count = 0; count < entriesMax && at >= 0; count++) {
    if (at + entryBytes > archive.length || archive.readUInt32LE(at) !== entryRecord) break;
    const nameLength = archive.readUInt16LE(at + 28);
    const name = archive.toString('latin1', at + entryBytes, at + entryBytes + nameLength);
    if (/\.xml$/i.test(name) || archive.readUInt16LE(at + 8) === 0) {
      const found = entryOf(archive, at);
      if (found !== undefined && !name.endsWith('/')) return found;
    }
    at += entryBytes + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return undefined;
}

/** Where the list of files starts; -1: it is no archive. */
function directoryOf(archive: Buffer): number {
  const least = Math.max(0, archive.length - endSearchBytesMax);
  for (let at = archive.length - endBytes; at >= least; at--) {
    if (archive.readUInt32LE(at) === endRecord) return archive.readUInt32LE(at + 16);
  }
  return -1;
}

function entryOf(archive: Buffer, at: number): Uint8Array | undefined {
  const method = archive.readUInt16LE(at + 10);
  const packedBytes = archive.readUInt32LE(at + 20);
  const start = archive.readUInt32LE(at + 42);
  if (archive.readUInt32LE(start) !== localRecord) return undefined;
  const nameBytes = archive.readUInt16LE(start + 26);
  const from = start + localBytes + nameBytes + archive.readUInt16LE(start + 28);
  const packed = archive.subarray(from, from + packedBytes);
  if (method === stored) return packed.length <= reportBytesMax ? packed : undefined;
  if (method !== deflated) return undefined;
  return inflateRawSync(packed, { maxOutputLength: reportBytesMax });
}
