/**
 * Reads the commands that are not about the envelope: the verb itself, EHLO's argument, BDAT's size.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5321 §4.1.1, RFC 3030 §2 (BDAT).
 */

import { type Buffer, isUtf8 } from 'node:buffer';
import { space } from './octets.ts';
import { isAddressLiteral } from './path.ts';

const heloBytesMax = 255;

/**
 * The first four octets as one number, letters in lower case: what commands are looked up by. -1 when there are
 * fewer than four.
 */
export function verbKey(line: Buffer, from: number, to: number): number {
  if (to - from < 4) return -1;
  return (
    (line[from]! | 0x20) * 0x1000000 +
    (((line[from + 1]! | 0x20) << 16) | ((line[from + 2]! | 0x20) << 8) | (line[from + 3]! | 0x20))
  );
}

export function verbKeyOf(name: string): number {
  let key = 0;
  for (let i = 0; i < 4; i++) key = key * 256 + (name.charCodeAt(i) | 0x20);
  return key;
}

/** Offset after the verb, a run of letters. */
export function verbEnd(line: Buffer, from: number, to: number): number {
  let i = from;
  while (i < to) {
    const letter = line[i]! | 0x20;
    if (letter < 0x61 || letter > 0x7a) break;
    i++;
  }
  return i;
}

/** The argument without the spaces around it. */
export function argumentOf(line: Buffer, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && line[start] === space) start++;
  while (end > start && line[end - 1] === space) end--;
  return start === end ? '' : line.toString('utf8', start, end);
}

/**
 * EHLO's or HELO's argument: a domain or an address literal. Clients send names that are no domain at all, so any
 * printable word is taken (RFC 5321 §4.1.4 forbids to refuse for a name that does not verify). Undefined: none there.
 */
export function parseGreetingName(line: Buffer, from: number, to: number): string | undefined {
  const name = argumentOf(line, from, to);
  if (name === '' || to - from > heloBytesMax + 1) return undefined;
  if (/[\x00-\x20\x7f]/.test(name)) return undefined;
  if (!isUtf8(line.subarray(from, to))) return undefined;
  if (name.startsWith('[') && !isAddressLiteral(name)) return undefined;
  return name;
}

export interface BdatCommand {
  readonly chunkBytes: number;
  readonly isLast: boolean;
}

export function parseBdat(line: Buffer, from: number, to: number): BdatCommand | undefined {
  const match = /^(\d{1,20})(?: +(last))?$/i.exec(argumentOf(line, from, to));
  if (match === null) return undefined;
  const chunkBytes = Number(match[1]);
  if (!Number.isSafeInteger(chunkBytes)) return undefined;
  return { chunkBytes, isLast: match[2] !== undefined };
}
