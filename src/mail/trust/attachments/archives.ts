/**
 * What is in an archive: names, and whether they are locked. ZIP is read whole; of RAR and 7z it is said only whether
 * they are encrypted, as far as their headers tell.
 *
 * Runs in:   engine threads and jobs; a ZIP's files are inflated within what the caller allows.
 * Specs:     APPNOTE.TXT 6.3.10 §4.3 (ZIP), RAR 5.0 archive format (headers), 7zFormat.txt (AES is coder 06F10701).
 */

import { Buffer } from 'node:buffer';
import { type Entry, fromBuffer, type ZipFile } from 'yauzl';
import { concat, view } from '../../../base/bytes.ts';

export interface ZipEntry {
  readonly name: string;
  readonly bytes: number;
  readonly isLocked: boolean;
  /** At most `bytesMax`; undefined: it is larger, locked, or cannot be read. */
  read(bytesMax: number): Promise<Uint8Array | undefined>;
}

/** Hands out entries until `use` answers false. @throws Error where the archive is damaged */
export async function eachZipEntry(
  bytes: Uint8Array,
  use: (entry: ZipEntry) => Promise<boolean>,
): Promise<void> {
  const zip = await opened(bytes);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  zip.on('error', reject);
  zip.on('end', () => resolve());
  zip.on('entry', (entry: Entry) => {
    use(entryOf(zip, entry)).then((goesOn) => {
      if (goesOn) zip.readEntry();
      else resolve();
    }, reject);
  });
  zip.readEntry();
  try {
    await promise;
  } finally {
    zip.close();
  }
}

function opened(bytes: Uint8Array): Promise<ZipFile> {
  // Names stay bytes: what the library finds wrong with one is for whoever opens it to fall for.
  const options = { lazyEntries: true, autoClose: false, decodeStrings: false };
  return new Promise((resolve, reject) => {
    fromBuffer(view(bytes), options, (error, zip) =>
      error === null ? resolve(zip) : reject(error),
    );
  });
}

function entryOf(zip: ZipFile, entry: Entry): ZipEntry {
  const name = Buffer.from(entry.fileNameRaw).toString('utf8');
  const isLocked = entry.isEncrypted();
  return {
    name,
    bytes: entry.uncompressedSize,
    isLocked,
    read: async (bytesMax) => {
      if (isLocked || entry.uncompressedSize > bytesMax) return undefined;
      return await inflated(zip, entry, bytesMax).catch(() => undefined);
    },
  };
}

function inflated(zip: ZipFile, entry: Entry, bytesMax: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error !== null) return reject(error);
      const parts: Buffer[] = [];
      let bytes = 0;
      stream.on('data', (part: Buffer) => {
        bytes += part.length;
        // Its header told less.
        if (bytes > bytesMax) {
          stream.destroy();
          resolve(undefined);
        } else parts.push(part);
      });
      stream.on('error', reject);
      stream.on('end', () => resolve(concat(parts)));
    });
  });
}

const sevenZipAes = Buffer.from([0x06, 0xf1, 0x07, 0x01]);
const rar5Magic = 7;
const rarHeadersMax = 1_000;

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
  while (at < end) {
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
