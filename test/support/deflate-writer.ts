/** Writes DEFLATE blocks with codes a test chooses, as no compressor would (RFC 1951). */

import { Buffer } from 'node:buffer';

/** In which order the lengths of the code for lengths come. */
const codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** Lengths 0 to 15 in four bits each, and no repetitions. */
const lengthLengths = Array.from({ length: 19 }, (_, symbol) => (symbol < 16 ? 4 : 0));

interface Word {
  readonly bits: number;
  readonly value: number;
}

function wordsOf(lengths: readonly number[]): readonly Word[] {
  const next = new Map<number, number>();
  let first = 0;
  for (let bits = 1; bits <= 15; bits++) {
    first = (first + lengths.filter((length) => length > 0 && length === bits - 1).length) << 1;
    next.set(bits, first);
  }
  return lengths.map((bits) => {
    const value = next.get(bits) ?? 0;
    next.set(bits, value + 1);
    return { bits, value };
  });
}

export class DeflateWriter {
  readonly #octets: number[] = [];
  #octet = 0;
  #bits = 0;
  #literals: readonly Word[] = [];
  #distances: readonly Word[] = [];

  /** A block with codes of its own, given by the lengths of their words. */
  startBlock(literals: readonly number[], distances: readonly number[]): void {
    this.#put(0b100, 3);
    this.#put(literals.length - 257, 5);
    this.#put(distances.length - 1, 5);
    this.#put(codeOrder.length - 4, 4);
    for (const symbol of codeOrder) this.#put(lengthLengths[symbol]!, 3);
    const words = wordsOf(lengthLengths);
    for (const length of [...literals, ...distances]) this.#word(words[length]!);
    this.#literals = wordsOf(literals);
    this.#distances = wordsOf(distances);
  }

  literal(symbol: number): void {
    this.#word(this.#literals[symbol]!);
  }

  distance(symbol: number, more: number, moreBits: number): void {
    this.#word(this.#distances[symbol]!);
    this.#put(more, moreBits);
  }

  /** All of it, with the empty stored block of a flush behind. */
  flushed(): Buffer {
    this.#put(0, 3);
    while (this.#bits > 0) this.#put(0, 1);
    return Buffer.from([...this.#octets, 0, 0, 0xff, 0xff]);
  }

  /** Words stand with their first bit lowest. */
  #word({ bits, value }: Word): void {
    for (let i = bits - 1; i >= 0; i--) this.#put((value >> i) & 1, 1);
  }

  #put(value: number, bits: number): void {
    for (let i = 0; i < bits; i++) {
      this.#octet |= ((value >> i) & 1) << this.#bits++;
      if (this.#bits < 8) continue;
      this.#octets.push(this.#octet);
      this.#octet = 0;
      this.#bits = 0;
    }
  }
}
