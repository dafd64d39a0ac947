/**
 * A file system in memory: for tests, and as the model of the real one. Everything written is
 * durable at once.
 *
 * Runs in:   any thread. Nothing outlives the process.
 * Limits:    `capacityBytes` over all files; a write past it takes nothing and fails with
 *            `no-space`.
 */

import { Buffer } from 'node:buffer';
import { byteLength } from '../../base/bytes.ts';
import { kibibyte } from '../../base/units.ts';
import { type Disk, DiskError, type DiskFile, type OpenMode } from '../../ports/disk.ts';

/** Files grow by as much: nothing that was written is copied for it, and no file takes much more than it holds. */
const pageBytes = 64 * kibibyte;

class Content {
  readonly #pages: Buffer[] = [];
  size = 0;

  /** Into all of `into`, which ends where the file does at the latest. */
  read(position: number, into: Uint8Array): void {
    let done = 0;
    while (done < into.byteLength) {
      const at = (position + done) % pageBytes;
      const page = this.#pages[Math.floor((position + done) / pageBytes)]!;
      const piece = page.subarray(at, at + into.byteLength - done);
      into.set(piece, done);
      done += piece.byteLength;
    }
  }

  write(position: number, part: Uint8Array): void {
    this.#reserve(position + part.byteLength);
    let done = 0;
    while (done < part.byteLength) {
      const at = (position + done) % pageBytes;
      const page = this.#pages[Math.floor((position + done) / pageBytes)]!;
      const count = Math.min(pageBytes - at, part.byteLength - done);
      page.set(part.subarray(done, done + count), at);
      done += count;
    }
    this.size = Math.max(this.size, position + part.byteLength);
  }

  truncate(length: number): void {
    this.#reserve(length);
    this.#pages.length = Math.ceil(length / pageBytes);
    // What was cut must read as zeros when the file grows again.
    if (length % pageBytes > 0) this.#pages.at(-1)!.fill(0, length % pageBytes);
    this.size = length;
  }

  #reserve(end: number): void {
    while (this.#pages.length * pageBytes < end) this.#pages.push(Buffer.alloc(pageBytes));
  }
}

export class MemoryDisk implements Disk {
  readonly #files = new Map<string, Content>();
  readonly #folders = new Set<string>(['/', '.']);
  readonly #capacityBytes: number;

  constructor(capacityBytes = Number.MAX_SAFE_INTEGER) {
    this.#capacityBytes = capacityBytes;
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    let content = this.#files.get(path);
    if (mode === 'create') {
      if (content !== undefined) throw new DiskError('exists', path);
      if (!this.#folders.has(parentOf(path))) throw new DiskError('missing', path);
      content = new Content();
      this.#files.set(path, content);
    }
    if (content === undefined) throw new DiskError('missing', path);
    return new MemoryFile(path, content, mode, () => this.#freeBytes());
  }

  async list(folder: string): Promise<readonly string[]> {
    if (!this.#folders.has(folder)) throw new DiskError('missing', folder);
    const names: string[] = [];
    for (const path of [...this.#files.keys(), ...this.#folders]) {
      if (path !== folder && parentOf(path) === folder) names.push(nameOf(path));
    }
    return names.sort();
  }

  async makeFolder(path: string): Promise<void> {
    for (let folder = path; !this.#folders.has(folder); folder = parentOf(folder)) {
      this.#folders.add(folder);
    }
  }

  async syncFolder(path: string): Promise<void> {
    if (!this.#folders.has(path)) throw new DiskError('missing', path);
  }

  async rename(from: string, to: string): Promise<void> {
    const content = this.#files.get(from);
    if (content === undefined) throw new DiskError('missing', from);
    this.#files.delete(from);
    this.#files.set(to, content);
  }

  async remove(path: string): Promise<void> {
    if (!this.#files.delete(path)) throw new DiskError('missing', path);
  }

  async freeBytes(_path: string): Promise<number> {
    return this.#freeBytes();
  }

  #freeBytes(): number {
    let used = 0;
    for (const content of this.#files.values()) used += content.size;
    return this.#capacityBytes - used;
  }
}

class MemoryFile implements DiskFile {
  readonly path: string;
  readonly #content: Content;
  readonly #mode: OpenMode;
  readonly #freeBytes: () => number;

  constructor(path: string, content: Content, mode: OpenMode, freeBytes: () => number) {
    this.path = path;
    this.#content = content;
    this.#mode = mode;
    this.#freeBytes = freeBytes;
  }

  async size(): Promise<number> {
    return this.#content.size;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.#content.size - position)));
    this.#content.read(position, bytes);
    return bytes;
  }

  readNow(position: number, into: Uint8Array): number {
    const count = Math.max(0, Math.min(into.byteLength, this.#content.size - position));
    this.#content.read(position, into.subarray(0, count));
    return count;
  }

  async write(position: number, parts: readonly Uint8Array[]): Promise<void> {
    if (this.#mode === 'read') throw new DiskError('io', this.path);
    const grows = position + byteLength(parts) - this.#content.size;
    if (grows > 0 && grows > this.#freeBytes()) throw new DiskError('no-space', this.path);
    let at = position;
    for (const part of parts) {
      this.#content.write(at, part);
      at += part.byteLength;
    }
  }

  async sync(): Promise<void> {}

  async truncate(length: number): Promise<void> {
    if (this.#mode === 'read') throw new DiskError('io', this.path);
    this.#content.truncate(length);
  }

  async close(): Promise<void> {}
}

function parentOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at === -1 ? '.' : at === 0 ? '/' : path.slice(0, at);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
