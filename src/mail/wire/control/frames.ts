/**
 * The framing of the control socket, both ways: one line of JSON, then as many raw bytes as it says.
 *
 * A request is one frame, an answer is any number of `item` frames and one `result` or `failure` frame at the end;
 * an answer that stops before that was cut off. Raw bytes instead of base64 keep a 50 MB message at 50 MB.
 *
 * Runs in:   anywhere; pure.
 * Limits:    `headBytesMax` of JSON and `bodyBytesMax` of raw bytes per frame.
 */

import { concat, emptyBytes, utf8, view } from '../../../base/bytes.ts';
import { mebibyte } from '../../../base/units.ts';

const headBytesMax = 64 * mebibyte;
const bodyBytesMax = 1_024 * mebibyte;
export const controlContentType = 'application/x-chaski-frames';

export type FrameHead =
  | { readonly kind: 'request'; readonly params: unknown }
  | { readonly kind: 'item'; readonly item: unknown }
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'failure'; readonly code: string; readonly detail: string };

export interface Frame {
  readonly head: FrameHead;
  readonly body: Uint8Array;
}

export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** The parts to write, in order. */
export function writeFrame(head: FrameHead, body: Uint8Array = emptyBytes): readonly Uint8Array[] {
  const line = utf8(`${JSON.stringify({ ...head, bodyBytes: body.byteLength })}\n`);
  return body.byteLength === 0 ? [line] : [line, body];
}

const lineFeed = 0x0a;
const kinds: readonly string[] = ['request', 'item', 'result', 'failure'];

/** Takes pieces of a stream as they come and gives whole frames. */
export class FrameReader {
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #head: FrameHead | undefined;
  #bodyBytes = 0;

  /** True between two frames: where a stream may end. */
  get isAtRest(): boolean {
    return this.#bytes === 0 && this.#head === undefined;
  }

  /** @throws FrameError on what is no frame or too large. */
  *push(piece: Uint8Array): IterableIterator<Frame> {
    this.#pieces.push(piece);
    this.#bytes += piece.byteLength;
    while (true) {
      if (this.#head === undefined && !this.#takeHead()) return;
      if (this.#bytes < this.#bodyBytes) return;
      const head = this.#head!;
      const body = this.#take(this.#bodyBytes);
      this.#head = undefined;
      yield { head, body };
      if (this.#bytes === 0) return;
    }
  }

  #takeHead(): boolean {
    const last = this.#pieces.at(-1);
    // Only a new piece can hold the line's end, unless a frame was just taken off the one piece there is.
    if (last === undefined || (this.#pieces.length > 1 && !last.includes(lineFeed))) {
      this.#checkHeadBytes(this.#bytes);
      return false;
    }
    const whole = this.#whole();
    const end = whole.indexOf(lineFeed);
    this.#checkHeadBytes(end < 0 ? whole.byteLength : end);
    if (end < 0) return false;
    const line = view(this.#take(end + 1)).toString('utf8', 0, end);
    const { bodyBytes, ...head } = parseHead(line);
    this.#head = head as FrameHead;
    this.#bodyBytes = bodyBytes;
    return true;
  }

  #checkHeadBytes(bytes: number): void {
    if (bytes > headBytesMax) throw new FrameError(`a frame's head is over ${headBytesMax} bytes`);
  }

  #whole(): Uint8Array {
    if (this.#pieces.length !== 1) this.#pieces = [concat(this.#pieces)];
    return this.#pieces[0]!;
  }

  #take(length: number): Uint8Array {
    if (length === 0) return emptyBytes;
    const whole = this.#whole();
    const taken = whole.subarray(0, length);
    this.#bytes -= length;
    this.#pieces = this.#bytes === 0 ? [] : [whole.subarray(length)];
    return taken;
  }
}

function parseHead(line: string): { kind: string; bodyBytes: number } {
  let head: { kind?: unknown; bodyBytes?: unknown };
  try {
    head = JSON.parse(line);
  } catch (cause) {
    throw new FrameError('a frame does not start with a line of JSON', { cause });
  }
  if (typeof head !== 'object' || head === null) throw new FrameError('a frame is no object');
  const { kind, bodyBytes } = head;
  if (typeof kind !== 'string' || !kinds.includes(kind))
    throw new FrameError('a frame has no kind');
  if (!Number.isSafeInteger(bodyBytes) || (bodyBytes as number) < 0) {
    throw new FrameError('a frame does not say how many bytes follow');
  }
  if ((bodyBytes as number) > bodyBytesMax) {
    throw new FrameError(`a frame's body is over ${bodyBytesMax} bytes`);
  }
  return head as { kind: string; bodyBytes: number };
}
