/**
 * The file system of this machine behind the port `Disk`.
 *
 * Runs in:   engine threads and offline commands.
 * Limits:    one vectored write is one system call of at most 1,024 parts (IOV_MAX); libuv splits
 *            above it. What is at most `smallBytesMax` is written in the caller's thread: into the
 *            page cache, 10 µs, where libuv's pool costs 60 µs of CPU and two wakings. Syncs never are.
 * Invariant: raw descriptors and callbacks: a FileHandle costs a promise and an object per call
 *            more.
 */

import * as fs from 'node:fs';
import { byteLength } from '../../base/bytes.ts';
import {
  type Disk,
  DiskError,
  type DiskFault,
  type DiskFile,
  type OpenMode,
} from '../../ports/disk.ts';

/** Below a piece of what a journal is filled with. */
const smallBytesMax = 60 * 1_024;
const smallPartsMax = 64;
const folderMode = 0o700;
const fileMode = 0o600;

const flagsOf: Readonly<Record<OpenMode, number>> = {
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
  write: fs.constants.O_RDWR,
  read: fs.constants.O_RDONLY,
};

const faultOf: Readonly<Record<string, DiskFault>> = {
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  EEXIST: 'exists',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
};

export const nodeDisk: Disk = {
  open: async (path, mode) => new RealFile(path, await openDescriptor(path, mode)),
  list: async (folder) => (await call<string[]>(folder, (done) => fs.readdir(folder, done))).sort(),
  makeFolder: (path) =>
    call<void>(path, (done) =>
      fs.mkdir(path, { recursive: true, mode: folderMode }, (error) => done(error)),
    ),
  async syncFolder(path) {
    const descriptor = await call<number>(path, (done) => fs.open(path, 'r', done));
    try {
      await call<void>(path, (done) => fs.fsync(descriptor, done));
    } finally {
      await call<void>(path, (done) => fs.close(descriptor, done));
    }
  },
  rename: (from, to) => call<void>(from, (done) => fs.rename(from, to, done)),
  remove: (path) => call<void>(path, (done) => fs.unlink(path, done)),
  async freeBytes(path) {
    const facts = await call<fs.StatsFs>(path, (done) => fs.statfs(path, done));
    return facts.bavail * facts.bsize;
  },
};

class RealFile implements DiskFile {
  readonly path: string;
  readonly #descriptor: number;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  async size(): Promise<number> {
    const facts = await call<fs.Stats>(this.path, (done) => fs.fstat(this.#descriptor, done));
    return facts.size;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(length);
    let got = 0;
    while (got < length) {
      const count = await call<number>(this.path, (done) =>
        fs.read(this.#descriptor, bytes, got, length - got, position + got, done),
      );
      if (count === 0) break;
      got += count;
    }
    return bytes.subarray(0, got);
  }

  readNow(position: number, into: Uint8Array): number {
    let got = 0;
    try {
      while (got < into.byteLength) {
        const left = into.byteLength - got;
        const count = fs.readSync(this.#descriptor, into, got, left, position + got);
        if (count === 0) break;
        got += count;
      }
    } catch (error) {
      throw translate(this.path, error as NodeJS.ErrnoException);
    }
    return got;
  }

  async write(position: number, parts: readonly Uint8Array[]): Promise<void> {
    const left = isSmall(parts) ? this.#writeNow(position, parts) : parts;
    if (left.length === 0) return;
    await this.#writeRest(position + byteLength(parts) - byteLength(left), left);
  }

  /** What one call did not take. */
  #writeNow(position: number, parts: readonly Uint8Array[]): readonly Uint8Array[] {
    try {
      return after(parts, fs.writevSync(this.#descriptor, parts as Uint8Array[], position));
    } catch (error) {
      throw translate(this.path, error as NodeJS.ErrnoException);
    }
  }

  #writeRest(position: number, parts: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      writeAll(this.#descriptor, position, parts, (error) => {
        if (error === null) resolve();
        else reject(translate(this.path, error));
      });
    });
  }

  sync(): Promise<void> {
    return call<void>(this.path, (done) => fs.fdatasync(this.#descriptor, done));
  }

  truncate(length: number): Promise<void> {
    return call<void>(this.path, (done) => fs.ftruncate(this.#descriptor, length, done));
  }

  close(): Promise<void> {
    return call<void>(this.path, (done) => fs.close(this.#descriptor, done));
  }
}

type Done<T> = (error: NodeJS.ErrnoException | null, value?: T) => void;

function call<T>(path: string, start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error !== null && error !== undefined) reject(translate(path, error));
      else resolve(value as T);
    });
  });
}

function openDescriptor(path: string, mode: OpenMode): Promise<number> {
  return call<number>(path, (done) => fs.open(path, flagsOf[mode], fileMode, done));
}

/**
 * A short write goes on with what is left; a write of nothing is a fault, or it would go on for
 * ever.
 */
function writeAll(
  descriptor: number,
  position: number,
  parts: readonly Uint8Array[],
  done: (error: Error | null) => void,
): void {
  fs.writev(descriptor, parts as Uint8Array[], position, (error, written) => {
    if (error !== null) return done(error);
    const left = after(parts, written);
    if (left.length === 0) return done(null);
    if (written === 0) return done(new Error('a write took nothing'));
    writeAll(descriptor, position + written, left, done);
  });
}

function isSmall(parts: readonly Uint8Array[]): boolean {
  return parts.length <= smallPartsMax && byteLength(parts) <= smallBytesMax;
}

function after(parts: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let skipped = 0;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (skipped + part.byteLength > written) {
      return [part.subarray(written - skipped), ...parts.slice(i + 1)];
    }
    skipped += part.byteLength;
  }
  return [];
}

function translate(path: string, error: NodeJS.ErrnoException): DiskError {
  return new DiskError(faultOf[error.code ?? ''] ?? 'io', path, { cause: error });
}
