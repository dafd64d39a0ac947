/**
 * Finds the parts of a message: where each starts and ends, and what its header says of it. Nothing is decoded.
 *
 * Runs in:   engine threads (once per stored message) and jobs; pure.
 * Specs:     RFC 2045 §5.2 (defaults), RFC 2046 §5.1 (multipart) and §5.2.1 (message/rfc822), RFC 6532 §3.7.
 * Limits:    `StructureLimits`; past them a part is not looked into and `isTruncated` says so.
 * Invariant: offsets are of the whole message and ascend; a part lies within its parent. An outer boundary ends
 *            whatever is open inside.
 */

import { Buffer } from 'node:buffer';
import { view } from '../../../base/bytes.ts';
import { type Parameterised, parameter } from '../headers/parameters.ts';
import { HeaderScan } from '../headers/scan.ts';
import { type PartFields, readPartFields } from './part-fields.ts';

export interface StructureLimits {
  readonly nestingMax: number;
  readonly partsMax: number;
  /** Lines that look like a boundary and are none: each costs a search, and hostile mail is made of them. */
  readonly missesMax: number;
}

const structureLimits: StructureLimits = {
  nestingMax: 50,
  partsMax: 2_000,
  missesMax: 100_000,
};

export interface Part extends PartFields {
  /** Where the part's header starts. */
  readonly headerStart: number;
  /** After the header's empty line. */
  readonly bodyStart: number;
  /** Before the line break that belongs to the boundary after it. */
  readonly bodyEnd: number;
  /** Lines of the encoded body; counted for text and messages only, else 0. */
  readonly lines: number;
  /** Parts of a multipart, in order. */
  readonly children: readonly Part[];
  /** What a message/rfc822 holds. */
  readonly message?: MessagePart;
}

/** A message, the outermost or an enclosed one. */
export interface MessagePart {
  readonly header: HeaderScan;
  readonly root: Part;
}

export interface Structure extends MessagePart {
  readonly bytes: Uint8Array;
  readonly isTruncated: boolean;
}

interface Walk {
  readonly bytes: Uint8Array;
  readonly limits: StructureLimits;
  /** Header of the part at hand; messages keep their own. */
  readonly scan: HeaderScan;
  readonly lines: LineCounter;
  parts: number;
  misses: number;
  isTruncated: boolean;
}

export function scanStructure(
  bytes: Uint8Array,
  limits: StructureLimits = structureLimits,
): Structure {
  const walk: Walk = {
    bytes,
    limits,
    scan: new HeaderScan(),
    lines: new LineCounter(bytes),
    parts: 0,
    misses: 0,
    isTruncated: false,
  };
  const message = readMessage(walk, 0, bytes.length, 0);
  return { ...message, bytes, isTruncated: walk.isTruncated };
}

function readMessage(walk: Walk, start: number, end: number, depth: number): MessagePart {
  const header = new HeaderScan();
  const root = readPart(walk, header, start, end, depth, 'plain');
  return { header, root };
}

function readPart(
  walk: Walk,
  scan: HeaderScan,
  start: number,
  end: number,
  depth: number,
  defaultSubtype: 'plain' | 'rfc822',
): Part {
  walk.parts++;
  scan.scan(walk.bytes, undefined, start, end);
  const bodyStart = Math.min(scan.bodyStart, end);
  const fields = readPartFields(scan, defaultSubtype);
  const place = { headerStart: start, bodyStart, bodyEnd: end };
  const isOpen = depth < walk.limits.nestingMax && walk.parts < walk.limits.partsMax;
  if (fields.type === 'multipart') {
    if (!isOpen) walk.isTruncated = true;
    const children = isOpen ? readChildren(walk, fields, bodyStart, end, depth) : [];
    return { ...fields, ...place, lines: 0, children };
  }
  const isMessage = isEnclosedMessage(fields);
  const lines = fields.type === 'text' || isMessage ? walk.lines.count(bodyStart, end) : 0;
  if (!isMessage) return { ...fields, ...place, lines, children: [] };
  if (!isOpen) {
    walk.isTruncated = true;
    return { ...fields, ...place, lines, children: [] };
  }
  const message = readMessage(walk, bodyStart, end, depth + 1);
  return { ...fields, ...place, lines, children: [], message };
}

