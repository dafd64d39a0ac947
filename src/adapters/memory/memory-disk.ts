/**
 * A file system in memory: for tests, and as the model of the real one. Everything written is
 * durable at once.
 *
 * Runs in:   any thread. Nothing outlives the process.
 * Limits:    `capacityBytes` over all files; a write past it takes nothing and fails with
 *            `no-space`.
 */

import { Buffer } from 'node:buffer';
import { byteLength, concat } from '../../base/bytes.ts';
import { type Disk, DiskError, type DiskFile, type OpenMode } from '../../ports/disk.ts';

class Content {
  bytes: Buffer = Buffer.alloc(0);
  size = 0;

  write(position: number, part: Uint8Array): void {
    const end = position + part.byteLength;
    if (end > this.bytes.length) {
      const grown = Buffer.alloc(Math.max(end, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.size);
      this.bytes = grown;
    }
    this.bytes.set(part, position);
    this.size = Math.max(this.size, end);
  }

  truncate(length: number): void {
    // What was cut must read as zeros when the file grows again.
    if (length < this.size) this.bytes.fill(0, length, this.size);
    else this.write(length, new Uint8Array(0));
    this.size = length;
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
    const { bytes, size } = this.#content;
    const end = Math.min(size, position + length);
    return position >= end ? new Uint8Array(0) : concat([bytes.subarray(position, end)]);
  }

  readNow(position: number, into: Uint8Array): number {
    const { bytes, size } = this.#content;
    const end = Math.min(size, position + into.byteLength);
    if (position >= end) return 0;
    into.set(bytes.subarray(position, end));
    return end - position;
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
