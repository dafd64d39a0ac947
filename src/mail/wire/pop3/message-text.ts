/**
 * A message as RETR and TOP send it: lines end in CRLF, and one that begins with a dot gets another before it.
 *
 * Runs in:   anywhere; pure, hot. Octets come in slices, cut anywhere; where the text stands between two of them is
 *            plain data (`TextPlace`), so that the next slice may be written by another.
 * Specs:     RFC 1939 §3 (byte-stuffing), §5 (RETR), §7 (TOP).
 * Invariant: no octets of a message can end the response before its end: a bare LF becomes CRLF before it could make
 *            a dot stand alone on a line.
 */

import type { Buffer } from 'node:buffer';
import { view } from '../../../base/bytes.ts';
import { carriageReturn, dot, lineEnd, lineFeed, termination } from './octets.ts';

/** Within a line; `cr`: a CR was the last octet, `onlyCr`: and the line's first as well. */
const places = { start: 0, within: 1, cr: 2, onlyCr: 3 } as const;

export type TextPlace = readonly [
  place: number,
  isBody: boolean,
  /** Lines of the body to be sent yet; -1: all. */
  linesLeft: number,
];

/** `bodyLines`: -1 is the whole message (RETR). */
export function textStart(bodyLines: number): TextPlace {
  return [places.start, false, bodyLines];
}

export class MessageText {
  #place: number;
  #isBody: boolean;
  #linesLeft: number;
  #pieces: Uint8Array[] = [];

  constructor([place, isBody, linesLeft]: TextPlace) {
    this.#place = place;
    this.#isBody = isBody;
    this.#linesLeft = linesLeft;
  }

  get place(): TextPlace {
    return [this.#place, this.#isBody, this.#linesLeft];
  }

  /** All lines asked for are written: what follows is not wanted. */
  get isComplete(): boolean {
    return this.#isBody && this.#linesLeft === 0;
  }

  /** Views of `octets`, and what came between them. */
  take(): Uint8Array[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  write(octets: Uint8Array): void {
    const bytes = view(octets);
    let from = 0;
    for (let at = 0; at < bytes.length && !this.isComplete; ) {
      if (this.#place === places.start && bytes[at] === dot) {
        this.#add(bytes, from, at);
        this.#pieces.push(oneDot);
        from = at;
      }
      const end = bytes.indexOf(lineFeed, at);
      if (end < 0) {
        this.#leave(bytes, at);
        break;
      }
      const hasCr = end > at ? bytes[end - 1] === carriageReturn : this.#place >= places.cr;
      const isEmpty = this.#isEmpty(at, end, hasCr);
      if (!hasCr) {
        this.#add(bytes, from, end);
        this.#pieces.push(lineEnd);
        from = end + 1;
      }
      at = end + 1;
      this.#place = places.start;
      this.#lineEnded(isEmpty);
      if (this.isComplete) {
        this.#add(bytes, from, at);
        return;
      }
    }
    this.#add(bytes, from, bytes.length);
  }

  /** The message has ended, or all lines wanted are written. */
  end(): void {
    if (this.#place !== places.start) this.#pieces.push(lineEnd);
    this.#place = places.start;
    this.#pieces.push(termination);
  }

  /** The line from `at` to its LF at `end` has nothing but its end; it may have begun in the slice before. */
  #isEmpty(at: number, end: number, hasCr: boolean): boolean {
    const length = end - at - (hasCr ? 1 : 0);
    if (length < 0) return this.#place === places.onlyCr;
    return length === 0 && this.#place === places.start;
  }

  #lineEnded(isEmpty: boolean): void {
    if (!this.#isBody) this.#isBody = isEmpty;
    else if (this.#linesLeft > 0) this.#linesLeft--;
  }

  /** The slice ends within a line that has gone on since `at`. */
  #leave(bytes: Buffer, at: number): void {
    const isCr = bytes[bytes.length - 1] === carriageReturn;
    const isAll = this.#place === places.start && bytes.length - at === 1;
    if (!isCr) this.#place = places.within;
    else this.#place = isAll ? places.onlyCr : places.cr;
  }

  #add(bytes: Buffer, from: number, to: number): void {
    if (to > from) this.#pieces.push(bytes.subarray(from, to));
  }
}

const oneDot = termination.subarray(0, 1);
