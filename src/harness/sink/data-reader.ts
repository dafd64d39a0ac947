/**
 * Collects what follows DATA up to the line with a single dot, wherever chunks are cut.
 *
 * Runs in:   sink.
 * Specs:     RFC 5321 §4.1.1.4 (end of data), §4.5.2 (transparency).
 * Limits:    keeps at most `bytesMax`; what is past it is read and dropped.
 */

import { Buffer } from 'node:buffer';

const terminator = Buffer.from('\r\n.\r\n', 'latin1');

export class DataReader {
  readonly #bytesMax: number;
  readonly #parts: Buffer[] = [];
  /**
   * The last bytes seen, at most four; DATA's own line end counts, so that an empty body ends at
   * once.
   */
  #tail: Buffer = Buffer.from('\r\n', 'latin1');
  #bytes = 0;
  isTooLarge = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Takes a chunk; once the message has ended, answers the bytes after its end. */
  take(chunk: Buffer): Buffer | undefined {
    const end = this.#findEnd(chunk);
    if (end === -1) {
      this.#keep(chunk);
      const last = Buffer.concat([this.#tail, chunk.subarray(-4)]);
      this.#tail = last.subarray(-4);
      return undefined;
    }
    // The CRLF before the dot belongs to the message; the dot and its CRLF do not.
    const bodyEnd = end - 3;
    if (bodyEnd >= 0) this.#keep(chunk.subarray(0, bodyEnd));
    else this.#cut(-bodyEnd);
    return chunk.subarray(end);
  }

  /** The message, dots still doubled, in chunks as they came. */
  parts(): readonly Buffer[] {
    return this.#parts;
  }

  /** Where the terminator ends in `chunk`, or -1. It may have begun in an earlier one. */
  #findEnd(chunk: Buffer): number {
    const seam = Buffer.concat([this.#tail, chunk.subarray(0, 4)]);
    const inSeam = seam.indexOf(terminator);
    if (inSeam !== -1) return inSeam + terminator.length - this.#tail.length;
    const at = chunk.indexOf(terminator);
    return at === -1 ? -1 : at + terminator.length;
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > this.#bytesMax) this.isTooLarge = true;
    else if (part.length > 0) this.#parts.push(part);
  }

  /** Takes back `count` bytes that turned out to be the terminator's beginning. */
  #cut(count: number): void {
    let left = count;
    while (left > 0 && this.#parts.length > 0) {
      const last = this.#parts.pop()!;
      if (last.length > left) {
        this.#parts.push(last.subarray(0, last.length - left));
        return;
      }
      left -= last.length;
    }
  }
}

/**
 * Removes the dots that DATA doubled; the message is one array afterwards, that of `parts` where it
 * can be.
 */
export function unstuff(parts: readonly Buffer[]): Buffer {
  const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  let at = bytes[0] === 0x2e ? 0 : nextDot(bytes, 0);
  if (at === -1) return bytes;
  let written = at;
  while (at !== -1) {
    const next = nextDot(bytes, at + 1);
    const end = next === -1 ? bytes.length : next;
    bytes.copyWithin(written, at + 1, end);
    written += end - at - 1;
    at = next;
  }
  return bytes.subarray(0, written);
}

/** The next dot that begins a line, at or after `from`. */
function nextDot(bytes: Buffer, from: number): number {
  const at = bytes.indexOf('\r\n.', Math.max(0, from - 2), 'latin1');
  return at === -1 ? -1 : at + 2;
}
