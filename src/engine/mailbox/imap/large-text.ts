/**
 * Looking for texts in a large message: its header and its text parts, piece by piece; attachments are not read.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Specs:     RFC 9051 §6.4.4.
 * Limits:    a piece is `pieceBytes`; of a header `headerBytesMax`. What is carried from piece to piece is a line, or
 *            `carriedMax` where lines have no end.
 */

import { Buffer } from 'node:buffer';
import { view } from '../../../base/bytes.ts';
import { kibibyte } from '../../../base/units.ts';
import { decodeCharset } from '../../../mail/formats/headers/charset.ts';
import { parameter } from '../../../mail/formats/headers/parameters.ts';
import { HeaderScan } from '../../../mail/formats/headers/scan.ts';
import { decodeTransfer } from '../../../mail/formats/mime/decode.ts';
import { htmlText } from '../../../mail/formats/mime/html-text.ts';
import { type PartFields, readPartFields } from '../../../mail/formats/mime/part-fields.ts';
import type { PartPlace } from '../../../mail/formats/mime/part-table.ts';
import { casemap } from '../../../mail/formats/text/casemap.ts';
import type { RecordPlace } from '../../store/record.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { isOfBody, type SearchPlan } from './search-plan.ts';
import { SearchedText, type TextKey } from './search-text.ts';
import type { Slices } from './slices.ts';

const pieceBytes = 256 * kibibyte;
const headerBytesMax = 256 * kibibyte;
const partHeaderBytesMax = 16 * kibibyte;
const carriedMax = 64 * kibibyte;

export interface LargeMessage {
  readonly shard: Pick<MailboxShard, 'read' | 'lease'>;
  readonly place: RecordPlace;
  readonly parts: readonly PartPlace[];
}

/** Of the plan's text keys, those that hold. */
export async function largeHolds(
  message: LargeMessage,
  { textKeys, needleOf }: SearchPlan,
  slices: Slices,
): Promise<ReadonlySet<TextKey>> {
  const { shard, place } = message;
  const lease = shard.lease(place.segment);
  try {
    const held = new Set<TextKey>();
    const text = new SearchedText().open(await readHeader(message));
    for (const key of textKeys) if (text.holds(key, needleOf(key))) held.add(key);
    const wanted = textKeys.filter((key) => !held.has(key) && isOfBody(key));
    const search = new PieceSearch(wanted.map((key) => [key, needleOf(key).mapped]));
    const scan = new HeaderScan();
    for (const part of message.parts) {
      if (search.isDone) break;
      const fields = await readFields(message, part, scan);
      if (fields.type === 'text') await searchPart(message, part, fields, search, slices);
    }
    for (const key of search.held) held.add(key);
    return held;
  } finally {
    lease.release();
  }
}

async function readHeader({ shard, place }: LargeMessage): Promise<Uint8Array> {
  const bytes = await shard.read(place, 0, Math.min(place.bodyBytes, headerBytesMax));
  const scan = new HeaderScan();
  scan.scan(bytes);
  return bytes.subarray(0, scan.bodyStart);
}

async function readFields(
  { shard, place }: LargeMessage,
  { headerStart, bodyStart }: PartPlace,
  scan: HeaderScan,
): Promise<PartFields> {
  const length = Math.min(bodyStart - headerStart, partHeaderBytesMax);
  scan.scan(await shard.read(place, headerStart, length));
  return readPartFields(scan, 'plain');
}

async function searchPart(
  { shard, place }: LargeMessage,
  { bodyStart, bodyEnd }: PartPlace,
  fields: PartFields,
  search: PieceSearch,
  slices: Slices,
): Promise<void> {
  const text = new PartStream(fields);
  search.begin();
  for (let at = bodyStart; at < bodyEnd && !search.isDone; at += pieceBytes) {
    const length = Math.min(pieceBytes, bodyEnd - at);
    const bytes = await shard.read(place, at, length);
    search.look(text.take(bytes, at + length === bodyEnd));
    if (slices.isOver) await slices.next();
  }
}

