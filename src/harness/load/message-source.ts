/**
 * Makes the messages of a run: each with a mark of its own, and a body no other has.
 *
 * Runs in:   load generator.
 * Specs:     RFC 5322 §2.1, §3.6; RFC 5321 §4.5.2 (dots are doubled on the wire), §4.5.3.1.6 (line
 *            length).
 * Limits:    bodies are cut from a filler of `fillerLines` lines; a longer one takes them in a
 *            circle.
 * Invariant: the same seed makes the same bodies; every `dotEvery`th filler line begins with a dot.
 */

import { Buffer } from 'node:buffer';
import type { Random } from '../../ports/random.ts';
import { bodyHashOfParts, markLine } from '../ledger/mark.ts';
import type { RecipientDealer } from './recipients.ts';

const fillerLines = 4_096;
const lineLength = 76;
const lineBytes = lineLength + 2;
const dotEvery = 37;
const alphabet = 'abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789';

export interface LoadMessage {
  readonly id: string;
  readonly sha256: string;
  readonly from: string;
  readonly to: readonly string[];
  /** Size as RFC 1870 counts it: header and body with CRLF, dots not doubled. */
  readonly bytes: number;
  /** As DATA carries it, dots doubled, with the line that ends it. */
  readonly wire: readonly Uint8Array[];
  /** Milliseconds since the run began. */
  readonly intendedMs: number;
}

export interface MessageSourceOptions {
  /** Of the whole message; what the header takes is subtracted from the body. */
  readonly messageBytes: number;
  readonly from: string;
  readonly recipients: RecipientDealer;
  readonly random: Random;
  /** Sets the ids of one run apart from those of another in the same ledger. */
  readonly run: string;
  readonly date: Date;
}

interface Filler {
  readonly bytes: Buffer;
  /** Where each line begins, and the end. */
  readonly starts: Uint32Array;
}

export class MessageSource {
  readonly #options: MessageSourceOptions;
  readonly #plain: Filler;
  readonly #stuffed: Filler;
  readonly #dateLine: string;
  #count = 0;

  constructor(options: MessageSourceOptions) {
    this.#options = options;
    this.#dateLine = `Date: ${options.date.toUTCString().replace('GMT', '+0000')}\r\n`;
    const lines = makeLines(options.random);
    this.#plain = joinLines(lines);
    this.#stuffed = joinLines(lines.map((line) => (line.startsWith('.') ? `.${line}` : line)));
  }

  next(intendedMs: number): LoadMessage {
    const { from, run, recipients, messageBytes } = this.#options;
    const index = this.#count++;
    const id = `${run}-${index}`;
    const to = recipients.deal();
    const header =
      `From: <${from}>\r\nTo: <${to[0]}>\r\nSubject: ${id}\r\n${this.#dateLine}` +
      `Message-ID: <${id}@load.invalid>\r\nMIME-Version: 1.0\r\n` +
      'Content-Type: text/plain; charset=us-ascii\r\n\r\n';
    const firstLine = `message ${id}\r\n`;
    const markBytes = markLine({ id, sha256: '-'.repeat(43) }).length;
    const fillBytes = Math.max(0, messageBytes - markBytes - header.length - firstLine.length);
    const lineCount = Math.floor(fillBytes / lineBytes);
    // The last line has at least its CRLF; it brings the size to the very byte where there is room.
    const left = fillBytes - lineCount * lineBytes;
    const lastLine = left >= 2 ? `${'='.repeat(left - 2)}\r\n` : '';
    const startLine = (index * 61) % fillerLines;
    const first = Buffer.from(firstLine, 'latin1');
    const last = Buffer.from(lastLine, 'latin1');
    const body = [first, ...cut(this.#plain, startLine, lineCount), last];
    const sha256 = bodyHashOfParts(body);
    const head = Buffer.from(markLine({ id, sha256 }) + header + firstLine, 'latin1');
    const tail = Buffer.from(`${lastLine}.\r\n`, 'latin1');
    const wire = [head, ...cut(this.#stuffed, startLine, lineCount), tail];
    const bytes = head.length + lineCount * lineBytes + last.length;
    return { id, sha256, from, to, bytes, wire, intendedMs };
  }
}

function makeLines(random: Random): readonly string[] {
  const letters = random.bytes(fillerLines * lineLength);
  return Array.from({ length: fillerLines }, (_, line) => {
    let text = line % dotEvery === 0 ? '.' : '';
    for (let i = text.length; i < lineLength; i++) {
      text += alphabet[letters[line * lineLength + i]! % alphabet.length]!;
    }
    return text;
  });
}

function joinLines(lines: readonly string[]): Filler {
  const starts = new Uint32Array(lines.length + 1);
  lines.forEach((line, i) => {
    starts[i + 1] = starts[i]! + line.length + 2;
  });
  return { bytes: Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1'), starts };
}

/** `count` lines from `startLine` on, as views of the filler, in a circle. */
function cut(filler: Filler, startLine: number, count: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let line = startLine;
  let left = count;
  while (left > 0) {
    const taken = Math.min(left, fillerLines - line);
    parts.push(filler.bytes.subarray(filler.starts[line]!, filler.starts[line + taken]!));
    left -= taken;
    line = (line + taken) % fillerLines;
  }
  return parts;
}
