/**
 * Files that stand in text itself, encoded as mail had it before MIME: programs still take them out.
 *
 * Runs in:   engine threads and jobs; pure, linear.
 * Specs:     POSIX uuencode (`begin mode name`, and `begin-base64`).
 * Limits:    `filesMax` of one text.
 */

import { Buffer } from 'node:buffer';
import { concat, view } from '../../../base/bytes.ts';

interface EncodedFile {
  readonly name: string;
  /** As far as it can be decoded. */
  readonly bytes: Uint8Array;
}

const filesMax = 100;
const lineMax = 300;
const mark = 'begin';
const header = /^begin(-base64)? [0-7]{3,4} +([^\r\n]+)/;
const lineFeed = 10;

export function encodedFiles(text: Uint8Array): readonly EncodedFile[] {
  const all = view(text);
  const files: EncodedFile[] = [];
  let at = all.indexOf(mark);
  while (at >= 0 && files.length < filesMax) {
    let next = at + mark.length;
    const isLine = at === 0 || all[at - 1] === lineFeed;
    const [, base64, name] = isLine
      ? (header.exec(all.toString('utf8', at, at + lineMax)) ?? [])
      : [];
    if (name !== undefined) {
      const found = decodedLines(
        all,
        nextLine(all, at),
        base64 === undefined ? uuLine : base64Line,
      );
      files.push({ name, bytes: found.bytes });
      next = Math.max(next, found.end);
    }
    at = all.indexOf(mark, next);
  }
  return files;
}

/** Undefined: it is none of its kind, or the last. */
type DecodeLine = (line: Buffer) => Uint8Array | undefined;

function decodedLines(all: Buffer, from: number, decode: DecodeLine) {
  const parts: Uint8Array[] = [];
  let at = from;
  while (at < all.length) {
    const end = nextLine(all, at);
    const part = decode(all.subarray(at, end));
    if (part === undefined) break;
    parts.push(part);
    at = end;
  }
  return { bytes: concat(parts), end: at };
}

function nextLine(all: Buffer, from: number): number {
  const at = all.indexOf(lineFeed, from);
  return at < 0 ? all.length : at + 1;
}

/** How many bytes, then four characters for each three. */
function uuLine(line: Buffer): Uint8Array | undefined {
  const bytes = line.length === 0 ? 0 : (line[0]! - 32) & 63;
  if (bytes === 0 || line[0]! < 32 || line[0]! > 96) return undefined;
  const out = Buffer.alloc(Math.ceil(bytes / 3) * 3);
  for (let from = 1, to = 0; to < bytes; from += 4, to += 3) {
    const group = [0, 1, 2, 3].reduce(
      (sum, i) => sum * 64 + (((line[from + i] ?? 32) - 32) & 63),
      0,
    );
    out.writeUIntBE(group, to, 3);
  }
  return out.subarray(0, bytes);
}

function base64Line(line: Buffer): Uint8Array | undefined {
  const text = line.toString('latin1').trim();
  return /^[\dA-Za-z+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}
