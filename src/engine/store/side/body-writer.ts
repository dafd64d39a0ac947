/**
 * Writes one large body into a side segment of its own, while its beginning is still to be decided.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    `writeBytesMax` a write, a sync each `syncBytes`, so that the journal's own writes and syncs pass between
 *            and the last sync finds little left to do.
 * Invariant: the rest is written as it comes, the front last. `seal` answers once file and name are on disk; only
 *            then may a record name the body. After a failed write or sync the file is given up.
 */

import { crc32c } from '@node-rs/crc32';
import { assert } from '../../../base/assert.ts';
import { byteLength } from '../../../base/bytes.ts';
import { MailError } from '../../../base/errors.ts';
import { kibibyte, mebibyte } from '../../../base/units.ts';
import { DiskError, type DiskFile } from '../../../ports/disk.ts';
import type { SideBody } from '../record.ts';
import type { DataKey } from '../vault/vault.ts';
import { encodeSideHeader, sideHeaderBytes } from './format.ts';
import { SideSeal, sideSealBytes } from './sealed-side.ts';
import type { SideSegment, SideSegments } from './side-segments.ts';

const writeBytesMax = mebibyte;
const syncBytes = mebibyte;
const alignBytes = 4 * kibibyte;

/** Of an encrypted account; `salt`: 32 random bytes. */
export interface SealingBody {
  readonly key: DataKey;
  readonly salt: Uint8Array;
}

export class BodyWriter {
  readonly #sides: SideSegments;
  readonly #shard: number;
  readonly #side: SideSegment;
  readonly #file: DiskFile;
  readonly #restAt: number;
  #restBytes = 0;
  #restCrc = 0;
  #unsyncedBytes = 0;
  #syncing: Promise<void> = Promise.resolve();
  #isEnded = false;
  readonly #seal: SideSeal | undefined;

  private constructor(
    sides: SideSegments,
    shard: number,
    side: SideSegment,
    file: DiskFile,
    frontBytesMax: number,
    sealing: SealingBody | undefined,
  ) {
    this.#sides = sides;
    this.#shard = shard;
    this.#side = side;
    this.#file = file;
    this.#seal = sealing && new SideSeal(shard, side.number, sealing.key, sealing.salt);
    const frontEnd = this.#headBytes + frontBytesMax;
    this.#restAt = Math.ceil(frontEnd / alignBytes) * alignBytes;
  }

  /** `frontBytesMax`: room kept for what `seal` puts before the rest. @throws DiskError */
  static async create(
    sides: SideSegments,
    shard: number,
    frontBytesMax: number,
    sealing?: SealingBody,
  ): Promise<BodyWriter> {
    const { side, file } = await sides.create();
    return new BodyWriter(sides, shard, side, file, frontBytesMax, sealing);
  }

  get restBytes(): number {
    return this.#restBytes;
  }

  /** Room for a front. */
  get frontBytesMax(): number {
    return this.#restAt - this.#headBytes;
  }

  get #headBytes(): number {
    return sideHeaderBytes + (this.#seal === undefined ? 0 : sideSealBytes);
  }

  /** Appends to the rest; one call at a time. @throws DiskError: `discard` is all that is left then. */
  async append(bytes: Uint8Array): Promise<void> {
    assert(!this.#isEnded, 'a body that is ended takes nothing more');
    for (let at = 0; at < bytes.byteLength; at += writeBytesMax) {
      const clear = bytes.subarray(at, at + writeBytesMax);
      const piece = this.#seal?.next(clear) ?? clear;
      await this.#file.write(this.#restAt + this.#restBytes, [piece]);
      this.#restCrc = crc32c(piece, this.#restCrc);
      this.#restBytes += piece.byteLength;
      this.#side.fileBytes = this.#restAt + this.#restBytes;
      this.#unsyncedBytes += piece.byteLength;
      if (this.#unsyncedBytes >= syncBytes) await this.#syncOnTheWay();
    }
  }

  /** Goes on beside the next writes; two never go on at once. @throws DiskError of the one before. */
  async #syncOnTheWay(): Promise<void> {
    this.#unsyncedBytes = 0;
    await this.#syncing;
    this.#syncing = this.#file.sync();
    // Whoever waits for it hears of a failure.
    this.#syncing.catch(() => {});
  }

  /** Bytes of the rest as written so far. @throws DiskError */
  async read(from: number, length: number): Promise<Uint8Array> {
    assert(from >= 0 && from + length <= this.#restBytes, 'a read past the rest');
    const bytes = await this.#file.read(this.#restAt + from, length);
    return this.#seal?.open(from, bytes) ?? bytes;
  }

  /** Puts `clear` before the rest. @throws DiskError: the file is gone then. */
  async seal(clear: readonly Uint8Array[]): Promise<SideBody> {
    assert(!this.#isEnded, 'a body is sealed once');
    this.#isEnded = true;
    const front = this.#seal?.front(clear) ?? clear;
    const frontBytes = byteLength(front);
    let frontCrc = 0;
    for (const part of front) frontCrc = crc32c(part, frontCrc);
    const bodyOffset = this.#restAt - frontBytes;
    const side: SideBody = {
      segment: this.#side.number,
      bodyOffset,
      bodyBytes: frontBytes + this.#restBytes,
      frontBytes,
      frontCrc,
      restCrc: this.#restCrc,
    };
    try {
      if (frontBytes > this.frontBytesMax) {
        throw new MailError('message-invalid', `${frontBytes} bytes before the rest of a body`);
      }
      if (frontBytes > 0) await this.#file.write(bodyOffset, front);
      const isSealed = this.#seal !== undefined;
      const block = this.#seal === undefined ? [] : [this.#seal.block];
      await this.#file.write(0, [encodeSideHeader(this.#shard, side, isSealed), ...block]);
      this.#side.fileBytes = this.#restAt + this.#restBytes;
      await this.#syncing;
      await this.#file.sync();
      await this.#sides.syncName(this.#side.number);
    } catch (error) {
      await this.#letGo();
      throw error;
    }
    await closeQuietly(this.#file);
    return side;
  }

  /** Removes the file; nothing where it was sealed or discarded before. */
  async discard(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    await this.#letGo();
  }

  async #letGo(): Promise<void> {
    await this.#syncing.catch(() => {});
    await closeQuietly(this.#file);
    // What cannot be removed now is found by the next opening: no record names it.
    await this.#sides.discard(this.#side).catch((error: unknown) => {
      if (!(error instanceof DiskError)) throw error;
    });
  }
}

async function closeQuietly(file: DiskFile): Promise<void> {
  // All that had to be on disk was synced before; what was not is given up.
  await file.close().catch(() => {});
}
