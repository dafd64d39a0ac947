/**
 * Reads a message's text out of a session's stream, in whatever pieces it comes: finds its end, takes out stuffed
 * dots, and refuses what is not a line ended by CRLF.
 *
 * Runs in:   anywhere; pure; hot. Hands out views of the chunks it is given and copies nothing, except that many
 *            tiny pieces in a row are joined, so that a peer who sends octets one by one cannot cost 100 times
 *            their number.
 * Specs:     RFC 5321 §2.3.8 (CR and LF only as CRLF), §4.5.2 (transparency), §4.1.1.4 (the end is CRLF.CRLF).
 * Limits:    the longest line is measured, never held.
 * Invariant: only CRLF.CRLF ends data. A bare CR or LF is a fault, and reading goes on to the true end, so that no
 *            peer's idea of an earlier end lets it smuggle commands.
 */

import { Buffer } from 'node:buffer';
import { carriageReturn, dot, lineFeed } from './octets.ts';

const inText = 0;
const afterCr = 1;
const atLineStart = 2;
const afterDot = 3;
const afterDotCr = 4;

const crlf: Uint8Array = Buffer.from('\r\n');

/** `dots`: DATA. `counted`: BDAT, whose end is counted and dots are not stuffed. `binary`: any octets, counted. */
export type ReaderMode = 'dots' | 'counted' | 'binary';

const smallBytes = 1_024;
const smallCountMax = 64;

export class DataReader {
  /** The text so far, canonical; whoever takes it keeps it, as `reset` begins a new one. */
  parts: Uint8Array[] = [];
  bytes = 0;
  hasBareNewline = false;
  /** With its CRLF. */
  lineBytesLongest = 0;

  #state = atLineStart;
  #keeps = true;
  /** Octets of the line under way that came in earlier chunks. */
  #lineBytes = 0;
  #smallCount = 0;
  #hasDots = true;
  #isBinary = false;

  /** Makes ready for the next message. */
  reset(mode: ReaderMode): void {
    this.parts = [];
    this.bytes = 0;
    this.hasBareNewline = false;
    this.lineBytesLongest = 0;
    this.#state = atLineStart;
    this.#keeps = true;
    this.#lineBytes = 0;
    this.#smallCount = 0;
    this.#hasDots = mode === 'dots';
    this.#isBinary = mode === 'binary';
  }

  /** Lets go of the text; what still comes is read to its end and dropped. `bytes` goes on counting. */
  discard(): void {
    this.parts = [];
    this.#smallCount = 0;
    this.#keeps = false;
  }

  /** The last counted octet was read: ends the last line where the peer did not. */
  endCounted(): void {
    if (this.#isBinary || this.#state === atLineStart) return;
    if (this.#state === afterCr) this.#markBare();
    else this.#keep(crlf);
  }

  /** Reads from `from`; answers the offset after the end of data, or -1 when the chunk is used up. */
  read(chunk: Buffer, from: number): number {
    const length = chunk.length;
    if (this.#isBinary) {
      if (from < length) this.#keep(from === 0 ? chunk : chunk.subarray(from));
      return -1;
    }
    let start = from; // Where the part under way began.
    let lineFrom = from - this.#lineBytes;
    let state = this.#state;
    let i = from;
    while (i < length) {
      if (state === inText) {
        // 13 is the largest octet of interest, and nearly all octets are above it.
        while (i < length && chunk[i]! > carriageReturn) i++;
        if (i === length) break;
        const octet = chunk[i]!;
        if (octet === carriageReturn) state = afterCr;
        else if (octet === lineFeed) this.#markBare();
        i++;
      } else if (state === afterCr) {
        if (chunk[i] === lineFeed) {
          i++;
          state = atLineStart;
          if (i - lineFrom > this.lineBytesLongest) this.lineBytesLongest = i - lineFrom;
          lineFrom = i;
        } else {
          this.#markBare();
          state = inText;
        }
      } else if (state === atLineStart) {
        if (chunk[i] === dot && this.#hasDots) {
          if (i > start) this.#keep(chunk.subarray(start, i));
          i++;
          start = i; // The dot is not text, whatever follows.
          state = afterDot;
        } else {
          state = inText;
        }
      } else if (state === afterDot) {
        if (chunk[i] === carriageReturn) {
          i++;
          state = afterDotCr;
        } else {
          state = inText;
        }
      } else if (chunk[i] === lineFeed) {
        this.#state = atLineStart;
        this.#lineBytes = 0;
        return i + 1;
      } else {
        this.#markBare();
        state = inText;
      }
    }
    if (state !== afterDotCr && start < length) this.#keep(chunk.subarray(start, length));
    this.#state = state;
    this.#lineBytes = length - lineFrom;
    return -1;
  }

  #markBare(): void {
    this.hasBareNewline = true;
    this.discard();
  }

  #keep(part: Uint8Array): void {
    this.bytes += part.byteLength;
    if (!this.#keeps) return;
    this.parts.push(part);
    if (part.byteLength >= smallBytes) {
      this.#smallCount = 0;
    } else if (++this.#smallCount === smallCountMax) {
      const joined = Buffer.concat(this.parts.splice(this.parts.length - smallCountMax));
      this.parts.push(joined);
      this.#smallCount = joined.byteLength < smallBytes ? 1 : 0;
    }
  }
}
