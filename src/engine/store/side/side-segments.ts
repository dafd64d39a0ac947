/**
 * The side segments of one journal: each a file with one large body, beside the segments of records.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    one file for each large body that is live, being written or about to go.
 * Invariant: a number that a record may name is never given out again: the file with the highest number stays, empty,
 *            until the name of a higher one is synced. A body with a pin or a lease keeps its file.
 */

import { assert } from '../../../base/assert.ts';
import { MailError } from '../../../base/errors.ts';
import type { Disk, DiskFile } from '../../../ports/disk.ts';
import type { RecordPlace } from '../record.ts';
import { sideName, sideNumberMin } from './format.ts';

export interface SideFile {
  readonly number: number;
  readonly fileBytes: number;
}

export interface SideSegment {
  readonly number: number;
  readonly path: string;
  fileBytes: number;
  /** A record led here whose file is gone: its body died, or is lost. */
  isMissing: boolean;
  /** Between `create` and the answer of the append that names it. */
  isOpen: boolean;
  liveBodies: number;
  leases: number;
  /** Where the newest record that pinned it says its body is. */
  place: RecordPlace | undefined;
}

export interface SideFault {
  readonly place: RecordPlace;
  readonly reason: string;
}

export class SideSegments {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #byNumber = new Map<number, SideSegment>();
  /** Nothing may go: until the replay has said what lives. */
  #isReplaying = true;
  #numberMax = sideNumberMin;
  readonly #foundMax: number;
  /** Closes what is open of a file that goes: its blocks would stay with it. */
  #onGoing: (number: number) => Promise<void> = async () => {};
  /** Highest number whose name is on disk for certain. */
  #namedMax = 0;

  constructor(disk: Disk, folder: string, found: readonly SideFile[]) {
    this.#disk = disk;
    this.#folder = folder;
    for (const { number, fileBytes } of found) {
      this.#add(number, fileBytes);
      this.#numberMax = Math.max(this.#numberMax, number);
    }
    this.#foundMax = this.#numberMax;
  }

  beforeGoing(run: (number: number) => Promise<void>): void {
    this.#onGoing = run;
  }

  get bytes(): number {
    let bytes = 0;
    for (const side of this.#byNumber.values()) bytes += side.fileBytes;
    return bytes;
  }

  get liveBytes(): number {
    let bytes = 0;
    for (const { liveBodies, place } of this.#byNumber.values()) {
      if (liveBodies > 0) bytes += place!.bytes;
    }
    return bytes;
  }

  /** Files, and those that records led to in vain. */
  get count(): number {
    return this.#byNumber.size;
  }

  has(number: number): boolean {
    return this.#byNumber.get(number)?.isMissing === false;
  }

  get(number: number): SideSegment | undefined {
    const side = this.#byNumber.get(number);
    return side?.isMissing === true ? undefined : side;
  }

  /** Makes the file of a new body. @throws DiskError */
  async create(): Promise<{ readonly side: SideSegment; readonly file: DiskFile }> {
    const side = this.#add(++this.#numberMax, 0);
    side.isOpen = true;
    try {
      return { side, file: await this.#disk.open(side.path, 'create') };
    } catch (error) {
      this.#byNumber.delete(side.number);
      throw error;
    }
  }

  /** Brings a finished file's name to the disk. @throws DiskError */
  async syncName(number: number): Promise<void> {
    await this.#disk.syncFolder(this.#folder);
    this.#namedMax = Math.max(this.#namedMax, number);
  }

  /** The folder was synced: the names that were found at open are on disk. */
  noteFoundNamed(): void {
    this.#namedMax = Math.max(this.#namedMax, this.#foundMax);
  }

  /** Removes a file that no record was ever told of. */
  async discard(side: SideSegment): Promise<void> {
    this.#byNumber.delete(side.number);
    await this.#disk.remove(side.path);
  }

  /** The append that names the side segment was answered, with or without its record on disk. */
  settle(number: number): void {
    const side = this.#byNumber.get(number);
    assert(side !== undefined, `side segment ${number} is not there`);
    side.isOpen = false;
  }

  pin(place: RecordPlace): void {
    let side = this.#byNumber.get(place.segment);
    if (side === undefined) {
      assert(this.#isReplaying, `a live body in a side segment that is gone: ${place.segment}`);
      side = this.#add(place.segment, 0);
      side.isMissing = true;
      this.#numberMax = Math.max(this.#numberMax, place.segment);
    }
    side.liveBodies++;
    side.place = place;
  }

  release(place: RecordPlace): void {
    const side = this.#byNumber.get(place.segment);
    assert(side !== undefined && side.liveBodies > 0, `a body released twice: ${place.segment}`);
    side.liveBodies--;
  }

  lease(number: number): { release(): void } {
    const side = this.get(number);
    if (side === undefined) throw new MailError('not-found', `side segment ${number} is gone`);
    side.leases++;
    let isHeld = true;
    return {
      release: () => {
        if (isHeld) side.leases--;
        isHeld = false;
      },
    };
  }

  /** After the replay: what lives and is not there as its record says. */
  endReplay(): SideFault[] {
    this.#isReplaying = false;
    const faults: SideFault[] = [];
    for (const [number, { isMissing, liveBodies, place, fileBytes }] of this.#byNumber) {
      if (liveBodies > 0 && isMissing) {
        faults.push({ place: place!, reason: 'the side segment of a live body is gone' });
      } else if (liveBodies > 0 && fileBytes < place!.bodyOffset + place!.bodyBytes) {
        faults.push({ place: place!, reason: 'the side segment of a live body is too short' });
      } else if (isMissing) this.#byNumber.delete(number);
    }
    return faults;
  }

  /**
   * Removes files in which nothing lives, unless their records are held for a reader: those from `held` on. Called
   * with the journal open only: what a failed append may have left in it is cut by then.
   */
  async removeDead(held: number): Promise<number> {
    if (this.#isReplaying) return 0;
    let bytesFreed = 0;
    for (const side of [...this.#byNumber.values()]) {
      // Asked again for each: a lease may have come while the one before was being removed.
      const { isOpen, isMissing, liveBodies, leases, place, fileBytes } = side;
      const isHeld = place !== undefined && place.sequence >= held;
      if (isOpen || isMissing || isHeld || liveBodies > 0 || leases > 0) continue;
      await this.#remove(side);
      bytesFreed += fileBytes;
    }
    return bytesFreed;
  }

  async #remove(side: SideSegment): Promise<void> {
    if (side.number < this.#namedMax) {
      this.#byNumber.delete(side.number);
      await this.#onGoing(side.number);
      await this.#disk.remove(side.path);
    } else if (side.fileBytes > 0) {
      // The number stays taken, or the next body could get it: an old record would then name a stranger's.
      const file = await this.#disk.open(side.path, 'write');
      try {
        await file.truncate(0);
      } finally {
        await file.close();
      }
      side.fileBytes = 0;
    }
  }

  #add(number: number, fileBytes: number): SideSegment {
    const side: SideSegment = {
      number,
      path: `${this.#folder}/${sideName(number)}`,
      fileBytes,
      isMissing: false,
      isOpen: false,
      liveBodies: 0,
      leases: 0,
      place: undefined,
    };
    this.#byNumber.set(number, side);
    return side;
  }
}
