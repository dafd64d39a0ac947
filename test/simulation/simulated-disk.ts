/**
 * A disk that loses power on purpose: `cutPower` keeps any part of what was not synced.
 *
 * A file is rows of 4 kB blocks. Every state a block went through since the last sync of its file
 * may be the one that survives, each block for itself; the same holds for each name of a folder
 * since the last `syncFolder`: so a rename may leave the old name, the new one, both or none. A
 * file's size survives as far as its blocks do. Faults can be planned: short writes that end in
 * `no-space` or `io`, syncs that fail and leave the blocks clean in memory and stale on the
 * platter, as Linux does.
 */

import { Buffer } from 'node:buffer';
import { byteLength, concat } from '../../src/base/bytes.ts';
import {
  type Disk,
  DiskError,
  type DiskFault,
  type DiskFile,
  type OpenMode,
} from '../../src/ports/disk.ts';

const blockBytes = 4_096;

/** A number in [0, 1). */
export type Chance = () => number;

export interface DiskPlan {
  /** Asked before each call: true cuts the power there. */
  readonly onCall?: () => boolean;
  /** Asked before each write: a fault makes it stop part-way. */
  readonly onWrite?: (path: string, bytes: number) => DiskFault | undefined;
  readonly onSync?: (path: string) => DiskFault | undefined;
  readonly freeBytes?: () => number;
}

interface Block {
  bytes: Buffer;
  /** What the platter may hold instead: the state at the last sync, and all between. */
  older: (Buffer | undefined)[];
  /**
   * A failed sync left it clean in memory: only `older[0]` is on the platter, and no later sync
   * changes that.
   */
  isSpoiled: boolean;
}

class SimulatedContent {
  readonly blocks = new Map<number, Block>();
  size = 0;
  sizes: number[] = [];

  write(position: number, bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const number = Math.floor((position + at) / blockBytes);
      const within = (position + at) % blockBytes;
      const length = Math.min(blockBytes - within, bytes.length - at);
      const known = this.blocks.get(number);
      const next = Buffer.alloc(blockBytes);
      known?.bytes.copy(next);
      bytes.copy(next, within, at, at + length);
      const older = [...(known?.older ?? [])];
      if (known?.isSpoiled !== true) older.push(known?.bytes);
      this.blocks.set(number, { bytes: next, older, isSpoiled: false });
      at += length;
    }
    this.resize(Math.max(this.size, position + bytes.length));
  }

  resize(size: number): void {
    if (size === this.size) return;
    this.sizes.push(this.size);
    this.size = size;
  }

  /** What is cut off reads as zeros when the file grows again. */
  truncate(size: number): void {
    if (size < this.size) this.write(size, Buffer.alloc(this.size - size));
    this.resize(size);
  }

  read(position: number, length: number): Uint8Array {
    const end = Math.min(this.size, position + length);
    const bytes = Buffer.alloc(Math.max(0, end - position));
    for (let at = position; at < end; ) {
      const within = at % blockBytes;
      const part = Math.min(blockBytes - within, end - at);
      this.blocks
        .get(Math.floor(at / blockBytes))
        ?.bytes.copy(bytes, at - position, within, within + part);
      at += part;
    }
    return bytes;
  }

  sync(): void {
    for (const block of this.blocks.values()) if (!block.isSpoiled) block.older = [];
    this.sizes = [];
  }

  /** The states in memory pass for clean from now on, whatever the platter holds. */
  spoil(chance: Chance): void {
    for (const block of this.blocks.values()) {
      if (block.older.length === 0 || block.isSpoiled) continue;
      block.older = [pick([...block.older, block.bytes], chance)];
      block.isSpoiled = true;
    }
  }

  survive(chance: Chance): SimulatedContent {
    const survivor = new SimulatedContent();
    survivor.size = pick([...this.sizes, this.size], chance);
    for (const [number, block] of this.blocks) {
      const states = block.isSpoiled ? block.older : [...block.older, block.bytes];
      const bytes = pick(states, chance);
      if (bytes === undefined) continue;
      survivor.blocks.set(number, { bytes, older: [], isSpoiled: false });
      // A block that reached the platter brought the size with it, up to what was ever written.
      if (bytes === block.bytes && block.older.length > 0) {
        const end = Math.min(this.size, (number + 1) * blockBytes);
        survivor.size = Math.max(survivor.size, end);
      }
    }
    return survivor;
  }
}

interface Name {
  content: SimulatedContent | undefined;
  older: (SimulatedContent | undefined)[];
}

