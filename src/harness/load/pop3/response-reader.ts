/**
 * Cuts POP3 responses out of what a server sends: one line, or many that end with a dot.
 *
 * Runs in:   load generator; pure.
 * Specs:     RFC 1939 §3: many lines end with a line of one dot; those that begin with one have it twice.
 * Limits:    `lineBytesMax` of a line that is given out; a body's lines may have any length.
 */

import { Buffer } from 'node:buffer';

const lineBytesMax = 4_096;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const dot = 0x2e;

/** How the lines of a response are to be taken. */
export type Shape =
  /** A status line and nothing after it. */
  | 'line'
  /** A body whose lines nobody asks for. */
  | 'body'
  /** A body whose lines are counted. */
  | 'list';

export interface ResponseReceiver {
  /** Of the response whose status line is given, how it goes on. */
  onStatus(bytes: Buffer, start: number, end: number): Shape;
  /** A body came to its end; `lines` of a list without its last. */
  onEnd(lines: number): void;
  onOverlong(): void;
}

/** Where in a body the last octet stood: in a line (0), at its end (2), a dot that begins one (3), CR after it (4). */
type Matched = 0 | 2 | 3 | 4;

export class ResponseReader {
  #rest: Buffer | undefined;
  #body: Shape = 'line';
  #matched: Matched = 0;
  #lines = 0;
  #isStopped = false;

  push(chunk: Buffer, receiver: ResponseReceiver): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    this.#isStopped = false;
    let at = 0;
    while (at < bytes.length) {
      if (this.#body !== 'line') {
        at = this.#passBody(bytes, at, receiver);
      } else {
        const lineEnd = bytes.indexOf(lineFeed, at) + 1;
        if (lineEnd === 0) {
          if (bytes.length - at > lineBytesMax) receiver.onOverlong();
          else this.#rest = Buffer.from(bytes.subarray(at));
          return;
        }
        this.#body = receiver.onStatus(bytes, at, lineEnd);
        // The status line's end is the one before the body: a body may be a dot alone.
        this.#matched = 2;
        this.#lines = 0;
        at = lineEnd;
      }
      if (this.#isStopped) return;
    }
  }

  /** What was read and not given out is forgotten (RFC 2595 §4: nothing said before TLS counts after it). */
  stop(): void {
    this.#isStopped = true;
    this.#rest = undefined;
    this.#body = 'line';
  }

  /** Goes from line to line; only what stands at their begin is looked at. */
  #passBody(bytes: Buffer, from: number, receiver: ResponseReceiver): number {
    let at = from;
    while (at < bytes.length) {
      if (this.#matched < 2) {
        const end = bytes.indexOf(lineFeed, at);
        if (end === -1) return bytes.length;
        this.#matched = 2;
        this.#lines++;
        at = end + 1;
        continue;
      }
      const octet = bytes[at]!;
      if (this.#matched === 2 && octet === dot) this.#matched = 3;
      else if (this.#matched === 3 && octet === carriageReturn) this.#matched = 4;
      else if (this.#matched >= 3 && octet === lineFeed) {
        this.#body = 'line';
        receiver.onEnd(this.#lines);
        return at + 1;
      } else {
        // The octet may be the line feed of an empty line.
        this.#matched = 0;
        continue;
      }
      at++;
    }
    return at;
  }
}
