/**
 * Cuts an mbox into its messages, as the pieces of the file come.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 4155 appendix A: a message starts with a line `From ADDRESS DATE`, and an empty line is before it.
 * Limits:    a message over `messageBytesMax` is passed over and told as a fault; so is what is before the first message.
 * Invariant: a line that only begins with `From ` ends no message: the line must carry a date. Linear in the file,
 *            however its messages are cut; bytes that were handed out are never written again.
 */

import { Buffer } from 'node:buffer';
import { emptyBytes, view } from '../../../base/bytes.ts';
import { parseDate } from '../date/parse.ts';

export interface MboxMessage {
  readonly kind: 'message';
  /** Of its From_ line in the file. */
  readonly offset: number;
  /** The date of that line; as if in UTC where it names no zone. */
  readonly internalMs: number;
  /** As it stands in the file, without From_ line and the empty line at its end. */
  readonly raw: Buffer;
}

export interface MboxFault {
  readonly kind: 'fault';
  readonly offset: number;
  readonly reason: string;
}

export type MboxItem = MboxMessage | MboxFault;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const fromWord = Buffer.from('From ');
const separator = Buffer.from('\nFrom ');
/** A From_ line is one of these; a longer line is text. */
const fromLineBytesMax = 1_024;

export class MboxReader {
  readonly #bytesMax: number;
  /** What was read and belongs to no item yet. */
  #rest: Buffer = view(emptyBytes);
  /** Where `#rest` ends and more fits behind it; empty: nowhere. */
  #room: Buffer = view(emptyBytes);
  /** In the file, of the first byte of `#rest`. */
  #offset = 0;
  /** In `#rest`, from where separators are looked for. */
  #from = 0;
  /** The message under way began there, and is passed over. */
  #passedOver: number | undefined;

  constructor(messageBytesMax: number) {
    this.#bytesMax = messageBytesMax;
  }

  *push(piece: Uint8Array): IterableIterator<MboxItem> {
    this.#add(view(piece));
    yield* this.#items(false);
  }

  /** The file ends here. */
  *end(): IterableIterator<MboxItem> {
    yield* this.#items(true);
    if (this.#passedOver !== undefined) yield this.#tooLarge();
    else if (this.#rest.length > 0) yield this.#item(this.#rest);
    this.#rest = view(emptyBytes);
    this.#room = view(emptyBytes);
  }

  #add(piece: Buffer): void {
    const rest = this.#rest;
    const bytes = rest.length + piece.length;
    if (rest.length === 0) {
      this.#rest = piece;
      this.#room = view(emptyBytes);
      return;
    }
    if (piece.length > this.#room.length) {
      // Twice as much: of a message that is many pieces long each byte is copied about once.
      const most = Math.max(bytes, this.#bytesMax + fromLineBytesMax);
      const wanted = rest.length > piece.length ? Math.min(most, 2 * bytes) : bytes;
      const grown = Buffer.allocUnsafeSlow(wanted);
      rest.copy(grown);
      this.#rest = grown.subarray(0, rest.length);
      this.#room = grown.subarray(rest.length);
    }
    piece.copy(this.#room);
    const { buffer, byteOffset } = this.#rest;
    this.#rest = Buffer.from(buffer, byteOffset, bytes);
    this.#room = this.#room.subarray(piece.length);
  }

  *#items(isEnd: boolean): IterableIterator<MboxItem> {
    for (;;) {
      const next = this.#nextStart(isEnd);
      if (next === undefined) break;
      const raw = this.#rest.subarray(0, next);
      if (this.#passedOver !== undefined) yield this.#tooLarge();
      else if (next > 0) yield this.#item(raw);
      this.#drop(next);
    }
    const isShort = this.#rest.length <= this.#bytesMax + fromLineBytesMax;
    if (isShort && this.#passedOver === undefined) return;
    this.#passedOver ??= this.#offset;
    // What could be the beginning of a separator stays.
    this.#drop(Math.max(0, this.#from - 2));
    this.#rest = Buffer.from(this.#rest);
    this.#room = view(emptyBytes);
  }

  /** Where the next From_ line starts; undefined where more must be read to know. */
  #nextStart(isEnd: boolean): number | undefined {
    const rest = this.#rest;
    for (;;) {
      const found = rest.indexOf(separator, this.#from);
      if (found < 0) {
        this.#from = Math.max(this.#from, rest.length - separator.length);
        return undefined;
      }
      const start = found + 1;
      const feed = rest.indexOf(lineFeed, start);
      const isLong = (feed < 0 ? rest.length : feed) - start > fromLineBytesMax;
      if (feed < 0 && !isLong && !isEnd) {
        this.#from = found;
        return undefined;
      }
      this.#from = start;
      if (isLong || !isAfterEmptyLine(rest, found)) continue;
      const line = rest.subarray(start, feed < 0 ? rest.length : feed);
      if (fromDate(line) !== undefined) return start;
    }
  }

  #drop(bytes: number): void {
    this.#rest = this.#rest.subarray(bytes);
    this.#offset += bytes;
    this.#from = Math.max(0, this.#from - bytes);
  }

  #tooLarge(): MboxFault {
    const offset = this.#passedOver!;
    this.#passedOver = undefined;
    return { kind: 'fault', offset, reason: `a message over ${this.#bytesMax} bytes` };
  }

  #item(raw: Buffer): MboxItem {
    const offset = this.#offset;
    const feed = raw.indexOf(lineFeed);
    const line = raw.subarray(0, feed < 0 ? raw.length : feed);
    const internalMs = fromDate(line);
    if (internalMs === undefined) {
      return { kind: 'fault', offset, reason: 'no line "From ADDRESS DATE" before the text' };
    }
    const text = feed < 0 ? view(emptyBytes) : withoutLastEmptyLine(raw.subarray(feed + 1));
    if (text.length === 0) return { kind: 'fault', offset, reason: 'a message without text' };
    return { kind: 'message', offset, internalMs, raw: text };
  }
}

/** The date of a From_ line; undefined where it is none. */
function fromDate(line: Buffer): number | undefined {
  if (line.length > fromLineBytesMax || !line.subarray(0, fromWord.length).equals(fromWord)) {
    return undefined;
  }
  const words = line.toString('latin1', fromWord.length).trim();
  // The address may have spaces in quotes, or be missing: the date begins with its weekday.
  const weekday = /(?:^|\s)((?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},?\s.*)$/i.exec(words);
  if (weekday === null) return undefined;
  // Gmail's Takeout writes the zone before the year.
  const date = weekday[1]!.replace(/([+-]\d{4})\s+(\d{4})$/, '$2 $1');
  return parseDate(date)?.epochMs;
}

/** `at` is the line feed that ends the line before. */
function isAfterEmptyLine(bytes: Buffer, at: number): boolean {
  if (at === 0) return true;
  const before = bytes[at - 1] === carriageReturn ? at - 2 : at - 1;
  return before < 0 || bytes[before] === lineFeed;
}

function withoutLastEmptyLine(bytes: Buffer): Buffer {
  let end = bytes.length;
  if (bytes[end - 1] !== lineFeed) return bytes;
  end -= bytes[end - 2] === carriageReturn ? 2 : 1;
  return end === 0 || bytes[end - 1] === lineFeed ? bytes.subarray(0, end) : bytes;
}
