/**
 * Reads commands out of a session's stream, in whatever pieces it comes: lines, and the literals within them.
 *
 * Runs in:   anywhere; pure; hot. It is pulled: `give` a chunk, then ask `next` until it says `more`. A command that
 *            lies in one chunk is shown there, without a copy; one that is cut is gathered in a buffer that grows
 *            with what came, not with what was announced. A streamed literal is shown in views and never gathered.
 * Specs:     RFC 9051 §2.2.1, §4.3 (lines and literals); RFC 7888 (non-synchronising literals); RFC 3516 (`~{n}`).
 * Limits:    `lineBytesMax` octets of lines a command, or between two streamed literals; literals as whoever answers
 *            `literal` allows.
 * Invariant: never throws; linear in the octets. How the octets were cut changes nothing but where a streamed
 *            literal is cut. Bytes that were handed out are never written again.
 */

import { Buffer } from 'node:buffer';
import { braceClose, braceOpen, carriageReturn, isDigit, lineFeed, plus, tilde } from './octets.ts';

/** See README.md. */
export type Reading = 'more' | 'command' | 'literal' | 'octets' | 'line' | 'too-long' | 'lost';

const inLine = 0;
/** A literal was announced and nobody said yet what shall become of it. */
const asked = 1;
const gathering = 2;
const streaming = 3;
const skippingOctets = 4;
const skippingLine = 5;
const lost = 6;

const nothing = Buffer.alloc(0);
/** Where searching natively begins to pay. */
const nearBytes = 32;
const heldBytesMin = 256;
/** `~{9007199254740991+}` and CRLF fit; more digits are not understood. */
const markBytesMax = 24;
/** What is shown of a line that is too long: a tag fits. */
const shownBytesMax = 128;

export class CommandReader {
  /** What `next` found stands here, from `start` to `end`. */
  bytes: Buffer = nothing;
  start = 0;
  end = 0;
  /** Octets of the literal announced, and of it those not yet shown or gathered. */
  literalBytes = 0;
  literalBytesLeft = 0;
  /** Octets of this command's literals that were gathered before. */
  gatheredBytes = 0;
  /** The client waits for `+ ` before it sends the literal. */
  needsContinuation = false;
  /** `~{n}`: any octets, NUL too. */
  isBinary = false;
  lineBytesMax: number;

  #chunk: Buffer = nothing;
  /** Where what is not yet held of the command begins in the chunk, and where reading goes on. */
  #from = 0;
  #at = 0;
  /** The command's octets of earlier chunks. */
  #held: Buffer = nothing;
  #heldBytes = 0;
  #lineBytes = 0;
  /** Octets of the command before the line under way, literals among them. */
  #lineOffset = 0;
  #state = inLine;
  #isBare = false;
  /** What was shown is used up: the next command begins at `#at`. */
  #isShown = false;
  /** The last octets of a line that is dropped: it may announce a literal. */
  #tail = '';

  constructor(lineBytesMax: number) {
    this.lineBytesMax = lineBytesMax;
  }

