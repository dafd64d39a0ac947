/**
 * Messages of a given size: plain text cut from a filler, different from one to the next.
 *
 * Runs in:   load generator.
 * Specs:     RFC 5322 §2.1, §3.6; RFC 5321 §4.5.3.1.6 (line length).
 * Limits:    a filler has at most `fillerLinesMax` lines; a longer body takes them in a circle.
 * Invariant: the same seed makes the same bodies; every `dotEvery`th filler line begins with a dot.
 */

import { Buffer } from 'node:buffer';
import type { Random } from '../../ports/random.ts';
import { createForm, type Form, type Framing, idRoom, markRoom, stuffed } from './form.ts';

const fillerLinesMax = 4_096;
const fillerLinesMin = 256;
const lineLength = 76;
const lineBytes = lineLength + 2;
const dotEvery = 37;
const variantsCount = 16;
const alphabet = Buffer.from('abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789');

interface Filler {
  readonly bytes: Uint8Array;
  /** Where each line begins, and the end. */
  readonly starts: Uint32Array;
}

export interface SizedOptions {
  /** Of the whole message; what the header takes is subtracted from the body. */
  readonly messageBytes: number;
  readonly from: string;
  /** As a Date field has it. */
  readonly date: string;
  readonly random: Random;
  /** Each body carries the message's id, so that no two are alike. */
  readonly isUnique: boolean;
  readonly framing: Framing;
}

export class SizedForms {
  readonly #options: SizedOptions;
  readonly #plain: Filler;
  readonly #wire: Filler;

  constructor(options: SizedOptions) {
    this.#options = options;
    const wanted = Math.ceil(options.messageBytes / lineBytes);
    const count = Math.min(fillerLinesMax, Math.max(fillerLinesMin, wanted));
    this.#plain = makeFiller(options.random, count);
    this.#wire = options.framing === 'dots' ? stuffedFiller(this.#plain) : this.#plain;
  }

  /** Variants of one message for recipients whose address has `toLength` characters. */
  make(toLength: number): readonly Form[] {
    return Array.from({ length: variantsCount }, (_, variant) => this.#variant(toLength, variant));
  }

  #variant(toLength: number, variant: number): Form {
    const { from, date, messageBytes, isUnique, framing } = this.#options;
    const toRoom = '\u0003'.repeat(toLength);
    const header =
      `${markRoom}From: <${from}>\r\nTo: <${toRoom}>\r\nSubject: ${idRoom}\r\nDate: ${date}\r\n` +
      `Message-ID: <${idRoom}@load.invalid>\r\nMIME-Version: 1.0\r\n` +
      'Content-Type: text/plain; charset=us-ascii\r\n\r\n';
    const first = isUnique ? `message ${idRoom}\r\n` : `message of kind ${variant}\r\n`;
    const fillBytes = Math.max(0, messageBytes - header.length - first.length);
    const lineCount = Math.floor(fillBytes / lineBytes);
    // The last line has at least its CRLF; it brings the size to the very byte where there is room.
    const left = fillBytes - lineCount * lineBytes;
    const last = Buffer.from(left >= 2 ? `${'='.repeat(left - 2)}\r\n` : '', 'latin1');
    const start = (variant * 61) % (this.#plain.starts.length - 1);
    return createForm({
      header,
      toRoom,
      first,
      body: [...cut(this.#plain, start, lineCount), last],
      bodyWire: [...cut(this.#wire, start, lineCount), last],
      framing,
    });
  }
}

function makeFiller(random: Random, count: number): Filler {
  const bytes = Buffer.from(random.bytes(count * lineBytes));
  const starts = new Uint32Array(count + 1);
  for (let line = 0; line < count; line++) {
    const start = line * lineBytes;
    for (let at = start; at < start + lineLength; at++) {
      bytes[at] = alphabet[bytes[at]! % alphabet.length]!;
    }
    if (line % dotEvery === 0) bytes[start] = 0x2e;
    bytes.set([0x0d, 0x0a], start + lineLength);
    starts[line + 1] = start + lineBytes;
  }
  return { bytes, starts };
}

function stuffedFiller(plain: Filler): Filler {
  const starts = new Uint32Array(plain.starts.length);
  for (let line = 0; line < starts.length - 1; line++) {
    const isDotted = line % dotEvery === 0;
    starts[line + 1] = starts[line]! + lineBytes + (isDotted ? 1 : 0);
  }
  return { bytes: stuffed(plain.bytes), starts };
}

/** `count` lines from `startLine` on, as views of the filler, in a circle. */
function cut(filler: Filler, startLine: number, count: number): Uint8Array[] {
  const lines = filler.starts.length - 1;
  const parts: Uint8Array[] = [];
  let line = startLine;
  let left = count;
  while (left > 0) {
    const taken = Math.min(left, lines - line);
    parts.push(filler.bytes.subarray(filler.starts[line]!, filler.starts[line + taken]!));
    left -= taken;
    line = (line + taken) % lines;
  }
  return parts;
}
