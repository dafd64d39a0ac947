/**
 * One file of the event log: open for batches, then closed by a footer; and what is found of it after a restart.
 *
 * Runs in:   the engine thread that owns the shard.
 * Invariant: a trailer is written only after everything before it is synced: a segment that has one is whole, and
 *            one that has none is read batch by batch up to the first that is not.
 */

import type { Buffer } from 'node:buffer';
import { emptyBytes, view } from '../../base/bytes.ts';
import { mebibyte } from '../../base/units.ts';
import { type Disk, DiskError, type DiskFile } from '../../ports/disk.ts';
import type { Batch } from './batch.ts';
import {
  batchHeaderBytes,
  batchLastMs,
  batchLength,
  decodeTrailer,
  encodeFileHeader,
  encodeTrailer,
  fileHeaderBytes,
  finishBatch,
  isWholeBatch,
  seedOf,
  type Trailer,
  trailerBytes,
} from './format.ts';
import { frameKeys } from './frames.ts';
import { KeyIndex } from './key-index.ts';

/** No batch is longer: one is handed on when it is full, and the event that filled it is far smaller. */
const wholeBatchBytesMax = mebibyte;

/** A segment that takes no more batches. */
export interface ClosedSegment {
  readonly number: number;
  readonly path: string;
  readonly seed: number;
  readonly bytes: number;
  readonly lastMs: number;
  /** Absent where it could not be closed in order: a search goes through all its batches. */
  readonly trailer: Trailer | undefined;
}

export class OpenSegment {
  readonly number: number;
  readonly path: string;
  readonly seed: number;
  readonly keys = new KeyIndex();
  readonly #file: DiskFile;
  #end: number;
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = 0;
  #isDirty = true;
  #isFileClosed = false;

  private constructor(file: DiskFile, number: number, seed: number, end: number) {
    this.#file = file;
    this.path = file.path;
    this.number = number;
    this.seed = seed;
    this.#end = end;
  }

  /** A new one, whose name is the caller's to sync. */
  static async create(
    disk: Disk,
    path: string,
    shard: number,
    number: number,
  ): Promise<OpenSegment> {
    const file = await disk.open(path, 'create');
    const header = encodeFileHeader(shard, number);
    await file.write(0, [header]);
    return new OpenSegment(file, number, seedOf(shard, number), header.length);
  }

  /**
   * One that was left open by a crash: its whole batches, up to the first that is not, in a new file. The old one may
   * be whole in memory only, where a sync of it had failed. `undefined` where there is no batch at all.
   */
  static async recover(
    disk: Disk,
    path: string,
    shard: number,
    number: number,
  ): Promise<OpenSegment | undefined> {
    const old = await disk.open(path, 'read');
    let segment: OpenSegment | undefined;
    try {
      for await (const { offset, bytes } of batchesOf(old, shard, number)) {
        segment ??= await OpenSegment.create(disk, await freshPath(disk, path), shard, number);
        await segment.#file.write(offset, [bytes]);
        const keys = frameKeys(bytes);
        segment.#took(keys, keys.length, offset, bytes.length, batchLastMs(bytes));
      }
      return segment;
    } catch (error) {
      await segment?.abandon();
      throw error;
    } finally {
      await closeQuietly(old);
    }
  }

  get bytes(): number {
    return this.#end;
  }

  get firstMs(): number {
    return this.#firstMs;
  }

  get lastMs(): number {
    return this.#lastMs;
  }

  get isDirty(): boolean {
    return this.#isDirty;
  }

  async append(batch: Batch): Promise<void> {
    const { bytes, eventCount, lastMs } = batch;
    finishBatch(bytes, eventCount, lastMs, this.seed);
    const offset = this.#end;
    this.#isDirty = true;
    await this.#file.write(offset, [bytes]);
    this.#took(batch.keys, batch.keyCount, offset, bytes.length, lastMs);
    this.#firstMs = Math.min(this.#firstMs, batch.firstMs);
  }

  async sync(): Promise<void> {
    this.#isDirty = false;
    await this.#file.sync();
  }

