/**
 * What is in a ZIP archive, whatever is wrong with it.
 *
 * Runs in:   engine threads and jobs; linear in the archive's bytes.
 * Specs:     APPNOTE.TXT 6.3.10 §4.3 (headers), §4.4.4 (locked entries), §4.6.9 (Unicode names).
 * Limits:    `entriesMax` headers of either kind; the last `nameBytesMax` bytes of a name; of an entry as much is inflated
 *            as says what it is.
 * Invariant: headers are found by their signatures, in the directory and before files alike: programs that open
 *            archives differ in which they believe, and pass over what a strict reader would stop at. Never throws.
 */

import { Buffer } from 'node:buffer';
import { promisify } from 'node:util';
import { constants, inflateRaw, inflateRawSync } from 'node:zlib';
import { emptyBytes, view } from '../../../base/bytes.ts';

export interface ZipEntry {
  /** As its header says, and as a field beside it says. */
  readonly names: readonly string[];
  readonly isLocked: boolean;
  /** Absent: the directory names it. */
  readonly file?: ZipFile;
}

export interface ZipFile {
  /** Its beginning; empty: it cannot be read. */
  head(): Uint8Array;
  /** At most `bytesMax`; undefined: it is larger, or cannot be read. */
  read(bytesMax: number): Promise<Uint8Array | undefined>;
}

const directorySignature = Buffer.from('PK\x01\x02', 'latin1');
const fileSignature = Buffer.from('PK\x03\x04', 'latin1');
const endSignature = Buffer.from('PK\x05\x06', 'latin1');
const directoryBytes = 46;
const fileBytes = 30;
const endBytes = 22;
/** A comment may follow, and what does not belong there. */
const tailBytes = 65_535 + 4_096;
/** Locked, locked by the newer way, and with a masked header. */
const lockedFlags = 0x1 | 0x40 | 0x2000;
const unicodePath = 0x7075;
const unknownSize = 0xffffffff;
/** Headers may lie in each other's names. */
const nameBytesMax = 1_024;
/** Inflated until there is enough: a little of what packs well is much. */
const headSteps = [32, 96, 256];
const headEnough = 64;
const inflated = promisify(inflateRaw);

/** Whether a directory of an archive ends near the end. */
export function hasZipEnd(bytes: Uint8Array): boolean {
  const all = view(bytes);
  const from = Math.max(0, all.length - tailBytes - endBytes);
  return all.subarray(from).includes(endSignature);
}

/** The directory's first. Undefined in place of what is over `entriesMax` of either kind. */
export function* zipEntries(
  bytes: Uint8Array,
  entriesMax: number,
): Generator<ZipEntry | undefined, void> {
  const all = view(bytes);
  /** By name: a file that was written as it came has no size before it. */
  const sizes = new Map<string, number>();
  let count = 0;
  for (const at of found(all, directorySignature, directoryBytes)) {
    if (++count > entriesMax) {
      yield undefined;
      break;
    }
    const start = at + directoryBytes;
    const entry = entryAt(all, start, all.readUInt16LE(at + 28), all.readUInt16LE(at + 30));
    sizes.set(entry.names[0]!, all.readUInt32LE(at + 20));
    yield { ...entry, isLocked: (all.readUInt16LE(at + 8) & lockedFlags) !== 0 };
  }
  count = 0;
  for (const at of found(all, fileSignature, fileBytes)) {
    if (++count > entriesMax) {
      yield undefined;
      break;
    }
    const start = at + fileBytes;
    const entry = entryAt(all, start, all.readUInt16LE(at + 26), all.readUInt16LE(at + 28));
    const isLocked = (all.readUInt16LE(at + 6) & lockedFlags) !== 0;
    const said = all.readUInt32LE(at + 18) || (sizes.get(entry.names[0]!) ?? 0);
    const packed = all.subarray(entry.end, said === unknownSize ? undefined : entry.end + said);
    const method = all.readUInt16LE(at + 8);
    yield { ...entry, isLocked, file: fileOf(packed, isLocked ? -1 : method) };
  }
}

function* found(all: Buffer, signature: Buffer, headerBytes: number): Generator<number, void> {
  let at = all.indexOf(signature);
  while (at >= 0 && at + headerBytes <= all.length) {
    yield at;
    at = all.indexOf(signature, at + signature.length);
  }
}

/** Name and extra fields follow each other in either header. */
function entryAt(all: Buffer, start: number, nameBytes: number, extraBytes: number) {
  const extraStart = start + nameBytes;
  const end = extraStart + extraBytes;
  const name = nameAt(all, start, extraStart);
  const other = unicodeName(all.subarray(extraStart, end));
  return { names: other === undefined ? [name] : [name, other], end };
}

/** After its version and the checksum of the other name. */
function unicodeName(extra: Buffer): string | undefined {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== unicodePath) continue;
    return nameAt(extra, at + 9, at + 4 + extra.readUInt16LE(at + 2));
  }
  return undefined;
}

function nameAt(all: Buffer, start: number, end: number): string {
  return all.toString('utf8', Math.max(start, end - nameBytesMax), end);
}

const stored = 0;
const deflated = 8;

function fileOf(packed: Buffer, method: number): ZipFile {
  if (method === stored) {
    return {
      head: () => packed.subarray(0, headEnough),
      read: async (bytesMax) => (packed.length > bytesMax ? undefined : packed),
    };
  }
  if (method !== deflated) return { head: () => emptyBytes, read: async () => undefined };
  return {
    head: () => inflatedHead(packed),
    read: async (bytesMax) => {
      if (bytesMax <= 0) return undefined;
      return await inflated(packed, { maxOutputLength: bytesMax }).catch(() => undefined);
    },
  };
}

function inflatedHead(packed: Buffer): Uint8Array {
  let head = emptyBytes;
  for (const bytes of headSteps) {
    head = inflatedPart(packed.subarray(0, bytes));
    if (head.byteLength >= headEnough || bytes >= packed.length) break;
  }
  return head;
}

function inflatedPart(packed: Buffer): Uint8Array {
  try {
    return inflateRawSync(packed, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return emptyBytes;
  }
}