/** Keys that still look for their texts, in text that comes in pieces. */
class PieceSearch {
  readonly held: TextKey[] = [];
  #wanted: (readonly [key: TextKey, mapped: string])[];
  readonly #longest: number;
  #tail = '';

  constructor(wanted: (readonly [key: TextKey, mapped: string])[]) {
    this.#wanted = wanted;
    this.#longest = Math.max(0, ...wanted.map(([, mapped]) => mapped.length));
  }

  get isDone(): boolean {
    return this.#wanted.length === 0;
  }

  /** Another part: no text goes on from the one before. */
  begin(): void {
    this.#tail = '';
  }

  look(text: string): void {
    const mapped = this.#tail + casemap(text);
    const open = this.#wanted.filter(([key, wanted]) => {
      const isHeld = mapped.includes(wanted);
      if (isHeld) this.held.push(key);
      return !isHeld;
    });
    this.#wanted = open;
    this.#tail = mapped.slice(Math.max(0, mapped.length - this.#longest + 1));
  }
}

const wideCharset = /^(?:utf-?16|utf-?32|ucs-?[24]|iso-10646|unicode)/i;
const lineFeed = 10;

/** A text part's octets as text, as they come. */
class PartStream {
  readonly #encoding: string;
  readonly #charset: string;
  readonly #isHtml: boolean;
  readonly #isWide: boolean;
  #encoded: Buffer = Buffer.alloc(0);
  #octets: Buffer = Buffer.alloc(0);
  #markup = '';

  constructor({ encoding, contentType, subtype }: PartFields) {
    this.#encoding = encoding;
    this.#charset = parameter(contentType.parameters, 'charset') ?? '';
    this.#isHtml = subtype === 'html';
    this.#isWide = wideCharset.test(this.#charset);
  }

  take(bytes: Uint8Array, isLast: boolean): string {
    const octets = Buffer.concat([this.#octets, this.#decode(bytes, isLast)]);
    const end = isLast ? octets.length : this.#endOfText(octets);
    this.#octets = octets.subarray(end);
    const text = decodeCharset(octets.subarray(0, end), this.#charset);
    return this.#isHtml ? this.#stripped(text, isLast) : text;
  }

  #decode(bytes: Uint8Array, isLast: boolean): Uint8Array {
    const all = Buffer.concat([this.#encoded, bytes]);
    if (this.#encoding === 'base64') return this.#decodeBase64(all, isLast);
    // Lines of quoted-printable go on in the next one; a line is whole up to its end.
    const end = isLast || this.#encoding !== 'quoted-printable' ? all.length : endOfLines(all);
    this.#encoded = all.subarray(end);
    return decodeTransfer(all.subarray(0, end), this.#encoding);
  }

  #decodeBase64(all: Buffer, isLast: boolean): Uint8Array {
    const digits = all.toString('latin1').replace(/[^A-Za-z0-9+/=]/g, '');
    const end = isLast ? digits.length : digits.length - (digits.length % 4);
    this.#encoded = Buffer.from(digits.slice(end), 'latin1');
    return Buffer.from(digits.slice(0, end), 'base64');
  }

  #endOfText(octets: Buffer): number {
    return this.#isWide ? octets.length - (octets.length % 4) : endOfLines(octets);
  }

  /** Without tags; one that is not closed yet waits for its end. */
  #stripped(text: string, isLast: boolean): string {
    const markup = this.#markup + text;
    const open = markup.lastIndexOf('<');
    const isCut = !isLast && open >= 0 && !markup.includes('>', open);
    const end = isCut && markup.length - open <= carriedMax ? open : markup.length;
    this.#markup = markup.slice(end);
    return htmlText(markup.slice(0, end));
  }
}

/** After the last line break; all of it where that is too far back. */
function endOfLines(octets: Uint8Array): number {
  const end = view(octets).lastIndexOf(lineFeed) + 1;
  return octets.length - end > carriedMax ? octets.length : end;
}