  /** The reader keeps `chunk` until `next` says `more`. Given earlier, the rest and it are joined, at a copy. */
  give(chunk: Buffer): void {
    if (this.#isShown) this.#startAt(this.#at);
    if (this.#at >= this.#chunk.length && this.#from >= this.#chunk.length) {
      this.#chunk = chunk;
      this.#from = 0;
      this.#at = 0;
      return;
    }
    const base = Math.min(this.#from, this.#at);
    this.#chunk = Buffer.concat([this.#chunk.subarray(base), chunk]);
    this.#from -= base;
    this.#at -= base;
  }

  /** Octets given and not yet read: what a STARTTLS must not have behind it (RFC 9051 §6.2.1). */
  get unreadBytes(): number {
    return this.#chunk.length - this.#at;
  }

  /** Nothing is begun: a new reader would go on as well, once told of `expectsLine`. */
  get isAtRest(): boolean {
    return this.#state === inLine && this.#heldBytes === 0 && this.unreadBytes === 0;
  }

  get expectsLine(): boolean {
    return this.#isBare;
  }

  /** The next line is no command: it is shown as `line`, and braces at its end mean nothing. */
  expectLine(): void {
    this.#isBare = true;
  }

  /** The literal becomes part of the command. */
  gather(): void {
    if (this.#state !== asked) return;
    this.#state = gathering;
    this.gatheredBytes += this.literalBytes;
  }

  /** The literal is shown as `octets`; the command up to here is not shown again. */
  stream(): void {
    if (this.#state !== asked) return;
    this.#state = streaming;
    this.#startAt(this.#at);
  }

  /**
   * The command is not wanted: its literal is never sent (synchronising), or passed over with the rest of the
   * command. Either way the tagged answer is the caller's, and `next` goes on with the next command.
   */
  refuse(): void {
    if (this.#state !== asked) return;
    if (this.needsContinuation) this.#state = inLine;
    else this.#state = skippingOctets;
    this.#startAt(this.#at);
  }

  next(): Reading {
    for (;;) {
      switch (this.#state) {
        case inLine: {
          if (this.#isShown) this.#startAt(this.#at);
          const reading = this.#readLine();
          if (reading !== undefined) return reading;
          break;
        }
        case gathering:
          if (!this.#passOctets()) {
            this.#hold(this.#chunk.length);
            return this.#more();
          }
          this.#state = inLine;
          this.#lineOffset = this.#heldBytes + this.#at - this.#from;
          break;
        case streaming:
          return this.#streamOctets();
        case skippingOctets:
          if (!this.#passOctets()) return this.#more();
          this.#state = skippingLine;
          this.#tail = '';
          break;
        case skippingLine:
          if (!this.#skipLine()) return this.#more();
          break;
        case asked:
          return 'literal';
        default:
          return 'lost';
      }
    }
  }

  /** Undefined: a literal is to be passed over first. */
  #readLine(): Reading | undefined {
    const chunk = this.#chunk;
    const found = lineFeedFrom(chunk, this.#at);
    const stop = found < 0 ? chunk.length : found + 1;
    this.#lineBytes += stop - this.#at;
    // The CRLF is not counted as the line's, but a line that is still without one may bring it.
    if (this.#lineBytes > this.lineBytesMax + 2) return this.#dropLine(found, stop);
    this.#at = stop;
    if (found < 0) {
      this.#hold(stop);
      return this.#more();
    }
    if (this.#heldBytes > 0) {
      this.#hold(stop);
      this.#show(this.#held, 0, this.#heldBytes);
    } else {
      this.#show(chunk, this.#from, stop);
    }
    return this.#endLine();
  }

  /** A line ends at `end`, its LF included. */
  #endLine(): Reading {
    if (this.#isBare) {
      this.#isBare = false;
      this.#trimNewline();
      this.#isShown = true;
      return 'line';
    }
    // Looking further back would find a brace in a literal.
    const markBytes = this.#readMark(this.bytes, this.start + this.#lineOffset, this.end);
    if (markBytes < 0) {
      this.#state = lost;
      return 'lost';
    }
    if (markBytes > 0) {
      this.#state = asked;
      return 'literal';
    }
    this.#trimNewline();
    this.#isShown = true;
    return 'command';
  }

  /** Octets of a literal's mark with the newline, 0 where the line ends without one, -1 where none can follow it. */
  #readMark(bytes: Buffer, start: number, end: number): number {
    let i = end - 2;
    if (i >= start && bytes[i] === carriageReturn) i--;
    if (i < start || bytes[i] !== braceClose) return 0;
    i--;
    const isWaiting = i < start || bytes[i] !== plus;
    if (!isWaiting) i--;
    let value = 0;
    let scale = 1;
    let digits = 0;
    for (; i >= start && isDigit(bytes[i]!); i--, digits++) {
      const digit = bytes[i]! - 0x30;
      if (digit > 0) value += digit * scale;
      if (digits < markBytesMax) scale *= 10;
    }
    if (digits === 0 || i < start || bytes[i] !== braceOpen) return 0;
    // Nobody can count past 2^53 octets, so nobody can find the end of such a literal.
    if (value > Number.MAX_SAFE_INTEGER) return -1;
    this.literalBytes = value;
    this.literalBytesLeft = value;
    this.needsContinuation = isWaiting;
    this.isBinary = i > start && bytes[i - 1] === tilde;
    return end - i;
  }

  #trimNewline(): void {
    this.end--;
    if (this.end > this.start && this.bytes[this.end - 1] === carriageReturn) this.end--;
  }

  #dropLine(found: number, stop: number): Reading {
    const shownBytes = Math.min(shownBytesMax, this.lineBytesMax);
    const heldLineFrom = Math.max(this.#lineOffset, this.#heldBytes - markBytesMax);
    const tailFrom = Math.max(this.#at, stop - markBytesMax);
    this.#tail =
      this.#held.toString('latin1', heldLineFrom, this.#heldBytes) +
      this.#chunk.toString('latin1', tailFrom, found < 0 ? stop : found);
    if (this.#heldBytes > 0) {
      if (this.#heldBytes < shownBytes) {
        this.#hold(Math.min(stop, this.#from + shownBytes - this.#heldBytes));
      }
      this.#show(this.#held, 0, shownBytes);
    } else {
      this.#show(this.#chunk, this.#from, this.#from + shownBytes);
    }
    // The LF is left for `#skipLine`, which knows what may follow it.
    this.#startAt(found < 0 ? stop : found);
    this.#state = skippingLine;
    return 'too-long';
  }

  /** False while the line's end did not come. */
  #skipLine(): boolean {
    const found = lineFeedFrom(this.#chunk, this.#at);
    const stop = found < 0 ? this.#chunk.length : found;
    const from = Math.max(this.#at, stop - markBytesMax);
    this.#tail = (this.#tail + this.#chunk.toString('latin1', from, stop)).slice(-markBytesMax);
    this.#startAt(found < 0 ? stop : found + 1);
    if (found < 0) return false;
    if (this.#isBare) {
      this.#isBare = false;
      this.#state = inLine;
      return true;
    }
    const line = Buffer.from(`${this.#tail}\n`, 'latin1');
    this.#tail = '';
    const markBytes = this.#readMark(line, 0, line.length);
    if (markBytes < 0) {
      this.#state = lost;
      this.#show(nothing, 0, 0);
      return true;
    }
    // A client that waits for `+ ` gets the tagged answer instead: the command is over.
    this.#state = markBytes > 0 && !this.needsContinuation ? skippingOctets : inLine;
    return true;
  }

  /** Passes over the literal's octets in the chunk; true when all are passed. */
  #passOctets(): boolean {
    const here = Math.min(this.literalBytesLeft, this.#chunk.length - this.#at);
    this.literalBytesLeft -= here;
    this.#at += here;
    if (this.#state === skippingOctets) this.#from = this.#at;
    return this.literalBytesLeft === 0;
  }

  #streamOctets(): Reading {
    const here = Math.min(this.literalBytesLeft, this.#chunk.length - this.#at);
    if (here === 0 && this.literalBytesLeft > 0) return this.#more();
    this.#show(this.#chunk, this.#at, this.#at + here);
    this.literalBytesLeft -= here;
    this.#startAt(this.#at + here);
    if (this.literalBytesLeft === 0) this.#state = inLine;
    return 'octets';
  }

  #show(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  #startAt(at: number): void {
    this.#at = at;
    this.#from = at;
    this.#held = nothing;
    this.#heldBytes = 0;
    this.#lineBytes = 0;
    this.#lineOffset = 0;
    this.#isShown = false;
    this.gatheredBytes = 0;
  }

  /** Lets go of the chunk, which is used up. */
  #more(): Reading {
    this.#chunk = nothing;
    this.#from = 0;
    this.#at = 0;
    this.#show(nothing, 0, 0);
    return 'more';
  }

  /** Takes the chunk's octets from `#from` to `to` into the held ones. */
  #hold(to: number): void {
    const bytes = to - this.#from;
    const needed = this.#heldBytes + bytes;
    if (needed > this.#held.length) {
      const grown = Buffer.allocUnsafe(Math.max(heldBytesMin, needed * 2));
      this.#held.copy(grown, 0, 0, this.#heldBytes);
      this.#held = grown;
    }
    this.#chunk.copy(this.#held, this.#heldBytes, this.#from, to);
    this.#heldBytes = needed;
    this.#from = to;
  }
}

function lineFeedFrom(chunk: Buffer, at: number): number {
  const near = Math.min(chunk.length, at + nearBytes);
  for (let i = at; i < near; i++) if (chunk[i] === lineFeed) return i;
  return near < chunk.length ? chunk.indexOf(lineFeed, near) : -1;
}
