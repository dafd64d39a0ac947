/**
 * Which batches of a segment hold events of a key: in memory while it is open, as its footer once it is closed.
 *
 * The footer is a directory of `2^bucketBits + 1` counts and the entries (hash, offset) ordered by the hash's upper
 * `bucketBits` bits: a look-up reads two counts and one bucket, whatever the size of the segment. Ordering by bucket
 * is two passes over typed arrays; a sort of as many entries would hold the thread ten times as long.
 *
 * Runs in:   engine threads.
 * Limits:    `entriesMax` entries, 8 bytes each in memory and on disk; a footer of so many takes under 2 ms to make.
 */

import { Buffer } from 'node:buffer';
import { view } from '../../base/bytes.ts';
import type { DiskFile } from '../../ports/disk.ts';
import type { Trailer } from './format.ts';

/** A segment is closed when it has so many: a bound on memory, and on the time its footer takes. */
export const entriesMax = 65_536;
const bucketBitsMax = 14;
/** Entries a bucket holds on average, at least half of it. */
const entriesPerBucket = 16;
const entryBytes = 8;

export class KeyIndex {
  #hashes = new Uint32Array(256);
  #offsets = new Uint32Array(256);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The first `count` of `hashes` are keys of the batch at `offset`; batches come in order. */
  add(hashes: Uint32Array, count: number, offset: number): void {
    this.#reserve(count);
    for (let i = 0; i < count; i++) this.#hashes[this.#count + i] = hashes[i]!;
    this.#offsets.fill(offset, this.#count, this.#count + count);
    this.#count += count;
  }

  /** Offsets of batches that may hold the key, last one first. */
  offsetsOf(hash: number): number[] {
    const found: number[] = [];
    for (let i = this.#count - 1; i >= 0; i--) {
      if (this.#hashes[i] !== hash) continue;
      const offset = this.#offsets[i]!;
      if (found.at(-1) !== offset) found.push(offset);
    }
    return found;
  }

  /** The footer's bytes, and what the trailer must know of it. */
  footer(): { readonly bytes: Buffer; readonly entryCount: number; readonly bucketBits: number } {
    const entryCount = this.#count;
    const bucketBits = bitsFor(entryCount);
    const shift = 32 - bucketBits;
    const starts = new Uint32Array(2 ** bucketBits + 1);
    for (let i = 0; i < entryCount; i++) starts[bucketOf(this.#hashes[i]!, shift) + 1]!++;
    for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!;
    const bytes = Buffer.allocUnsafeSlow(starts.length * 4 + entryCount * entryBytes);
    // A DataView's stores are a quarter of writeUInt32LE's time here (bench/micro/events.ts).
    const data = new DataView(bytes.buffer);
    for (let i = 0; i < starts.length; i++) data.setUint32(i * 4, starts[i]!, true);
    const entriesAt = starts.length * 4;
    for (let i = 0; i < entryCount; i++) {
      const hash = this.#hashes[i]!;
      const place = starts[bucketOf(hash, shift)]!++;
      data.setUint32(entriesAt + place * entryBytes, hash, true);
      data.setUint32(entriesAt + place * entryBytes + 4, this.#offsets[i]!, true);
    }
    return { bytes, entryCount, bucketBits };
  }

  #reserve(more: number): void {
    const needed = this.#count + more;
    if (needed <= this.#hashes.length) return;
    const length = Math.max(needed, this.#hashes.length * 2);
    const grown = [new Uint32Array(length), new Uint32Array(length)] as const;
    grown[0].set(this.#hashes.subarray(0, this.#count));
    grown[1].set(this.#offsets.subarray(0, this.#count));
    [this.#hashes, this.#offsets] = grown;
  }
}

/** As `KeyIndex.offsetsOf`, from the footer of a closed segment. */
export async function footerOffsetsOf(
  file: DiskFile,
  trailer: Trailer,
  hash: number,
): Promise<number[]> {
  const { footerAt, bucketBits, entryCount } = trailer;
  const bucket = bucketOf(hash, 32 - bucketBits);
  const range = view(await file.read(footerAt + bucket * 4, 8));
  if (range.length < 8) return [];
  const [from, to] = [range.readUInt32LE(0), range.readUInt32LE(4)];
  // A directory that lies (a bad block) must not make us read without bound.
  if (from > to || to > entryCount) return [];
  const entriesAt = footerAt + (2 ** bucketBits + 1) * 4;
  const entries = view(await file.read(entriesAt + from * entryBytes, (to - from) * entryBytes));
  const found: number[] = [];
  for (let at = entries.length - entryBytes; at >= 0; at -= entryBytes) {
    if (entries.readUInt32LE(at) !== hash) continue;
    const offset = entries.readUInt32LE(at + 4);
    if (found.at(-1) !== offset) found.push(offset);
  }
  return found;
}

/** Where the last batch of a closed segment stands. */
export async function lastOffsetOf(file: DiskFile, trailer: Trailer): Promise<number> {
  const { footerAt, bucketBits, entryCount } = trailer;
  const entriesAt = footerAt + (2 ** bucketBits + 1) * 4;
  const entries = view(await file.read(entriesAt, entryCount * entryBytes));
  let last = 0;
  for (let at = 0; at + entryBytes <= entries.length; at += entryBytes) {
    last = Math.max(last, entries.readUInt32LE(at + 4));
  }
  return last;
}

function bitsFor(entryCount: number): number {
  const bits = Math.floor(Math.log2(Math.max(1, entryCount / entriesPerBucket)));
  return Math.min(bucketBitsMax, bits);
}

function bucketOf(hash: number, shift: number): number {
  // A shift by 32 is a shift by 0 in JavaScript.
  return shift === 32 ? 0 : hash >>> shift;
}
