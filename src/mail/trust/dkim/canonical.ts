/**
 * The forms in which DKIM hashes headers and bodies.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 6376 §3.4 (canonicalisation), §3.7 (hash inputs).
 * Invariant: a body is read once, part by part, and never copied whole.
 */

import { Buffer } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';
import { endianness } from 'node:os';
import { view } from '../../../base/bytes.ts';

export type CanonicalForm = 'relaxed' | 'simple';

/** A field as the signature covers it: its name in lower case, and its bytes with the last line break. */
export interface DkimField {
  readonly name: string;
  readonly raw: Uint8Array;
}

const lineFeed = 10;
const carriageReturn = 13;
const space = 32;
const tab = 9;

/** Base64 of the SHA-256 of the body's canonical form. */
export function bodyHash(parts: readonly Uint8Array[], form: CanonicalForm): string {
  return limitedBodyHash(parts, form, Number.POSITIVE_INFINITY).hash;
}

/** What a signature with a limit covers, and what it does not. */
export interface LimitedHash {
  /** Base64 of the SHA-256 of what is covered. */
  readonly hash: string;
  /** Of the canonical form, how many bytes the hash does not cover. */
  readonly uncovered: number;
}

/** RFC 6376 §3.5 `l=`: of the body's canonical form only the first `limit` bytes are hashed; `Infinity`: all of it. */
export function limitedBodyHash(
  parts: readonly Uint8Array[],
  form: CanonicalForm,
  limit: number,
): LimitedHash {
  const hash = createHash('sha256');
  const body = new CanonicalBody(hash, form === 'relaxed', limit);
  for (const part of parts) body.add(part);
  body.end();
  return { hash: hash.digest('base64'), uncovered: body.uncovered };
}

/** A body hashed as it comes, part by part, with other work between the parts. */
export class BodyHasher {
  readonly #hash = createHash('sha256');
  readonly #body: CanonicalBody;

  constructor(form: CanonicalForm) {
    this.#body = new CanonicalBody(this.#hash, form === 'relaxed');
  }

  add(part: Uint8Array): void {
    this.#body.add(part);
    this.#body.pause();
  }

  /** Base64 of the SHA-256; once. */
  end(): string {
    this.#body.end();
    return this.#hash.digest('base64');
  }
}

/** `Name: value` in one line with single spaces: most fields, and only the name's case may differ. */
const isNearlyCanonical = /^[^:\s]+: [^\s]+(?: [^\s]+)*\r\n$/;

/** One field's canonical form with its line break, as latin1 text: one character per byte. */
export function canonicalField(raw: Uint8Array, form: CanonicalForm): string {
  const text = view(raw).toString('latin1');
  return form === 'simple' ? text : relaxedField(text);
}

/** The relaxed form of a field given as latin1 text with its line break. */
export function relaxedField(text: string): string {
  const colon = text.indexOf(':');
  const name = text.slice(0, colon).trimEnd().toLowerCase();
  if (isNearlyCanonical.test(text)) return `${name}:${text.slice(colon + 2)}`;
  const value = text
    .slice(colon + 1)
    // RFC 6376 §3.4.2: unfold, reduce white space to one space, remove it at the ends.
    .replace(/\r?\n/g, '')
    .replace(/[ \t]+/g, ' ')
    .replace(/^ | $/g, '');
  return `${name}:${value}\r\n`;
}

const noWords = new Uint32Array(0);
const isLittleEndian = endianness() === 'LE';

/** The part as words where they lie aligned in memory; the first of them may start up to 3 bytes into the part. */
function wordsOf(part: Uint8Array): Uint32Array {
  const skipped = -part.byteOffset & 3;
  const count = Math.max(0, part.length - skipped) >> 2;
  if (count === 0 || !isLittleEndian) return noWords;
  return new Uint32Array(part.buffer, part.byteOffset + skipped, count);
}

/**
 * From an ordinary byte over words that stay as they are: without control characters, and in the relaxed form with
 * single spaces only. Text has a space in every other word: a branch for each costs more than this arithmetic.
 */
function afterWords(
  part: Uint8Array,
  words: Uint32Array,
  from: number,
  isRelaxed: boolean,
): number {
  const skipped = -part.byteOffset & 3;
  let at = from;
  while (((at - skipped) & 3) !== 0) {
    if (at >= part.length || part[at]! <= space) return at;
    at++;
  }
  let index = (at - skipped) >> 2;
  /** Whether the word before ended with a space, as its highest bit. */
  let carried = 0;
  for (; index < words.length; index++) {
    const word = words[index]!;
    // Nonzero where a byte is below 0x20; bytes over 0x7f are none of those.
    if (((word - 0x20202020) & ~word & 0x80808080) !== 0) break;
    if (isRelaxed) {
      const other = word ^ 0x20202020;
      // The high bit of each byte that is a space, and of no other.
      const spaces = ~(((other & 0x7f7f7f7f) + 0x7f7f7f7f) | 0 | other | 0x7f7f7f7f);
      if ((spaces & ((spaces << 8) | carried)) !== 0) break;
      carried = (spaces >>> 24) & 0x80;
    }
  }
  at = (index << 2) + skipped;
  // What follows this space decides what becomes of it.
  return carried === 0 ? at : at - 1;
}

