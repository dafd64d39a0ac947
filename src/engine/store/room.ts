/**
 * Whether there is disk enough for new mail, and the reserve that is given up when there is none at
 * all.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    looks once in `roomCheckMs`; `hasRoom` is the last look and costs nothing.
 * Invariant: the reserve's blocks are really taken (written and synced), and never held while the
 *            disk is full.
 */

import { kibibyte } from '../../base/units.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import { type Disk, DiskError } from '../../ports/disk.ts';
import type { StoreLimits } from './limits.ts';

const fillBytes = 256 * kibibyte;

export class Room {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #folder: string;
  readonly #path: string;
  readonly #limits: StoreLimits;
  #timer: Timer | undefined;
  #checking: Promise<void> | undefined;
  #freeBytes = Number.POSITIVE_INFINITY;
  #hasReserve = false;
  #isClosed = false;
  /** Called when `hasRoom` may have changed. */
  readonly #onLook: () => void;

  constructor(
    disk: Disk,
    clock: Clock,
    folder: string,
    limits: StoreLimits,
    onLook: () => void = () => {},
  ) {
    this.#onLook = onLook;
    this.#disk = disk;
    this.#clock = clock;
    this.#folder = folder;
    this.#path = `${folder}/reserve`;
    this.#limits = limits;
  }

  get hasRoom(): boolean {
    return this.#freeBytes >= this.#limits.diskFreeBytesMin;
  }

  get freeBytes(): number {
    return this.#freeBytes;
  }

  /**
   * Before a shard that opens writes anything: on a disk as good as full the reserve goes now, or the segment of
   * its new epoch would find no room and the shard could not even deliver what is queued.
   */
  async begin(): Promise<void> {
    await this.#look();
    if (this.#freeBytes < this.#limits.reserveBytes) await this.giveUp();
  }

  /** Looks once; the making of a reserve is left to the next look: no opening waits for it. */
  async start(): Promise<void> {
    this.#hasReserve = await this.#findReserve();
    // One that a crash left short is made again.
    if (!this.#hasReserve) await this.#removeReserve();
    await this.#look();
    this.#schedule();
  }

  /** Frees the reserve's blocks for outcomes, expunges and compaction. */
  async giveUp(): Promise<void> {
    this.#hasReserve = false;
    await this.#removeReserve();
  }

  /** A write found no space: nothing new is taken until the next look says otherwise. */
  noteFull(): Promise<void> {
    this.#freeBytes = 0;
    this.#onLook();
    return this.giveUp();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#checking;
  }

  async #check(): Promise<void> {
    await this.#look();
    const wanted = this.#limits.diskFreeBytesMin + this.#limits.reserveBytes;
    if (!this.#hasReserve && this.#freeBytes >= wanted) {
      await this.#makeReserve().catch(ignoreDisk);
    }
    this.#schedule();
  }

  /** The last figure stands where the disk does not tell. */
  async #look(): Promise<void> {
    await this.#disk.freeBytes(this.#folder).then((bytes) => {
      this.#freeBytes = bytes;
    }, ignoreDisk);
    this.#onLook();
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#timer = this.#clock.setTimer(this.#limits.roomCheckMs, () => {
      this.#checking = this.#check();
    });
  }

  async #findReserve(): Promise<boolean> {
    try {
      const file = await this.#disk.open(this.#path, 'read');
      const size = await file.size();
      await file.close();
      return size >= this.#limits.reserveBytes;
    } catch (error) {
      ignoreDisk(error);
      return false;
    }
  }

  async #makeReserve(): Promise<void> {
    const file = await this.#disk.open(this.#path, 'create');
    try {
      const zeros = new Uint8Array(Math.min(fillBytes, this.#limits.reserveBytes));
      for (let at = 0; at < this.#limits.reserveBytes; at += zeros.length) {
        await file.write(at, [zeros.subarray(0, this.#limits.reserveBytes - at)]);
      }
      await file.sync();
      this.#hasReserve = true;
    } catch (error) {
      await this.#removeReserve();
      throw error;
    } finally {
      await file.close();
    }
  }

  async #removeReserve(): Promise<void> {
    await this.#disk.remove(this.#path).catch(ignoreDisk);
  }
}

/** What the disk says no to here is tried again at the next look. */
function ignoreDisk(error: unknown): void {
  if (!(error instanceof DiskError)) throw error;
}
