/**
 * Cuts SMTP replies out of what a server sends, without making strings of them.
 *
 * Runs in:   load generator; pure.
 * Specs:     RFC 5321 §4.2.1: the last line of a reply has a space after its code, or nothing.
 * Limits:    `replyBytesMax` a reply.
 */

import { Buffer } from 'node:buffer';

const replyBytesMax = 64 * 1024;
const lineFeed = 0x0a;
const hyphen = 0x2d;
const zero = 0x30;

export interface ReplyReceiver {
  /** `bytes` from `start` to `end` hold the reply with its line ends, until this returns. 0: no code at all. */
  onReply(code: number, bytes: Buffer, start: number, end: number): void;
  onOverlong(): void;
}

export class ReplyReader {
  #rest: Buffer | undefined;
  #isStopped = false;

  /** Reads the first `count` bytes of `chunk`. */
  push(chunk: Buffer, count: number, receiver: ReplyReceiver): void {
    const rest = this.#rest;
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk.subarray(0, count)]);
    const length = rest === undefined ? count : bytes.length;
    this.#rest = undefined;
    this.#isStopped = false;
    let start = 0;
    let line = 0;
    for (let end = 0; end < length; end++) {
      // Lines are short: a call of indexOf costs more than looking.
      if (bytes[end] !== lineFeed) continue;
      const isLast = bytes[line + 3] !== hyphen || end < line + 3;
      line = end + 1;
      if (!isLast) continue;
      receiver.onReply(codeAt(bytes, start), bytes, start, line);
      if (this.#isStopped) return;
      start = line;
    }
    if (start === length) return;
    if (length - start > replyBytesMax) receiver.onOverlong();
    // The chunk's memory is not ours.
    else this.#rest = Buffer.from(bytes.subarray(start, length));
  }

  /** What was read and not given out is forgotten (RFC 3207 §4.2: nothing said before TLS counts after it). */
  stop(): void {
    this.#isStopped = true;
    this.#rest = undefined;
  }
}

function codeAt(bytes: Buffer, at: number): number {
  const first = bytes[at]! - zero;
  const second = bytes[at + 1]! - zero;
  const third = bytes[at + 2]! - zero;
  const isCode = first >= 2 && first <= 5 && second >= 0 && second <= 9 && third >= 0 && third <= 9;
  return isCode ? first * 100 + second * 10 + third : 0;
}