const scratchBytes = 16_384;
/** Shared by all bodies of a thread: each is hashed to its end without a pause, or emptied at one. */
const scratch = Buffer.allocUnsafeSlow(scratchBytes);

/**
 * Hashes a body's canonical form. What is canonical already is taken in runs; only at white space and line ends that
 * may have to change does it go byte by byte.
 */
class CanonicalBody {
  readonly #hash: Hash;
  readonly #isRelaxed: boolean;
  /** Bytes that may still be hashed. */
  #left: number;
  #uncovered = 0;
  #filled = 0;
  #isEmpty = true;
  /** Line ends met and not yet hashed: at the end of the body they are dropped. */
  #lines = 0;
  /** White space met and not yet hashed: at the end of a line it is dropped. */
  #hasSpace = false;
  #hasReturn = false;

  constructor(hash: Hash, isRelaxed: boolean, limit = Number.POSITIVE_INFINITY) {
    this.#hash = hash;
    this.#isRelaxed = isRelaxed;
    this.#left = limit;
  }

  /** Bytes of the canonical form beyond the limit; whole after `end`. */
  get uncovered(): number {
    return this.#uncovered;
  }

  add(part: Uint8Array): void {
    const words = wordsOf(part);
    let at = 0;
    while (at < part.length) {
      at = this.#slow(part, at);
      if (at === part.length) return;
      const end = this.#endOfRun(part, words, at);
      this.#append(part, at, end);
      at = end;
    }
  }

  /** Another body may be hashed before the next part of this one. */
  pause(): void {
    this.#flush();
  }

  end(): void {
    if (this.#hasReturn) this.#ordinary(carriageReturn);
    // RFC 6376 §3.4.3: the simple form of an empty body is one line end; §3.4.4: the relaxed one is nothing.
    if (!this.#isEmpty || !this.#isRelaxed) {
      this.#lines = 1;
      this.#writeLines();
    }
    this.#flush();
  }

  /** From an ordinary byte to where the canonical form may differ from what stands there. */
  #endOfRun(part: Uint8Array, words: Uint32Array, from: number): number {
    const { length } = part;
    const isRelaxed = this.#isRelaxed;
    for (let at = afterWords(part, words, from, isRelaxed); at < length; at++) {
      const byte = part[at]!;
      if (byte > space) continue;
      if (byte === space) {
        if (isRelaxed && !(at + 1 < length && part[at + 1]! > space)) return at;
      } else if (byte === carriageReturn) {
        // One line end that an ordinary byte follows stays as it is.
        if (!(at + 2 < length && part[at + 1] === lineFeed && part[at + 2]! > space)) return at;
        at = afterWords(part, words, at + 2, isRelaxed) - 1;
      } else if (byte === lineFeed || (isRelaxed && byte === tab)) return at;
    }
    return length;
  }

  /** Takes white space and line ends up to the next ordinary byte, and hashes what they come to. */
  #slow(part: Uint8Array, from: number): number {
    for (let at = from; at < part.length; at++) {
      const byte = part[at]!;
      if (byte === lineFeed) {
        this.#hasReturn = false;
        this.#hasSpace = false;
        this.#lines++;
        continue;
      }
      if (this.#hasReturn) this.#ordinary(carriageReturn);
      if (byte === carriageReturn) this.#hasReturn = true;
      else if (this.#isRelaxed && (byte === space || byte === tab)) this.#hasSpace = true;
      else {
        this.#writePending();
        return at;
      }
    }
    return part.length;
  }

  #ordinary(byte: number): void {
    this.#hasReturn = false;
    this.#writePending();
    this.#write(byte);
    this.#isEmpty = false;
  }

  #writePending(): void {
    this.#writeLines();
    if (this.#hasSpace) this.#write(space);
    this.#hasSpace = false;
  }

  #writeLines(): void {
    for (; this.#lines > 0; this.#lines--) {
      this.#write(carriageReturn);
      this.#write(lineFeed);
    }
  }

  #write(byte: number): void {
    if (this.#filled === scratchBytes) this.#flush();
    scratch[this.#filled++] = byte;
  }

  #append(part: Uint8Array, from: number, to: number): void {
    this.#isEmpty = false;
    const count = to - from;
    if (this.#filled + count > scratchBytes) this.#flush();
    if (count > scratchBytes) this.#take(part.subarray(from, to));
    else if (count > 48) {
      scratch.set(part.subarray(from, to), this.#filled);
      this.#filled += count;
    } else {
      // Short runs: a call costs more than the bytes.
      let filled = this.#filled;
      for (let at = from; at < to; at++) scratch[filled++] = part[at]!;
      this.#filled = filled;
    }
  }

  #flush(): void {
    if (this.#filled > 0) this.#take(scratch.subarray(0, this.#filled));
    this.#filled = 0;
  }

  #take(bytes: Uint8Array): void {
    const covered = Math.min(bytes.length, this.#left);
    if (covered > 0) this.#hash.update(bytes.subarray(0, covered));
    this.#left -= covered;
    this.#uncovered += bytes.length - covered;
  }
}
