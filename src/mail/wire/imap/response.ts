/**
 * Writes responses as octets: into blocks, with long values as views or handles between them.
 *
 * Runs in:   anywhere; pure; hot. What is short is copied into the block; what is long is handed on as it is, so a
 *            message's octets are never copied and never a string.
 * Specs:     RFC 9051 §4 (data formats), §9 (string, astring, literal, literal8); RFC 9755 §3 (UTF-8 in quoted
 *            strings); RFC 3501 §5.1.3 (modified UTF-7).
 * Limits:    blocks of `blockBytes`; quoted strings up to `quotedBytesMax`, longer ones go as literals.
 * Invariant: whatever text is put in, the response stays one: line breaks travel in literals alone, NUL never. What
 *            `take` handed out is never written again.
 */

import { Buffer } from 'node:buffer';
import { encodeMutf7 } from './mailbox-name.ts';
import {
  backslash,
  carriageReturn,
  classAstring,
  classes,
  digit0,
  lineFeed,
  quote,
  space,
} from './octets.ts';

const blockBytes = 16_384;
/** From here on a value becomes a piece of its own. */
const viewBytesMin = 2_048;
/** Clients may bound the length of a line. */
const quotedBytesMax = 1_000;
/** Where writing natively begins to pay. */
const nearCharacters = 24;

/** Numbers of 31 bits have ten digits at most. */
const smallMax = 0x7fff_ffff;
const digitsMax = 10;

const nothing = Buffer.alloc(0);
const needsCare = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;

interface WriterMark {
  readonly pieces: number;
  readonly block: Buffer;
  readonly at: number;
  readonly cut: number;
  readonly bytes: number;
}

/** `Handle` is what a session streams itself: a lease of a message's octets. */
export class ResponseWriter<Handle = never> {
  /** Quoted strings may hold UTF-8, and names are UTF-8: UTF8=ACCEPT or IMAP4rev2 is enabled. */
  isUtf8: boolean;
  /** Octets written since `take`, those of handles among them. */
  bytes = 0;

  #pieces: (Uint8Array | Handle)[] = [];
  #block: Buffer = nothing;
  /** Of the block, what was written and what of it is not yet a piece. */
  #at = 0;
  #cut = 0;

  constructor(isUtf8 = false) {
    this.isUtf8 = isUtf8;
  }

  /** What was written, in order; the writer begins anew. */
  take(): (Uint8Array | Handle)[] {
    this.#cutBlock();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.bytes = 0;
    return pieces;
  }

  /** ASCII of our own, as it stands. */
  text(ascii: string): this {
    const length = ascii.length;
    if (length > this.#block.length - this.#at) {
      if (length >= viewBytesMin) return this.view(Buffer.from(ascii, 'latin1'));
      this.#renew();
    }
    const block = this.#block;
    let at = this.#at;
    if (length <= nearCharacters) {
      for (let i = 0; i < length; i++) block[at++] = ascii.charCodeAt(i);
      this.#at = at;
    } else {
      this.#at = at + block.write(ascii, at, length, 'latin1');
    }
    this.bytes += length;
    return this;
  }

