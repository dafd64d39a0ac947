/**
 * Takes a compressed stream apart as it comes, a bounded piece at a time.
 *
 * Runs in:   anywhere; pure; hot. It is pulled: `give` a chunk, then ask `next` until it has no more. Node's own has no
 *            call that waits for nothing and keeps its state, shows neither how far it expanded nor whether the other
 *            side flushed, and costs 40 kB while a client says nothing.
 * Specs:     RFC 1951 (DEFLATE).
 * Limits:    `pieceBytesMax` octets a piece and a copy, and `pieceCodesMax` blocks with codes of their own; a window of
 *            64 kB at most, and nothing but what came (32 kB at most) after `rest`.
 * Invariant: never throws. How the stream was cut changes nothing but where pieces are cut. Pieces that were handed
 *            out are never written again.
 */

import { Buffer } from 'node:buffer';
import { needsBits, noWord, PrefixCode } from './prefix-code.ts';

export const pieceBytesMax = 16_384;
/** To make a block's codes takes as long as thousands of octets, and a block may be empty. */
export const pieceCodesMax = 25;
const historyBytesMax = 32_768;
const windowBytesMax = 2 * historyBytesMax;
const windowBytesMin = 512;
/** The longest copy. */
const copyBytesMax = 258;

/** `bad`: this is no such stream. `ended`: its last block came, after which nothing can. */
export type InflateFault = 'bad' | 'ended';

const blockHead = 0;
const storedLength = 1;
const storedOctets = 2;
const codeCounts = 3;
const codeLengths = 4;
const wordLengths = 5;
const words = 6;
const distance = 7;
const distanceRest = 8;
const over = 9;

const nothing = Buffer.alloc(0);
const lengthBases = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
];
const lengthBits = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
const distanceBases = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
const distanceBits = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
/** In which order the lengths of the code for lengths come. */
const codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const endOfBlock = 256;

function fixedLengths(): Uint8Array {
  return new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
}
const fixedLiterals = PrefixCode.of(fixedLengths())!;
const fixedDistances = PrefixCode.of(new Uint8Array(32).fill(5))!;

export class Inflater {
  fault: InflateFault | undefined;
  /** Octets taken in and given out so far. */
  takenBytes = 0;
  givenBytes = 0;

  #chunk: Buffer = nothing;
  #from = 0;
  /** Bits read from the chunk and not used, the next one lowest. */
  #hold = 0;
  #held = 0;
  #state = blockHead;
  #isLast = false;
  /** What came out: history, then what was not shown yet from `#shown` to `#at`. */
  #window: Buffer = nothing;
  #at = 0;
  #shown = 0;
  /** Where the piece under way ends, but for the rest of a copy. */
  #end = 0;
  #literals = fixedLiterals;
  #distances = fixedDistances;
  /** Octets of a stored block that are missing, or of a copy whose distance is. */
  #count = 0;
  /** Of the distance whose last bits are missing. */
  #symbol = 0;
  /** Codes that may yet be made for the piece under way. */
  #codesLeft = pieceCodesMax;
  /** While a block's codes are read. */
  #lengths: Uint8Array = nothing;
  #lengthCount = 0;
  #literalCount = 0;
  #codeCount = 0;

  /** Kept until `next` has no more. To be called when it has none. */
  give(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#from = 0;
    this.takenBytes += chunk.length;
  }

