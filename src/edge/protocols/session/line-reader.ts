/**
 * Finds command lines in a session's octets, however they are cut into chunks.
 *
 * Runs in:   edge (main thread); hot: a line that came in one chunk is read in place.
 * Specs:     RFC 5321 §2.3.8 (a line ends in CRLF only), §4.5.3.1.4 (length).
 * Limits:    the start of a line whose end has not come is held, up to the length allowed; of a longer one nothing
 *            is held and the rest is skipped.
 */

import { Buffer } from 'node:buffer';
import { carriageReturn, lineFeed } from '../../../mail/wire/smtp/octets.ts';

/** `none`: the chunk ended first. */
export type LineFinding = 'none' | 'line' | 'too-long' | 'bare-newline';

const noLine = Buffer.alloc(0);

export class LineReader {
  finding: LineFinding = 'none';
  /** Where in its octets the line found stands, without its CRLF. */
  from = 0;
  to = 0;

  #line: Buffer = noLine;
  #held: Buffer | undefined;
  #isSkipping = false;

  /** Looks for one line from `from` on; answers the offset after what it used and leaves its `finding`. */
  read(chunk: Buffer, from: number, lineBytesMax: number): number {
    const newline = chunk.indexOf(lineFeed, from);
    const end = newline < 0 ? chunk.length : newline + 1;
    if (this.#isSkipping) {
      this.#isSkipping = newline < 0;
      this.finding = 'none';
      return end;
    }
    const held = this.#held;
    if ((held?.length ?? 0) + end - from > lineBytesMax) {
      this.#held = undefined;
      this.#isSkipping = newline < 0;
      this.finding = 'too-long';
    } else if (newline < 0) {
      // A copy: a view would keep the whole chunk for a few octets.
      const rest = chunk.subarray(from);
      this.#held = held === undefined ? Buffer.from(rest) : Buffer.concat([held, rest]);
      this.finding = 'none';
    } else if (held === undefined) {
      this.#found(chunk, from, newline);
    } else {
      this.#held = undefined;
      const line = Buffer.concat([held, chunk.subarray(from, end)]);
      this.#found(line, 0, line.length - 1);
    }
    return end;
  }

  /** The octets of the line found; the reader lets go of them, or an idle session would keep a whole chunk. */
  take(): Buffer {
    const line = this.#line;
    this.#line = noLine;
    return line;
  }

  /** Forgets the start of a line. */
  clear(): void {
    this.#held = undefined;
    this.#isSkipping = false;
  }

  #found(line: Buffer, from: number, newline: number): void {
    const to = newline - 1;
    const isLine = newline > from && line.indexOf(carriageReturn, from) === to;
    this.#line = line;
    this.from = from;
    this.to = to;
    this.finding = isLine ? 'line' : 'bare-newline';
  }
}
