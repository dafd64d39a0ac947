/**
 * One field of a block's messages, as searches compare it, one text behind the other: looked through as a whole.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Limits:    of a message `textBytesMax`; a longer text is not kept, and its message stands in `long`.
 * Invariant: what a message says never changes and a slot is never given twice: so a column stays right, and only
 *            grows by slots that nobody has looked at.
 */

import { Buffer } from 'node:buffer';
import { kibibyte } from '../../../base/units.ts';
import { FoldedOctets, textEnd } from '../../../mail/formats/text/folded-octets.ts';
import { uidBlockSlots } from '../../store/keys.ts';
import { blockBytes } from './view.ts';

export const textBytesMax = 16 * kibibyte;
/** Of objects and small arrays, about. */
const overheadBytes = 600;

export class TextColumn {
  /** Slots whose messages were looked at. */
  readonly covered: Uint8Array;
  /** Of those, the ones that have the field. */
  readonly present: Uint8Array;
  /** Of those, the ones whose text is not here. */
  readonly long: Uint8Array;
  /** In the order of the texts: whose it is, and where it ends. */
  readonly slots: Uint8Array;
  readonly ends: Uint32Array;
  readonly texts: Buffer;

  constructor(
    masks: {
      readonly covered: Uint8Array;
      readonly present: Uint8Array;
      readonly long: Uint8Array;
    },
    slots: Uint8Array,
    ends: Uint32Array,
    texts: Buffer,
  ) {
    this.covered = masks.covered;
    this.present = masks.present;
    this.long = masks.long;
    this.slots = slots;
    this.ends = ends;
    this.texts = texts;
  }

  /** Of memory held. */
  get bytes(): number {
    return overheadBytes + this.slots.byteLength + this.ends.byteLength + this.texts.byteLength;
  }

  /** Sets the bits of slots whose text holds `needle`, which is folded and not empty. */
  find(needle: Buffer, into: Uint8Array): void {
    const { texts, ends, slots } = this;
    let entry = 0;
    for (let at = texts.indexOf(needle); at >= 0; at = texts.indexOf(needle, ends[entry]!)) {
      while (ends[entry]! <= at) entry++;
      const slot = slots[entry]!;
      into[slot >> 3]! |= 1 << (slot & 7);
    }
  }
}

/** Makes columns, one after the other. */
export class TextColumnWriter {
  /** What is appended between `begin` and `end` of a slot is its text. */
  readonly out = new FoldedOctets();
  readonly #slots = new Uint8Array(uidBlockSlots);
  readonly #ends = new Uint32Array(uidBlockSlots);
  #count = 0;
  #covered = new Uint8Array(blockBytes);
  #present = new Uint8Array(blockBytes);
  #long = new Uint8Array(blockBytes);

  /** Goes on where a column ends. */
  open(column: TextColumn | undefined): this {
    this.out.clear();
    this.#count = 0;
    this.#covered = column?.covered.slice() ?? new Uint8Array(blockBytes);
    this.#present = column?.present.slice() ?? new Uint8Array(blockBytes);
    this.#long = column?.long.slice() ?? new Uint8Array(blockBytes);
    if (column === undefined) return this;
    this.#count = column.slots.length;
    this.#slots.set(column.slots);
    this.#ends.set(column.ends);
    this.out.room(column.texts.length);
    this.out.bytes.set(column.texts);
    this.out.length = column.texts.length;
    return this;
  }

  /** What `out` got since the last slot is this one's text, if it has the field; each slot once. */
  add(slot: number, isPresent: boolean): void {
    const { out } = this;
    const [at, bit] = [slot >> 3, 1 << (slot & 7)];
    this.#covered[at]! |= bit;
    const start = this.#count === 0 ? 0 : this.#ends[this.#count - 1]!;
    if (!isPresent) {
      out.length = start;
      return;
    }
    this.#present[at]! |= bit;
    if (out.length - start > textBytesMax) {
      this.#long[at]! |= bit;
      out.length = start;
      return;
    }
    out.octet(textEnd);
    this.#slots[this.#count] = slot;
    this.#ends[this.#count++] = out.length;
  }

  column(): TextColumn {
    const masks = { covered: this.#covered, present: this.#present, long: this.#long };
    const count = this.#count;
    const texts = Buffer.allocUnsafeSlow(this.out.length);
    this.out.bytes.copy(texts, 0, 0, this.out.length);
    return new TextColumn(masks, this.#slots.slice(0, count), this.#ends.slice(0, count), texts);
  }
}
