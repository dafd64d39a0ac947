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

  push(chunk: Buffer, receiver: ReplyReceiver): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    this.#isStopped = false;
    let start = 0;
    let line = 0;
    for (;;) {
      const end = bytes.indexOf(lineFeed, line);
      if (end === -1) break;
      const isLast = bytes[line + 3] !== hyphen || end < line + 3;
      line = end + 1;
      if (!isLast) continue;
      receiver.onReply(codeAt(bytes, start), bytes, start, line);
      if (this.#isStopped) return;
      start = line;
    }
    if (start === bytes.length) return;
    if (bytes.length - start > replyBytesMax) receiver.onOverlong();
    // The chunk's memory is not ours.
    else this.#rest = Buffer.from(bytes.subarray(start));
  }

  /** What was read and not given out is forgotten (RFC 3207 §4.2: nothing said before TLS counts after it). */
  stop(): void {
    this.#isStopped = true;
    this.#rest = undefined;
  }
}

function codeAt(bytes: Buffer, at: number): number {
  const code = (bytes[at]! - zero) * 100 + (bytes[at + 1]! - zero) * 10 + (bytes[at + 2]! - zero);
  return code >= 200 && code <= 599 ? code : 0;
}