  /** Writes the footer, and closes the file. */
  async close(): Promise<ClosedSegment> {
    const { bytes: footer, entryCount, bucketBits } = this.keys.footer();
    const trailer: Trailer = {
      footerAt: this.#end,
      entryCount,
      bucketBits,
      lastMs: this.#lastMs,
    };
    const trailerAt = this.#end + footer.length;
    await this.#file.write(this.#end, [footer]);
    await this.#file.sync();
    await this.#file.write(trailerAt, [encodeTrailer(trailer, this.seed)]);
    await this.#file.sync();
    await this.#closeFile();
    return { ...this.#facts(), bytes: trailerAt + trailerBytes, trailer };
  }

  /** After a failed write: nothing more goes to this file, what it holds is still read. */
  async abandon(): Promise<ClosedSegment> {
    await this.#closeFile();
    return { ...this.#facts(), bytes: this.#end, trailer: undefined };
  }

  /** Once: by a second time the descriptor may be another file's. */
  async #closeFile(): Promise<void> {
    if (this.#isFileClosed) return;
    this.#isFileClosed = true;
    await closeQuietly(this.#file);
  }

  #facts() {
    return { number: this.number, path: this.path, seed: this.seed, lastMs: this.#lastMs };
  }

  #took(keys: Uint32Array, keyCount: number, offset: number, bytes: number, lastMs: number): void {
    this.keys.add(keys, keyCount, offset);
    this.#end = offset + bytes;
    this.#lastMs = Math.max(this.#lastMs, lastMs);
  }
}

/** What a file says of itself; its `trailer` is missing where it was not closed in order. */
export async function examineSegment(
  disk: Disk,
  path: string,
  shard: number,
  number: number,
): Promise<ClosedSegment> {
  const file = await disk.open(path, 'read');
  try {
    const bytes = await file.size();
    const seed = seedOf(shard, number);
    const last =
      bytes < trailerBytes ? emptyBytes : await file.read(bytes - trailerBytes, trailerBytes);
    const trailer = decodeTrailer(view(last), seed);
    return { number, path, seed, bytes, lastMs: trailer?.lastMs ?? 0, trailer };
  } finally {
    await closeQuietly(file);
  }
}

/** Where the copy of a segment is made: one that was cut short is begun again. */
async function freshPath(disk: Disk, path: string): Promise<string> {
  const fresh = `${path}.new`;
  try {
    await disk.remove(fresh);
  } catch (error) {
    if (!(error instanceof DiskError && error.fault === 'missing')) throw error;
  }
  return fresh;
}

export interface PlacedBatch {
  readonly offset: number;
  readonly bytes: Buffer;
}

/** The whole batches of a segment from its start, up to the first that is not. */
export async function* batchesOf(
  file: DiskFile,
  shard: number,
  number: number,
): AsyncGenerator<PlacedBatch> {
  const header = view(await file.read(0, fileHeaderBytes));
  if (!header.equals(encodeFileHeader(shard, number))) return;
  const seed = seedOf(shard, number);
  for (let offset = fileHeaderBytes; ; ) {
    const bytes = await readBatch(file, offset, seed);
    if (bytes === undefined) return;
    yield { offset, bytes };
    offset += bytes.length;
  }
}

/** The batch at `offset`; `undefined` where there is no whole one. */
export async function readBatch(
  file: DiskFile,
  offset: number,
  seed: number,
): Promise<Buffer | undefined> {
  const length = batchLength(view(await file.read(offset, batchHeaderBytes)));
  // A length that lies is no reason to make room for it.
  if (length <= batchHeaderBytes || length > wholeBatchBytesMax) return undefined;
  const bytes = view(await file.read(offset, length));
  return bytes.length === length && isWholeBatch(bytes, seed) ? bytes : undefined;
}

export async function closeQuietly(file: DiskFile): Promise<void> {
  try {
    await file.close();
  } catch (error) {
    // What was not synced by now was not promised to anybody.
    if (!(error instanceof DiskError)) throw error;
  }
}