  /** One octet. */
  octet(octet: number): this {
    if (this.#at === this.#block.length) this.#renew();
    this.#block[this.#at++] = octet;
    this.bytes++;
    return this;
  }

  /** A whole number from 0 to 2^53 - 1. */
  number(value: number): this {
    if (value > smallMax) return this.text(String(value));
    if (digitsMax > this.#block.length - this.#at) this.#renew();
    const end = putNumber(this.#block, this.#at, value);
    this.bytes += end - this.#at;
    this.#at = end;
    return this;
  }

  /** A number between few octets, which are copied. */
  numberBetween(before: Uint8Array, value: number, after: Uint8Array): this {
    if (value > smallMax) return this.copy(before).number(value).copy(after);
    const most = before.length + digitsMax + after.length;
    if (most > this.#block.length - this.#at) this.#renew();
    const block = this.#block;
    let at = this.#at;
    for (let i = 0; i < before.length; i++) block[at++] = before[i]!;
    at = putNumber(block, at, value);
    for (let i = 0; i < after.length; i++) block[at++] = after[i]!;
    this.bytes += at - this.#at;
    this.#at = at;
    return this;
  }

  /** All numbers from `first` to `last`, each behind a space. */
  spacedNumbers(first: number, last: number): this {
    for (let next = first; next <= last; ) {
      if (last > smallMax) return this.#spacedSlowly(next, last);
      if (digitsMax >= this.#block.length - this.#at) this.#renew();
      const block = this.#block;
      const end = block.length - digitsMax;
      let at = this.#at;
      for (; next <= last && at < end; next++) {
        block[at] = space;
        at = putNumber(block, at + 1, next);
      }
      this.bytes += at - this.#at;
      this.#at = at;
    }
    return this;
  }

  /** Octets as they stand: copied where they are few, else the view itself. */
  view(octets: Uint8Array): this {
    const length = octets.byteLength;
    if (length >= viewBytesMin) {
      this.#cutBlock();
      this.#pieces.push(octets);
    } else {
      if (length > this.#block.length - this.#at) this.#renew();
      this.#block.set(octets, this.#at);
      this.#at += length;
    }
    this.bytes += length;
    return this;
  }

  /** As `view`, of octets that will be written over: all of them are copied. */
  copy(octets: Uint8Array): this {
    const length = octets.byteLength;
    for (let from = 0; from < length; ) {
      if (this.#at === this.#block.length) this.#renew();
      const room = Math.min(length - from, this.#block.length - this.#at);
      const some = room === length ? octets : octets.subarray(from, from + room);
      this.#block.set(some, this.#at);
      this.#at += room;
      from += room;
    }
    this.bytes += length;
    return this;
  }

  /** As `copy`, of a part of them: without a view of it. */
  copyPart(octets: Buffer, from: number, to: number): this {
    const length = to - from;
    if (length > this.#block.length - this.#at) return this.copy(octets.subarray(from, to));
    octets.copy(this.#block, this.#at, from, to);
    this.#at += length;
    this.bytes += length;
    return this;
  }

  /** Where the writer stands; `rewind` forgets what was written since, within one `take`. */
  mark(): WriterMark {
    const { bytes } = this;
    const [pieces, block, at, cut] = [this.#pieces.length, this.#block, this.#at, this.#cut];
    return { pieces, block, at, cut, bytes };
  }

  rewind({ pieces, block, at, cut, bytes }: WriterMark): void {
    this.#pieces.length = pieces;
    this.#block = block;
    this.#at = at;
    this.#cut = cut;
    this.bytes = bytes;
  }

  /** A literal whose octets are at hand. */
  literal(octets: Uint8Array): this {
    return this.#mark(octets.byteLength, false).view(octets);
  }

  /** A literal of any octets, NUL too (`~{n}`, RFC 3516 §4.2.3). */
  literal8(octets: Uint8Array): this {
    return this.#mark(octets.byteLength, true).view(octets);
  }

  /** A literal whose `bytes` octets the taker of the pieces puts in place of `handle`. */
  literalHandle(handle: Handle, bytes: number, isBinary = false): this {
    this.#mark(bytes, isBinary);
    this.#cutBlock();
    this.#pieces.push(handle);
    this.bytes += bytes;
    return this;
  }

  /** Quoted, or a literal where it must be. */
  string(text: string): this {
    if (text.length <= quotedBytesMax) {
      if (!needsCare.test(text)) return this.octet(quote).text(text).octet(quote);
    }
    return this.stringBytes(Buffer.from(text.toWellFormed(), 'utf8'));
  }

  nstring(text: string | null | undefined): this {
    return text === null || text === undefined ? this.text('NIL') : this.string(text);
  }

  /** `octets` are UTF-8. */
  stringBytes(octets: Uint8Array): this {
    let ors = 0;
    let escapes = 0;
    let hasBreak = false;
    let hasNul = false;
    for (const octet of octets) {
      ors |= octet;
      if (octet === quote || octet === backslash) escapes++;
      else if (octet === carriageReturn || octet === lineFeed) hasBreak = true;
      else if (octet === 0) hasNul = true;
    }
    if (hasNul) return this.stringBytes(octets.filter((octet) => octet !== 0));
    if (hasBreak || octets.byteLength > quotedBytesMax || (ors >= 0x80 && !this.isUtf8)) {
      return this.literal(octets);
    }
    this.octet(quote);
    if (escapes === 0) return this.view(octets).octet(quote);
    for (const octet of octets) {
      if (octet === quote || octet === backslash) this.octet(backslash);
      this.octet(octet);
    }
    return this.octet(quote);
  }

  /** An atom where it can be one. */
  astring(text: string): this {
    return isAstringAtom(text) ? this.text(text) : this.string(text);
  }

  /** A mailbox's name (canonical, Unicode) as this client reads names. */
  mailbox(name: string): this {
    return this.astring(this.isUtf8 ? name : encodeMutf7(name));
  }

  crlf(): this {
    return this.octet(carriageReturn).octet(lineFeed);
  }

  #spacedSlowly(first: number, last: number): this {
    for (let number = first; number <= last; number++) this.octet(space).number(number);
    return this;
  }

  #mark(bytes: number, isBinary: boolean): this {
    return this.text(isBinary ? '~{' : '{')
      .number(bytes)
      .text('}\r\n');
  }

  #cutBlock(): void {
    if (this.#at === this.#cut) return;
    this.#pieces.push(this.#block.subarray(this.#cut, this.#at));
    this.#cut = this.#at;
  }

  #renew(): void {
    this.#cutBlock();
    this.#block = Buffer.allocUnsafeSlow(blockBytes);
    this.#at = 0;
    this.#cut = 0;
  }
}

/** Writes a number of 31 bits at `at`, where there is room for `digitsMax`; where it ends. */
function putNumber(block: Buffer, at: number, value: number): number {
  let end = at + 1;
  for (let bound = 10; bound <= value; bound *= 10) end++;
  let rest = value | 0;
  for (let i = end - 1; i >= at; i--) {
    const tens = (rest / 10) | 0;
    block[i] = digit0 + rest - tens * 10;
    rest = tens;
  }
  return end;
}

function isAstringAtom(text: string): boolean {
  if (text.length === 0 || text.length > quotedBytesMax) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7e || (classes[code]! & classAstring) === 0) return false;
  }
  // A client might take it for the absence of a string.
  return text.length !== 3 || text.toUpperCase() !== 'NIL';
}