  /** The next octets, none where much was read for nothing; undefined: there are no more, or there is a fault. */
  next(): Buffer | undefined {
    this.#makeRoom();
    this.#end = Math.min(this.#shown + pieceBytesMax, this.#window.length - copyBytesMax);
    this.#codesLeft = pieceCodesMax;
    while (this.fault === undefined && this.#at < this.#end && this.#step()) {}
    const isPiece = this.#at > this.#shown || this.#codesLeft === 0;
    const piece = isPiece ? Buffer.from(this.#unshown()) : undefined;
    if (piece === undefined) {
      this.#chunk = nothing;
      this.#from = 0;
    }
    this.givenBytes += this.#at - this.#shown;
    this.#shown = this.#at;
    return piece;
  }

  /** Everything given was used, and the other side had flushed. */
  get isAtRest(): boolean {
    const isUsed = this.#held === 0 && this.#from >= this.#chunk.length;
    return isUsed && this.#state === blockHead && this.#shown === this.#at;
  }

  /** Lets go of all but the history once everything given was used; of a block under way its codes stay. */
  rest(): void {
    if (this.#from < this.#chunk.length || this.#shown < this.#at) return;
    this.#slide();
    if (this.#window.length > this.#at) {
      const kept = Buffer.allocUnsafeSlow(this.#at);
      this.#window.copy(kept, 0, 0, this.#at);
      this.#window = kept;
    }
    if (this.#state !== blockHead) return;
    this.#literals = fixedLiterals;
    this.#distances = fixedDistances;
  }

  #unshown(): Buffer {
    return this.#window.subarray(this.#shown, this.#at);
  }

  #makeRoom(): void {
    if (this.#window.length - this.#at > copyBytesMax) return;
    if (this.#window.length < windowBytesMax) {
      const bytes = Math.max(windowBytesMin, 2 * this.#window.length, this.#at + 2 * copyBytesMax);
      const grown = Buffer.allocUnsafeSlow(Math.min(windowBytesMax, bytes));
      this.#window.copy(grown, 0, 0, this.#at);
      this.#window = grown;
    } else this.#slide();
  }

  #slide(): void {
    const away = this.#at - historyBytesMax;
    if (away <= 0 || this.#shown < this.#at) return;
    this.#window.copyWithin(0, away, this.#at);
    this.#at -= away;
    this.#shown = this.#at;
  }

  /** False: the chunk is used up, or there is a fault. */
  #step(): boolean {
    switch (this.#state) {
      case blockHead:
        return this.#readHead();
      case storedLength:
        return this.#readStoredLength();
      case storedOctets:
        return this.#copyStored();
      case codeCounts:
        return this.#readCounts();
      case codeLengths:
        return this.#readCodeLength();
      case wordLengths:
        return this.#readWordLength();
      case words:
        return this.#readWord();
      case distance:
        return this.#readDistance();
      case distanceRest:
        return this.#copy();
      default:
        // Octets behind the last block are of nobody.
        return this.#fail('ended');
    }
  }

  /** Up to 32 bits are at hand after it, all there are where fewer. */
  #refill(): void {
    while (this.#held <= 24 && this.#from < this.#chunk.length) {
      this.#hold |= this.#chunk[this.#from++]! << this.#held;
      this.#held += 8;
    }
  }

  /** The next `count` bits (24 at most), or -1. */
  #bits(count: number): number {
    if (this.#held < count) this.#refill();
    if (this.#held < count) return -1;
    const bits = this.#hold & ((1 << count) - 1);
    this.#drop(count);
    return bits;
  }

  #drop(count: number): void {
    this.#hold >>>= count;
    this.#held -= count;
  }

  #fail(fault: InflateFault): false {
    this.fault = fault;
    return false;
  }

  #readHead(): boolean {
    if (this.#isLast) {
      this.#state = over;
      return this.#fail('ended');
    }
    const head = this.#bits(3);
    if (head < 0) return false;
    this.#isLast = (head & 1) === 1;
    const kind = head >> 1;
    if (kind === 0) {
      this.#drop(this.#held & 7);
      this.#state = storedLength;
    } else if (kind === 1) {
      this.#literals = fixedLiterals;
      this.#distances = fixedDistances;
      this.#state = words;
    } else if (kind === 2) this.#state = codeCounts;
    else return this.#fail('bad');
    return true;
  }

  #readStoredLength(): boolean {
    // Whole octets are held here: four of them are length and its complement.
    if (this.#held < 32) this.#refill();
    if (this.#held < 32) return false;
    const length = this.#hold & 0xffff;
    if (length !== ~this.#hold >>> 16) return this.#fail('bad');
    this.#hold = 0;
    this.#held = 0;
    this.#count = length;
    this.#state = length > 0 ? storedOctets : blockHead;
    return true;
  }

  #copyStored(): boolean {
    const here = Math.min(this.#count, this.#chunk.length - this.#from, this.#end - this.#at);
    if (here === 0) return false;
    this.#chunk.copy(this.#window, this.#at, this.#from, this.#from + here);
    this.#from += here;
    this.#at += here;
    this.#count -= here;
    if (this.#count === 0) this.#state = blockHead;
    return true;
  }

  #readCounts(): boolean {
    if (this.#codesLeft === 0) return false;
    const counts = this.#bits(14);
    if (counts < 0) return false;
    this.#codesLeft--;
    this.#literalCount = (counts & 31) + 257;
    const distanceCount = ((counts >> 5) & 31) + 1;
    if (this.#literalCount > 286 || distanceCount > 30) return this.#fail('bad');
    this.#lengths = new Uint8Array(this.#literalCount + distanceCount + codeOrder.length);
    this.#codeCount = (counts >> 10) + 4;
    this.#lengthCount = 0;
    this.#state = codeLengths;
    return true;
  }

  /** The lengths of the code for lengths stand behind the place of those it is for. */
  #readCodeLength(): boolean {
    const codeAt = this.#lengths.length - codeOrder.length;
    while (this.#lengthCount < this.#codeCount) {
      const length = this.#bits(3);
      if (length < 0) return false;
      this.#lengths[codeAt + codeOrder[this.#lengthCount++]!] = length;
    }
    const code = PrefixCode.of(this.#lengths.subarray(codeAt));
    if (code === undefined) return this.#fail('bad');
    this.#literals = code;
    this.#lengthCount = 0;
    this.#state = wordLengths;
    return true;
  }

  #readWordLength(): boolean {
    const count = this.#lengths.length - codeOrder.length;
    while (this.#lengthCount < count) {
      if (this.#held < 14) this.#refill();
      const code = this.#literals;
      const symbol = code.read(this.#hold, this.#held);
      if (symbol === noWord) return this.#fail('bad');
      const extra = symbol < 16 ? 0 : symbol === 16 ? 2 : symbol === 17 ? 3 : 7;
      if (symbol === needsBits || this.#held < code.bits + extra) return false;
      this.#drop(code.bits);
      const more = extra === 0 ? 0 : this.#bits(extra);
      if (symbol < 16) this.#lengths[this.#lengthCount++] = symbol;
      else if (!this.#repeatLength(symbol, more, count)) return this.#fail('bad');
    }
    return this.#makeCodes(count);
  }

  #repeatLength(symbol: number, more: number, count: number): boolean {
    const at = this.#lengthCount;
    if (symbol === 16 && at === 0) return false;
    const length = symbol === 16 ? this.#lengths[at - 1]! : 0;
    const end = at + more + (symbol === 18 ? 11 : 3);
    if (end > count) return false;
    this.#lengths.fill(length, at, end);
    this.#lengthCount = end;
    return true;
  }

  #makeCodes(count: number): boolean {
    const literals = PrefixCode.of(this.#lengths.subarray(0, this.#literalCount), true);
    const distances = PrefixCode.of(this.#lengths.subarray(this.#literalCount, count), true);
    if (literals === undefined || distances === undefined || this.#lengths[endOfBlock] === 0) {
      return this.#fail('bad');
    }
    this.#literals = literals;
    this.#distances = distances;
    this.#lengths = nothing;
    this.#state = words;
    return true;
  }

  /** Literals up to the next copy or the block's end. */
  #readWord(): boolean {
    const code = this.#literals;
    while (this.#at < this.#end) {
      if (this.#held < 20) this.#refill();
      const symbol = code.read(this.#hold, this.#held);
      if (symbol < 0) return symbol === noWord ? this.#fail('bad') : false;
      if (symbol < endOfBlock) {
        this.#drop(code.bits);
        this.#window[this.#at++] = symbol;
        continue;
      }
      if (symbol === endOfBlock) {
        this.#drop(code.bits);
        this.#state = blockHead;
        return true;
      }
      const place = symbol - endOfBlock - 1;
      if (place >= lengthBases.length) return this.#fail('bad');
      const extra = lengthBits[place]!;
      if (this.#held < code.bits + extra) return false;
      this.#drop(code.bits);
      this.#count = lengthBases[place]! + (extra === 0 ? 0 : this.#bits(extra));
      this.#state = distance;
      return true;
    }
    return true;
  }

  #readDistance(): boolean {
    if (this.#held < 15) this.#refill();
    const code = this.#distances;
    const symbol = code.read(this.#hold, this.#held);
    if (symbol < 0) return symbol === noWord ? this.#fail('bad') : false;
    if (symbol >= distanceBases.length) return this.#fail('bad');
    this.#drop(code.bits);
    this.#symbol = symbol;
    this.#state = distanceRest;
    return this.#copy();
  }

  /** A distance has up to 28 bits: more than are sure to be held at once. */
  #copy(): boolean {
    const more = this.#bits(distanceBits[this.#symbol]!);
    if (more < 0) return false;
    const back = distanceBases[this.#symbol]! + more;
    if (back > this.#at) return this.#fail('bad');
    const window = this.#window;
    let at = this.#at;
    for (let i = 0; i < this.#count; i++, at++) window[at] = window[at - back]!;
    this.#at = at;
    this.#state = words;
    return true;
  }
}
