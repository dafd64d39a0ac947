/**
 * A message made ahead: all its bytes, and where those stand that differ from one message to the next.
 *
 * Runs in:   load generator.
 * Specs:     RFC 5321 §4.5.2 (dots are doubled on the wire); RFC 5322 §2.1.
 * Invariant: the mark's hash is that of the body as it arrives, dots single (../ledger/mark.ts).
 */

import { Buffer } from 'node:buffer';
import { byteLength, latin1 } from '../../base/bytes.ts';
import { bodyHash, bodyHashOfParts, markLine } from '../ledger/mark.ts';

/** As DATA carries a message, or as BDAT does (RFC 3030 §2: as it is, without an end line). */
export type Framing = 'dots' | 'plain';

/** Room for an id: ids of a run have this length, whatever their number. */
export const idLength = 21;
export const idRoom = '\u0001'.repeat(idLength);
const hashLength = 43;
const hashRoom = '\u0002'.repeat(hashLength);
const dot = 0x2e;
const lineFeed = 0x0a;
const endLine = latin1('.\r\n');
/** Marks, fields of the envelope and a first line; what is written anew for each message. */
export const markRoom = markLine({ id: idRoom, sha256: hashRoom });

export interface Form {
  /** Of a small message all, of a large one what comes before `parts`. Copied for each message, then patched. */
  readonly head: Uint8Array;
  /** Shared and never changed. */
  readonly parts: readonly Uint8Array[];
  /** Where the id stands in `head`. */
  readonly idAt: readonly number[];
  readonly hashAt: number;
  /** Where the first recipient stands in `head`, if it does. */
  readonly toAt: number | undefined;
  /** Of the body; undefined where it carries the id and so has a hash of its own each time. */
  readonly sha256: string | undefined;
  /** Of the body with this id in it. */
  hashWith(id: Uint8Array): string;
  /** As RFC 1870 counts them. */
  readonly bytes: number;
  /** RFC 6152: whether it has octets over 127. */
  readonly isEightBit: boolean;
}

export interface FormText {
  /** Ends with the empty line. Holds `markRoom`, and `idRoom` wherever the id belongs. */
  readonly header: string;
  /** Dots that were doubled in `header`. */
  readonly headerDots?: number;
  /** Room of the first recipient's length in `header`. */
  readonly toRoom?: string;
  /** Begins the body; may hold `idRoom`. */
  readonly first?: string;
  /** The rest of the body as it arrives, and as it goes out: views that may be shared by many forms. */
  readonly body: readonly Uint8Array[];
  readonly bodyWire: readonly Uint8Array[];
  readonly framing: Framing;
}

/** Up to here a message is one piece. */
const onePieceBytesMax = 16 * 1024;

export function createForm(text: FormText): Form {
  const { header, headerDots = 0, first = '', body, bodyWire, framing } = text;
  const top = latin1(header + first);
  const end = framing === 'dots' ? [endLine] : [];
  const wire = [top, ...bodyWire, ...end];
  const isOnePiece = byteLength(wire) <= onePieceBytesMax;
  const idAt = occurrences(top, latin1(idRoom));
  const firstBytes = latin1(first);
  const idInFirst = firstBytes.indexOf(idRoom);
  const toAt = text.toRoom === undefined ? -1 : top.indexOf(latin1(text.toRoom));
  return {
    head: isOnePiece ? Buffer.concat(wire) : top,
    parts: isOnePiece ? [] : [...bodyWire, ...end],
    idAt,
    hashAt: top.indexOf(latin1(hashRoom)),
    toAt: toAt === -1 ? undefined : toAt,
    sha256: idInFirst === -1 ? bodyHashOfParts([firstBytes, ...body]) : undefined,
    hashWith: hasher(firstBytes, idInFirst, body, isOnePiece),
    bytes: top.length - headerDots + byteLength(body),
    isEightBit: isEightBit(top) || body.some(isEightBit),
  };
}

/** Patches an id into a body and hashes it; a small body is one piece of memory of its own. */
function hasher(
  first: Buffer,
  idAt: number,
  body: readonly Uint8Array[],
  isSmall: boolean,
): (id: Uint8Array) => string {
  if (!isSmall) {
    return (id) => {
      first.set(id, idAt);
      return bodyHashOfParts([first, ...body]);
    };
  }
  const scratch = Buffer.concat([first, ...body]);
  return (id) => {
    scratch.set(id, idAt);
    return bodyHash(scratch);
  };
}

function occurrences(bytes: Buffer, what: Buffer): readonly number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(what); at !== -1; at = bytes.indexOf(what, at + what.length)) {
    found.push(at);
  }
  return found;
}

function isEightBit(bytes: Uint8Array): boolean {
  return bytes.some((byte) => byte > 127);
}

/** Doubles the dots that begin lines; `bytes` begins a line. */
export function stuffed(bytes: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== dot || (at > 0 && bytes[at - 1] !== lineFeed)) continue;
    pieces.push(bytes.subarray(from, at), endLine.subarray(0, 1));
    from = at;
  }
  return pieces.length === 0 ? bytes : Buffer.concat([...pieces, bytes.subarray(from)]);
}