export class SimulatedDisk implements Disk {
  readonly #names = new Map<string, Name>();
  readonly #folders = new Set<string>(['/']);
  plan: DiskPlan = {};
  #isOff = false;
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** The disk as it is found after the power came back. This one answers nothing from now on. */
  cutPower(): SimulatedDisk {
    this.#isOff = true;
    const next = new SimulatedDisk(this.#chance);
    for (const folder of this.#folders) next.#folders.add(folder);
    const survivors = new Map<SimulatedContent, SimulatedContent>();
    for (const [path, name] of this.#names) {
      const content = pick([...name.older, name.content], this.#chance);
      if (content === undefined) continue;
      let survivor = survivors.get(content);
      if (survivor === undefined) {
        survivor = content.survive(this.#chance);
        survivors.set(content, survivor);
      }
      next.#names.set(path, { content: survivor, older: [] });
    }
    return next;
  }

  get isOff(): boolean {
    return this.#isOff;
  }

  /**
   * The same disk for a process started after the last one was killed: what was written is still in
   * memory.
   */
  killProcess(): SimulatedDisk {
    this.#isOff = true;
    const next = new SimulatedDisk(this.#chance);
    for (const folder of this.#folders) next.#folders.add(folder);
    for (const [path, name] of this.#names) next.#names.set(path, name);
    return next;
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    await this.#turn(path);
    const name = this.#names.get(path);
    let content = name?.content;
    if (mode === 'create') {
      if (content !== undefined) throw new DiskError('exists', path);
      if (!this.#folders.has(parentOf(path))) throw new DiskError('missing', path);
      content = new SimulatedContent();
      this.#rename(path, content);
    }
    if (content === undefined) throw new DiskError('missing', path);
    return this.#file(path, content, mode);
  }

  async list(folder: string): Promise<readonly string[]> {
    await this.#turn(folder);
    if (!this.#folders.has(folder)) throw new DiskError('missing', folder);
    const paths = [...this.#folders];
    for (const [path, name] of this.#names) if (name.content !== undefined) paths.push(path);
    return paths
      .filter((path) => path !== folder && parentOf(path) === folder)
      .map((path) => path.slice(path.lastIndexOf('/') + 1))
      .sort();
  }

  async makeFolder(path: string): Promise<void> {
    await this.#turn(path);
    // Folders are kept: that of a shard is made once, and synced with its parent by `init`.
    for (let at = path; !this.#folders.has(at); at = parentOf(at)) this.#folders.add(at);
  }

  async syncFolder(path: string): Promise<void> {
    await this.#turn(path);
    if (!this.#folders.has(path)) throw new DiskError('missing', path);
    for (const [at, name] of this.#names) if (parentOf(at) === path) name.older = [];
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#turn(from);
    const content = this.#names.get(from)?.content;
    if (content === undefined) throw new DiskError('missing', from);
    this.#rename(to, content);
    this.#rename(from, undefined);
  }

  async remove(path: string): Promise<void> {
    await this.#turn(path);
    if (this.#names.get(path)?.content === undefined) throw new DiskError('missing', path);
    this.#rename(path, undefined);
  }

  async freeBytes(path: string): Promise<number> {
    await this.#turn(path);
    return this.plan.freeBytes?.() ?? 2 ** 40;
  }

  #rename(path: string, content: SimulatedContent | undefined): void {
    const known = this.#names.get(path);
    this.#names.set(path, { content, older: [...(known?.older ?? []), known?.content] });
  }

  /** Every call takes a turn of the event loop, so that a cut can fall between any two. */
  async #turn(path: string): Promise<void> {
    await null;
    this.#call(path);
  }

  #call(path: string): void {
    if (!this.#isOff && this.plan.onCall?.() === true) this.#isOff = true;
    if (this.#isOff) throw new DiskError('io', path, { cause: new Error('the power is off') });
  }

  #file(path: string, content: SimulatedContent, mode: OpenMode): DiskFile {
    const turn = () => this.#turn(path);
    const call = () => this.#call(path);
    const plan = () => this.plan;
    const chance = this.#chance;
    return {
      path,
      async size() {
        await turn();
        return content.size;
      },
      async read(position, length) {
        await turn();
        return content.read(position, length);
      },
      readNow(position, into) {
        call();
        const bytes = content.read(position, into.byteLength);
        into.set(bytes);
        return bytes.byteLength;
      },
      async write(position, parts) {
        await turn();
        if (mode === 'read') throw new DiskError('io', path);
        const whole = concat(parts);
        const fault = plan().onWrite?.(path, byteLength(parts));
        const taken = fault === undefined ? whole.length : Math.floor(whole.length * chance());
        content.write(position, whole.subarray(0, taken));
        if (fault !== undefined) throw new DiskError(fault, path);
      },
      async sync() {
        await turn();
        const fault = plan().onSync?.(path);
        if (fault === undefined) return content.sync();
        content.spoil(chance);
        throw new DiskError(fault, path);
      },
      async truncate(length) {
        await turn();
        if (mode === 'read') throw new DiskError('io', path);
        content.truncate(length);
      },
      async close() {},
    };
  }
}

export function pick<T>(from: readonly T[], chance: Chance): T {
  return from[Math.floor(chance() * from.length)] as T;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
