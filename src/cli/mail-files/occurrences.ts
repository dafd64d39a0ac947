/**
 * Counts messages with the same bytes in a mailbox: the second one of them is another message.
 *
 * Runs in:   the CLI's process.
 * Limits:    `countMax` different messages, 10 bytes and as much room each; those past it count as the first.
 */

import { hash } from 'node:crypto';

const countMax = 4_000_000;
const slotsLeast = 1_024;
const occurrenceMax = 0xffff;

export class Occurrences {
  readonly #countMax: number;
  #high = new Uint32Array(slotsLeast);
  #low = new Uint32Array(slotsLeast);
  /** 0: the slot is free. */
  #seen = new Uint16Array(slotsLeast);
  #count = 0;

  constructor(most = countMax) {
    this.#countMax = most;
  }

  /** 1 for the first message of these bytes, 2 for the next one. */
  of(bytes: Uint8Array): number {
    // 64 bits of it: by chance two of millions are taken for one, and then one more copy is made at a repeat.
    const name = hash('sha256', bytes, 'buffer');
    const high = name.readUInt32LE(0);
    const low = name.readUInt32LE(4);
    const slot = this.#slotOf(high, low);
    const seen = this.#seen[slot]!;
    if (seen > 0) {
      this.#seen[slot] = Math.min(occurrenceMax, seen + 1);
      return this.#seen[slot]!;
    }
    if (this.#count >= this.#countMax) return 1;
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#seen[slot] = 1;
    this.#count++;
    if (this.#count > this.#seen.length / 2) this.#grow();
    return 1;
  }

  #slotOf(high: number, low: number): number {
    const mask = this.#seen.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      if (this.#seen[slot] === 0) return slot;
      if (this.#high[slot] === high && this.#low[slot] === low) return slot;
    }
  }

  #grow(): void {
    const [high, low, seen] = [this.#high, this.#low, this.#seen];
    const slots = 2 * seen.length;
    this.#high = new Uint32Array(slots);
    this.#low = new Uint32Array(slots);
    this.#seen = new Uint16Array(slots);
    for (let old = 0; old < seen.length; old++) {
      if (seen[old] === 0) continue;
      const slot = this.#slotOf(high[old]!, low[old]!);
      this.#high[slot] = high[old]!;
      this.#low[slot] = low[old]!;
      this.#seen[slot] = seen[old]!;
    }
  }
}
