/**
 * Columns of a packed UID block, read where they stand: for loops over a mailbox that need few of them.
 *
 * Runs in:   engine threads; pure; hot.
 * Invariant: reads the layout that `uid-block.ts` writes, and nothing else does.
 */

import { assert } from '../../../base/assert.ts';
import { uidBlockSlots } from '../../store/keys.ts';
import { blockHeadBytes, blockVersion, existsAt, systemFlags, u32At } from './uid-block.ts';

const bitmapBytes = uidBlockSlots / 8;
const flagCount = systemFlags.length;
/** Without keywords it is no more; with them the columns grow. */
const rowBytesUsual = 2_048;

/** One object for many blocks: `open` turns it to another. */
export class BlockColumns {
  #row = new Uint8Array(rowBytesUsual);
  /** Places of the flags' columns; -1 where no message has the flag. */
  readonly #flagsAt = new Int32Array(flagCount);
  #hasFlags = false;
  #slots = 0;
  #keywordsAt = 0;
  keywordCount = 0;
  #slotsAt = 0;
  #lowestModseq = 0;

  /** Copies the row: it may be one of `peek`. */
  open(row: Uint8Array): this {
    assert(row[0] === blockVersion, 'a uid block of a known version');
    if (row.byteLength > this.#row.byteLength) this.#row = new Uint8Array(row.byteLength);
    this.#row.set(row);
    this.#slots = row[1]!;
    const mask = row[2]!;
    this.keywordCount = row[3]!;
    this.#hasFlags = mask !== 0;
    let at = blockHeadBytes;
    for (let flag = 0; flag < flagCount; flag++) {
      if ((mask & (1 << flag)) === 0) this.#flagsAt[flag] = -1;
      else {
        this.#flagsAt[flag] = at;
        at += bitmapBytes;
      }
    }
    this.#keywordsAt = at;
    this.#slotsAt = at + this.keywordCount * (bitmapBytes + 2);
    this.#lowestModseq = u32At(row, 4) * 2 ** 32 + u32At(row, 8);
    return this;
  }

  /** Eight slots of those that exist. */
  existsByte(byte: number): number {
    return this.#row[existsAt + byte]!;
  }

  /** Those that exist, as 16 bytes. */
  copyExists(into: Uint8Array): void {
    for (let i = 0; i < bitmapBytes; i++) into[i] = this.#row[existsAt + i]!;
  }

  /** Those with a flag, by its place in `systemFlags`. */
  copyFlag(flag: number, into: Uint8Array): void {
    const at = this.#flagsAt[flag]!;
    if (at < 0) into.fill(0);
    else for (let i = 0; i < bitmapBytes; i++) into[i] = this.#row[at + i]!;
  }

  /** Those with a keyword, by its number in the mailbox row. */
  copyKeyword(number: number, into: Uint8Array): void {
    const row = this.#row;
    into.fill(0);
    for (let i = 0; i < this.keywordCount; i++) {
      const at = this.#keywordsAt + i * (bitmapBytes + 2);
      if (row[at]! * 256 + row[at + 1]! !== number) continue;
      for (let byte = 0; byte < bitmapBytes; byte++) into[byte] = row[at + 2 + byte]!;
    }
  }

  /** By place in `systemFlags`. */
  flagMask(slot: number): number {
    if (!this.#hasFlags) return 0;
    const byte = slot >> 3;
    const shift = slot & 7;
    let mask = 0;
    for (let flag = 0; flag < flagCount; flag++) {
      const at = this.#flagsAt[flag]!;
      if (at >= 0) mask |= ((this.#row[at + byte]! >> shift) & 1) << flag;
    }
    return mask;
  }

  /** `names` are the mailbox's keywords, by number. */
  keywords(slot: number, names: readonly string[]): readonly string[] {
    if (this.keywordCount === 0) return noKeywords;
    const row = this.#row;
    const found: string[] = [];
    for (let i = 0; i < this.keywordCount; i++) {
      const at = this.#keywordsAt + i * (bitmapBytes + 2);
      if (((row[at + 2 + (slot >> 3)]! >> (slot & 7)) & 1) === 0) continue;
      found.push(names[row[at]! * 256 + row[at + 1]!]!);
    }
    return found;
  }

  document(slot: number): number {
    return u32At(this.#row, this.#slotsAt + slot * 4);
  }

  modseq(slot: number): number {
    return this.#lowestModseq + u32At(this.#row, this.#slotsAt + (this.#slots + slot) * 4);
  }
}

const noKeywords: readonly string[] = [];
