/**
 * A prefix code of DEFLATE: made from the lengths of its words, read from the low bits of a word.
 *
 * Runs in:   anywhere; pure; hot.
 * Specs:     RFC 1951 §3.2.2, §3.2.6.
 * Invariant: never throws and never reads past the bits it is given, whatever lengths it was made from.
 */

const lengthMax = 15;
const fastBits = 9;
const fastMask = (1 << fastBits) - 1;

/** More bits are needed to tell. */
export const needsBits = -1;
/** No word of the code begins so. */
export const noWord = -2;

export class PrefixCode {
  /** Bits the word read last had. */
  bits = 0;
  /** `symbol << 4 | length` by the next `fastBits` bits; 0: the word is longer. */
  readonly #fast = new Uint16Array(1 << fastBits);
  readonly #counts = new Uint16Array(lengthMax + 1);
  /** By length, then by value. */
  readonly #symbols: Uint16Array;

  private constructor(lengths: Uint8Array) {
    this.#symbols = new Uint16Array(lengths.length);
    for (const length of lengths) this.#counts[length]!++;
    this.#counts[0] = 0;
    const next = new Uint16Array(lengthMax + 2);
    const place = new Uint16Array(lengthMax + 2);
    for (let length = 1; length <= lengthMax; length++) {
      next[length + 1] = (next[length]! + this.#counts[length]!) << 1;
      place[length + 1] = place[length]! + this.#counts[length]!;
    }
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      const length = lengths[symbol]!;
      if (length === 0) continue;
      this.#symbols[place[length]!++] = symbol;
      const word = next[length]!++;
      if (length <= fastBits) this.#fill(symbol, length, reversed(word, length));
    }
  }

  /**
   * Undefined: more words than fit, or too few (allowed where `mayLackWords`: none, or a single one of one bit).
   */
  static of(lengths: Uint8Array, mayLackWords = false): PrefixCode | undefined {
    let left = 1 << lengthMax;
    let longest = 0;
    for (const length of lengths) {
      if (length === 0) continue;
      left -= 1 << (lengthMax - length);
      longest = Math.max(longest, length);
    }
    if (left < 0) return undefined;
    if (left > 0 && !(mayLackWords && longest <= 1)) return undefined;
    return new PrefixCode(lengths);
  }

  /** The symbol at the low end of `hold`, of which `held` bits are known; or `needsBits`, `noWord`. */
  read(hold: number, held: number): number {
    const entry = this.#fast[hold & fastMask]!;
    if (entry !== 0) {
      this.bits = entry & 15;
      return this.bits <= held ? entry >> 4 : needsBits;
    }
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= lengthMax; length++) {
      if (length > held) return needsBits;
      code |= (hold >>> (length - 1)) & 1;
      const count = this.#counts[length]!;
      if (code - count < first) {
        this.bits = length;
        return this.#symbols[index + code - first]!;
      }
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return noWord;
  }

  #fill(symbol: number, length: number, word: number): void {
    const entry = (symbol << 4) | length;
    for (let at = word; at <= fastMask; at += 1 << length) this.#fast[at] = entry;
  }
}

/** Words stand in the stream with their first bit lowest. */
function reversed(word: number, length: number): number {
  let turned = 0;
  for (let i = 0; i < length; i++) turned |= ((word >> i) & 1) << (length - 1 - i);
  return turned;
}
