/**
 * Events gathered in memory until they are written in one go.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    grows as it is filled; its owner hands it on at `batchBytesMax`, so past it by one event at most.
 * Invariant: an event is packed when it comes: what waits is bytes, not objects for the garbage collector to carry.
 */

import { Buffer } from 'node:buffer';
import { Packr } from 'msgpackr';
import { eventNumbers, type PackedEvent } from '../../actors/asks/trace-asks.ts';
import { addressKey, batchHeaderBytes, frameHeaderBytes, keyHash } from './format.ts';

const packr = new Packr({ useRecords: false, moreTypes: false, useBigIntExtension: false });
/** Doubled four times, it holds a full batch and the event that filled it. */
const firstBytes = 4_608;
/** Slots that remember which keys this batch has: a message's events mostly fall into one batch. */
const slotCount = 2_048;

export function unpackEvent(bytes: Uint8Array): PackedEvent {
  return packr.unpack(bytes) as PackedEvent;
}

export class Batch {
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  #length = batchHeaderBytes;
  #eventCount = 0;
  /** Of them, those that no record tells: nobody can make them again. */
  #loneCount = 0;
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = 0;
  #keys = new Uint32Array(64);
  #keyCount = 0;
  readonly #slots = new Uint32Array(slotCount);

  get length(): number {
    return this.#length;
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  get loneCount(): number {
    return this.#loneCount;
  }

  get firstMs(): number {
    return this.#firstMs;
  }

  get lastMs(): number {
    return this.#lastMs;
  }

  /** Room for the header, then the frames: `finishBatch` fills the header in. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Hashes of the keys of all events; the first `keyCount` count. */
  get keys(): Uint32Array {
    return this.#keys;
  }

  get keyCount(): number {
    return this.#keyCount;
  }

  append(event: PackedEvent, isLone: boolean): void {
    if (isLone) this.#loneCount++;
    const packed = packr.pack(event);
    const [kind, instantMs, id, , sender, recipients] = event;
    const keysMax = 3 + recipients.length;
    this.#reserve(frameHeaderBytes + keysMax * 4 + packed.length, keysMax);
    const start = this.#length;
    let end = this.#putKey(start + frameHeaderBytes, id);
    if (sender !== '') end = this.#putKey(end, addressKey(sender));
    for (let i = 0; i < recipients.length; i++) end = this.#putKey(end, addressKey(recipients[i]!));
    if (kind === eventNumbers.bounced) end = this.#putKey(end, event[6]);
    this.#bytes.writeUInt32LE(packed.length, start);
    this.#bytes.writeUInt16LE((end - start - frameHeaderBytes) >> 2, start + 4);
    this.#bytes.set(packed, end);
    this.#length = end + packed.length;
    this.#eventCount++;
    if (instantMs < this.#firstMs) this.#firstMs = instantMs;
    if (instantMs > this.#lastMs) this.#lastMs = instantMs;
  }

  /** Empty again, for the next events. */
  clear(): void {
    // After a burst memory goes back step by step.
    if (this.#bytes.length > firstBytes && this.#bytes.length > this.#length * 8) {
      this.#bytes = Buffer.allocUnsafeSlow(this.#bytes.length / 2);
    }
    this.#length = batchHeaderBytes;
    this.#eventCount = 0;
    this.#loneCount = 0;
    this.#keyCount = 0;
    this.#firstMs = Number.POSITIVE_INFINITY;
    this.#lastMs = 0;
    this.#slots.fill(0);
  }

  #putKey(at: number, key: string): number {
    const hash = keyHash(key);
    this.#bytes.writeUInt32LE(hash, at);
    const slot = hash & (slotCount - 1);
    if (this.#slots[slot] !== hash) {
      this.#slots[slot] = hash;
      this.#keys[this.#keyCount++] = hash;
    }
    return at + 4;
  }

  #reserve(bytes: number, keys: number): void {
    if (this.#length + bytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.#length + bytes, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    if (this.#keyCount + keys > this.#keys.length) {
      const grown = new Uint32Array(Math.max(this.#keyCount + keys, this.#keys.length * 2));
      grown.set(this.#keys.subarray(0, this.#keyCount));
      this.#keys = grown;
    }
  }
}