/** RFC 9051 §7.5.2 (body-type-msg) and RFC 6532 §3.7. */
export function isEnclosedMessage(fields: PartFields): boolean {
  return fields.type === 'message' && (fields.subtype === 'rfc822' || fields.subtype === 'global');
}

function readChildren(
  walk: Walk,
  fields: PartFields,
  start: number,
  end: number,
  depth: number,
): readonly Part[] {
  const children: Part[] = [];
  const defaultSubtype = fields.subtype === 'digest' ? 'rfc822' : 'plain';
  const delimiter = Buffer.from(`--${boundaryOf(fields.contentType)}`, 'utf8');
  let at = findDelimiter(walk, delimiter, start, end);
  while (at !== undefined && !at.isClose) {
    const next = findDelimiter(walk, delimiter, at.end, end);
    if (walk.parts >= walk.limits.partsMax) {
      walk.isTruncated = true;
      break;
    }
    // Without a closing boundary the last part goes to the end.
    const childEnd = next === undefined ? end : beforeLineBreak(walk.bytes, at.end, next.start);
    children.push(readPart(walk, walk.scan, at.end, childEnd, depth + 1, defaultSubtype));
    at = next;
  }
  return children;
}

/** "" where there is none. Spaces at its end do not count (RFC 2046 §5.1.1). */
function boundaryOf(contentType: Parameterised): string {
  return (parameter(contentType.parameters, 'boundary') ?? '').trimEnd();
}

interface Delimiter {
  /** Where its line starts, and where the next one does. */
  readonly start: number;
  readonly end: number;
  readonly isClose: boolean;
}

const lineFeed = 10;
const carriageReturn = 13;
const hyphen = 45;

function findDelimiter(
  walk: Walk,
  delimiter: Buffer,
  from: number,
  to: number,
): Delimiter | undefined {
  const { bytes } = walk;
  const searched = view(bytes).subarray(0, to);
  let start = searched.indexOf(delimiter, from);
  for (; start >= 0; start = searched.indexOf(delimiter, start + 1)) {
    if (++walk.misses > walk.limits.missesMax) {
      walk.isTruncated = true;
      return undefined;
    }
    if (start !== from && bytes[start - 1] !== lineFeed) continue;
    let at = start + delimiter.length;
    const isClose = at + 1 < to && bytes[at] === hyphen && bytes[at + 1] === hyphen;
    if (isClose) at += 2;
    // RFC 2046 §5.1.1: only white space may follow on the line; else it is another, longer boundary.
    while (at < to && (bytes[at] === 32 || bytes[at] === 9)) at++;
    if (at < to && bytes[at] === carriageReturn) at++;
    if (at === to) return { start, end: to, isClose };
    if (bytes[at] === lineFeed) return { start, end: at + 1, isClose };
  }
  return undefined;
}

/** RFC 2046 §5.1.1: the line break before a boundary belongs to the boundary. */
function beforeLineBreak(bytes: Uint8Array, from: number, end: number): number {
  let at = end;
  if (at > from && bytes[at - 1] === lineFeed) at--;
  if (at > from && at < end && bytes[at - 1] === carriageReturn) at--;
  return at;
}

const blockBytes = 65_536;

/** Counts line ends of ranges. Nested ranges are counted by blocks, so that depth does not multiply the work. */
class LineCounter {
  readonly #bytes: Uint8Array;
  /** Line ends of each whole block, counted when first asked for; -1 before. */
  #blocks: Int32Array | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  count(from: number, to: number): number {
    let lines = 0;
    let at = from;
    while (at < to) {
      const block = Math.floor(at / blockBytes);
      const blockEnd = (block + 1) * blockBytes;
      if (at === block * blockBytes && blockEnd <= to) {
        lines += this.#countBlock(block);
      } else lines += this.#countBytes(at, Math.min(to, blockEnd));
      at = blockEnd;
    }
    return lines;
  }

  #countBlock(block: number): number {
    this.#blocks ??= new Int32Array(Math.floor(this.#bytes.length / blockBytes)).fill(-1);
    const start = block * blockBytes;
    if (this.#blocks[block]! < 0) this.#blocks[block] = this.#countBytes(start, start + blockBytes);
    return this.#blocks[block]!;
  }

  #countBytes(from: number, to: number): number {
    const bytes = this.#bytes;
    let lines = 0;
    for (let at = from; at < to; at++) if (bytes[at] === lineFeed) lines++;
    return lines;
  }
}
